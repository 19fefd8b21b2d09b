"""Passages: facts of a world told in prose, among sentences that state none."""

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
    """Prose, and the facts that it states, in the order of the telling."""

    text: str
    facts: tuple[Fact, ...]

    def rivals(self, fact: Fact, question: str) -> tuple[str, ...]:
        """Return the other values of the sort that stand in the passage and not in the question.

        An answer that names one of them has not decided.
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
    """Tell `wanted` facts and others of the world, `count` at least, entity by entity."""
    told = list(wanted)
    # Other facts about the same entities, and facts with the same sort of value: what makes a question hard.
    near = [
        fact
        for fact in world.facts
        if fact not in told
        and any(fact.subject is w.subject or fact.relation.value == w.relation.value for w in wanted)
    ]
    far = [fact for fact in world.facts if fact not in told and fact not in near]
    spare = draw.some(near, len(near)) + draw.some(far, len(far))
    told += spare[: max(0, count - len(told))]

    subjects: list[Entity] = list(dict.fromkeys(fact.subject for fact in told))
    ordered: list[Fact] = []
    lines: list[str] = []
    asides = draw.some(ASIDES, len(ASIDES))
    for entity in draw.some(subjects, len(subjects)):
        own = [fact for fact in told if fact.subject is entity]
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
    # One filler twice reads like a fault of the machine.
    return Passage(" ".join(dict.fromkeys(lines)), tuple(ordered))


def sentence(draw: Draw, fact: Fact, *, named: bool, aside: str = "") -> str:
    """State a fact: the subject by name, or else by a pronoun or a noun as often as not."""
    subject = target = fact.subject.name
    if not named:
        noun = draw.one(NOUNS.get(fact.subject.sort, (fact.subject.short,)))
        subject, target = draw.one(
            ((subject, subject), (noun, noun), (fact.subject.pronoun[0], fact.subject.pronoun[1] or noun))
        )
    # "He" would be taken for the other person of the sentence.
    if fact.target is not None and fact.target.sort == fact.subject.sort:
        subject = target = fact.subject.name
    said = draw.one(fact.relation.statements).format(s=subject, o=target, v=fact.value, av=with_article(fact.value))
    said = aside + said
    return f"{said[0].upper()}{said[1:]}."
