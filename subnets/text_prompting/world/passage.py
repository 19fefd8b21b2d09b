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
        """Return other values of the fact's sort that occur in the passage but not in the question.

        An answer that names one of them is undecided.
        """
        question_words = content(question)
        values = {
            name
            for other in self.facts
            for sort, name in ((other.relation.value, other.aliases[-1]), (other.subject.sort, other.subject.short))
            if sort == fact.relation.value
        }
        return tuple(
            sorted(
                value for value in values if value not in fact.aliases and not places(question_words, content(value))
            )
        )


def write_passage(draw: Draw, world: World, required: Sequence[Fact], count: int) -> Passage:
    """State the `required` facts and others of the world, at least `count` in all, entity by entity."""
    facts = list(required)
    taken = {id(fact) for fact in required}
    # Other facts about the same entities, or with the same sort of value, make a question hard.
    subjects_asked = {id(fact.subject) for fact in required}
    sorts_asked = {fact.relation.value for fact in required}
    near: list[Fact] = []
    far: list[Fact] = []
    for fact in world.facts:
        if id(fact) not in taken:
            is_near = id(fact.subject) in subjects_asked or fact.relation.value in sorts_asked
            (near if is_near else far).append(fact)
    spare = draw.sample(near, len(near)) + draw.sample(far, len(far))
    facts += spare[: max(0, count - len(facts))]

    subjects: list[Entity] = list(dict.fromkeys(fact.subject for fact in facts))
    ordered: list[Fact] = []
    lines: list[str] = []
    asides = draw.sample(ASIDES, len(ASIDES))
    for entity in draw.sample(subjects, len(subjects)):
        own = [fact for fact in facts if fact.subject is entity]
        ambiguous = False
        for place, fact in enumerate(draw.sample(own, len(own))):
            aside = asides.pop() if asides and draw.chance(0.15) else ""
            # After "Ada was taught by Eve", "she" could be either.
            named = place == 0 or ambiguous
            lines.append(sentence(draw, fact, named=named, aside=aside))
            ambiguous = fact.target is not None and fact.target.sort == entity.sort
            ordered.append(fact)
        if draw.chance(0.35):
            lines.append(draw.choice(FILLERS))
    # A filler that occurs twice would look like a bug.
    return Passage(" ".join(dict.fromkeys(lines)), tuple(ordered))


def sentence(draw: Draw, fact: Fact, *, named: bool, aside: str = "") -> str:
    """State a fact; a subject that need not be `named` may be a pronoun or a noun."""
    subject = target = fact.subject.name
    if not named:
        noun = draw.choice(NOUNS.get(fact.subject.sort, (fact.subject.short,)))
        subject, target = draw.choice(
            ((subject, subject), (noun, noun), (fact.subject.pronoun[0], fact.subject.pronoun[1] or noun))
        )
    # "He" would be taken for the other person of the sentence.
    if fact.target is not None and fact.target.sort == fact.subject.sort:
        subject = target = fact.subject.name
    text = aside + draw.choice(fact.relation.statements).format(
        s=subject, o=target, v=fact.value, av=with_article(fact.value)
    )
    return f"{text[0].upper()}{text[1:]}."
