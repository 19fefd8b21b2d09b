"""Passages: facts of a world in prose, among sentences that state none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from subnets.text import content
from subnets.text_prompting.words import places

from .vocabulary import ASIDES, FILLERS
from .world import Draw, Entity, Fact, World, with_article

NOUNS = {"company": ("the company", "the firm"), "place": ("the town",), "event": ("the event",)}


@dataclass(frozen=True, slots=True)
class Passage:
    """Prose, with the facts that it states, in order."""

    text: str
    facts: tuple[Fact, ...]

    def rivals(self, fact: Fact, question: str) -> tuple[str, ...]:
        """Return the other values of the sort that are in the passage and not in the question.

        An answer that names one of them is undecided.
        """
        asked = content(question)
        values = {
            name
            for other in self.facts
            for sort, name in ((other.relation.value, other.aliases[-1]), (other.subject.sort, other.subject.short))
            if sort == fact.relation.value
        }
        return tuple(
            sorted(value for value in values if value not in fact.aliases and not places(asked, content(value)))
        )


def tell(draw: Draw, world: World, wanted: Sequence[Fact], count: int) -> Passage:
    """Tell the `wanted` facts and others of the world, at least `count` in all, entity by entity."""
    facts = list(wanted)
    # Other facts about the same entities, or with the same sort of value, make a question hard.
    near = [
        fact
        for fact in world.facts
        if fact not in facts
        and any(fact.subject is w.subject or fact.relation.value == w.relation.value for w in wanted)
    ]
    far = [fact for fact in world.facts if fact not in facts and fact not in near]
    spare = draw.some(near, len(near)) + draw.some(far, len(far))
    facts += spare[: max(0, count - len(facts))]

    subjects: list[Entity] = list(dict.fromkeys(fact.subject for fact in facts))
    ordered: list[Fact] = []
    lines: list[str] = []
    asides = draw.some(ASIDES, len(ASIDES))
    for entity in draw.some(subjects, len(subjects)):
        own = [fact for fact in facts if fact.subject is entity]
        doubtful = False
        for place, fact in enumerate(draw.some(own, len(own))):
            aside = asides.pop() if asides and draw.chance(0.15) else ""
            # After "Ada was taught by Eve", "she" could be either.
            named = place == 0 or doubtful
            lines.append(sentence(draw, fact, named=named, aside=aside))
            doubtful = fact.target is not None and fact.target.sort == entity.sort
            ordered.append(fact)
        if draw.chance(0.35):
            lines.append(draw.one(FILLERS))
    # A filler that occurs twice would look like a bug.
    return Passage(" ".join(dict.fromkeys(lines)), tuple(ordered))


def sentence(draw: Draw, fact: Fact, *, named: bool, aside: str = "") -> str:
    """State a fact; a subject that need not be `named` may be a pronoun or a noun."""
    subject = target = fact.subject.name
    if not named:
        noun = draw.one(NOUNS.get(fact.subject.sort, (fact.subject.short,)))
        subject, target = draw.one(
            ((subject, subject), (noun, noun), (fact.subject.pronoun[0], fact.subject.pronoun[1] or noun))
        )
    # "He" would be taken for the other person of the sentence.
    if fact.target is not None and fact.target.sort == fact.subject.sort:
        subject = target = fact.subject.name
    text = aside + draw.one(fact.relation.statements).format(
        s=subject, o=target, v=fact.value, av=with_article(fact.value)
    )
    return f"{text[0].upper()}{text[1:]}."
