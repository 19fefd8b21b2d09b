"""Two-hop question answering: one fact leads to the subject of the next; the passage holds both."""

from __future__ import annotations

from subnets.text_prompting.truths.phrase import Phrase
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.world.passage import write_passage
from subnets.text_prompting.world.world import Draw, World

from .extractive import INSTRUCTION


def make(draw: Draw, sentences: int) -> Item:
    """Ask for a fact about somebody who is only described: "Where does the founder of X live?"."""
    world = World.make(draw)
    first = draw.choice([fact for fact in world.facts if fact.target and fact.relation.description])
    assert first.target is not None
    second = draw.choice(
        [
            fact
            for fact in world.about(first.target)
            # A fact that leads back to the first subject would give the answer in the question.
            if fact.day is None and fact.target is not first.subject
        ]
    )
    passage = write_passage(draw, world, [first, second], sentences)
    question = second.question(draw, first.relation.description.format(s=first.subject.name))
    bridge = first.target.short
    rivals = tuple(rival for rival in passage.rivals(second, question) if rival != bridge)
    truth = Phrase(second.value, second.aliases, rivals, question)
    return Item(ask(f"{passage.text}\n\nQuestion: {question}\n{INSTRUCTION}"), truth, max_tokens=48)
