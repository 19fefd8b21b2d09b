"""Question writing: given a passage and an answer, write the question."""

from __future__ import annotations

from subnets.text_prompting.truths.inquiry import Inquiry
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.world.passage import write_passage
from subnets.text_prompting.world.world import Draw, World

INSTRUCTION = (
    "Write one question about this text whose answer is: {answer}\n"
    "Name whom or what you ask about, do not give the answer away, and write nothing but the question."
)


def make(draw: Draw, sentences: int) -> Item:
    """Ask for the question that leads to the value of a fact."""
    world = World.make(draw)
    # Two facts with one value would allow two questions.
    values = [fact.value for fact in world.facts]
    fact = draw.choice([fact for fact in world.facts if values.count(fact.value) == 1 or fact.target is None])
    passage = write_passage(draw, world, [fact], sentences)
    same = [other for other in passage.facts if other.value == fact.value and other is not fact]
    instruction = INSTRUCTION.format(answer=fact.value if not same else f"{fact.value} ({fact.subject.name})")
    truth = Inquiry.of(fact, fact.question(draw))
    return Item(ask(f"{passage.text}\n\n{instruction}"), truth, max_tokens=64)
