"""Summaries: keep what the text says about its main subject, invent nothing, stay short."""

from __future__ import annotations

from subnets.text_prompting.truths.facts import Facts, KeyFact
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.world.passage import Passage, write_passage
from subnets.text_prompting.world.world import Draw, Entity, Fact, World, with_article

KEY_FACTS = 4


def plain(fact: Fact) -> str:
    """State a fact in its plainest form."""
    name = fact.subject.name
    text = fact.relation.statements[0].format(s=name, o=name, v=fact.value, av=with_article(fact.value))
    return f"{text[0].upper()}{text[1:]}."


def choose(draw: Draw, world: World, count: int) -> tuple[Entity, list[Fact]]:
    """Choose a main subject and `count` of its facts."""
    subject = draw.choice(world.entities)
    return subject, draw.sample(world.about(subject), count)


def truth(passage: Passage, key: list[Fact]) -> Facts:
    """Return the truth of a summary that must keep the facts in `key`."""
    ordered = [fact for fact in passage.facts if fact in key]
    gold = " ".join(plain(fact) for fact in ordered)
    limit = 10 * round((len(gold.split()) * 1.5 + 15) / 10)
    checks = tuple(KeyFact.of(fact, passage.facts) for fact in ordered)
    return Facts(gold, passage.text, checks, limit)


def instruction(subject: Entity, known: Facts) -> str:
    """Ask for the summary."""
    return (
        f"Summarise what this text says about {subject.name}, in full sentences and at most {known.max_words} words. "
        "Leave out everything else, and add nothing that the text does not say."
    )


def make(draw: Draw, sentences: int) -> Item:
    """Ask for a summary of what is said about one subject."""
    world = World.make(draw)
    subject, key = choose(draw, world, KEY_FACTS)
    passage = write_passage(draw, world, key, max(sentences, 2 * KEY_FACTS))
    # The passage may state more facts about the subject than were chosen; a summary must keep those, too.
    known = truth(passage, [fact for fact in passage.facts if fact.subject is subject])
    return Item(ask(f"{passage.text}\n\n{instruction(subject, known)}"), known, max_tokens=3 * known.max_words)
