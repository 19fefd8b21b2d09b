"""Dates: one stated in the text, or one some days after it."""

from __future__ import annotations

from datetime import timedelta

from subnets.text_prompting.truths.day import Day
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.world.passage import write_passage
from subnets.text_prompting.world.world import Draw, World, in_words

DEEDS = (
    ("opened a small museum in {town}", "open the museum"),
    ("set out on a journey from {town}", "set out on the journey"),
    ("gave a first concert in {town}", "give the concert"),
    ("signed the lease of a shop in {town}", "sign the lease"),
    ("moved to a farm near {town}", "move to the farm"),
    ("began a diary in {town}", "begin the diary"),
    ("planted an orchard outside {town}", "plant the orchard"),
    ("married in {town}", "marry"),
)
SPANS = ((1, "day", 45), (7, "week", 12))


def make(draw: Draw, sentences: int) -> Item:
    """Ask for a date, which half the time has to be computed from another one."""
    world = World.make(draw)
    fact = draw.choice([fact for fact in world.facts if fact.day is not None])
    assert fact.day is not None
    passage = write_passage(draw, world, [fact], sentences)
    text, question, day = passage.text, fact.question(draw), fact.day
    computed = draw.chance(0.5)
    if computed:
        person = draw.choice([e for e in world.entities if e.sort == "person" and e is not fact.subject])
        town = draw.choice([e for e in world.entities if e.sort == "place"])
        days, unit, most = draw.choice(SPANS)
        count = draw.integer(2, most)
        deed, verb = draw.choice(DEEDS)
        since = (
            "the birth of " + fact.subject.name
            if fact.relation.name == "born_on"
            else (f"{fact.subject.name} was first held")
        )
        text += f" Exactly {count} {unit}s after {since}, {person.name} {deed.format(town=town.name)}."
        question = f"On what date did {person.name} {verb}?"
        day += timedelta(days=count * days)
    prompt = f"{text}\n\nQuestion: {question}\nAnswer with the date alone, such as 9 May 1902."
    return Item(ask(prompt), Day(in_words(day), day), max_tokens=48)
