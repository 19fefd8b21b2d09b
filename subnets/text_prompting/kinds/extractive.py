"""Extractive question answering: the passage holds the answer, among others of its sort."""

from __future__ import annotations

from subnets.text_prompting.truths.phrase import Phrase
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.world.passage import write_passage
from subnets.text_prompting.world.world import Draw, World

INSTRUCTION = "Answer with the name, number or thing alone, in the words of the text."


def make(draw: Draw, sentences: int) -> Item:
    """Ask for the value of one fact."""
    world = World.make(draw)
    fact = draw.choice([fact for fact in world.facts if fact.day is None])
    passage = write_passage(draw, world, [fact], sentences)
    question = fact.question(draw)
    truth = Phrase(fact.value, fact.aliases, passage.rivals(fact, question), question)
    return Item(ask(f"{passage.text}\n\nQuestion: {question}\n{INSTRUCTION}"), truth, max_tokens=48)
