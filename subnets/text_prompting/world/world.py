"""A small invented world: people, companies, towns and events, and all facts about them.

Each task draws its own world, so no answer can be known or looked up beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import numpy as np

from . import vocabulary
from .relation import Relation, Sort, ValueSort
from .relations import RELATIONS_OF

T = TypeVar("T")

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Entity:
    """A person or thing that facts are about."""

    sort: Sort
    name: str
    short: str
    """Name in later sentences: the surname; the full name if there is none shorter."""
    pronoun: tuple[str, str] = ("it", "")
    """Pronoun as subject and as object; empty if none reads well: "the founder of it"."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One relation of one entity, with its value in words."""

    subject: Entity
    relation: Relation
    value: str
    target: Entity | None = None
    """Entity that the value names, if any."""
    day: date | None = None
    """Value of a date."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Ways to give the value; a person's surname is enough."""
        return (self.value,) if self.target is None else tuple(dict.fromkeys((self.value, self.target.short)))

    def question(self, draw: Draw, subject: str = "") -> str:
        """Return a question for the value, with the subject by name or as described."""
        return draw.choice(self.relation.questions).format(s=subject or self.subject.name)


@dataclass(frozen=True, slots=True)
class Draw:
    """Random choices from a seeded generator."""

    rng: np.random.Generator

    def integer(self, low: int, high: int) -> int:
        """Return an integer, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def choice(self, items: Sequence[T]) -> T:
        """Return one of `items`."""
        return items[int(self.rng.integers(len(items)))]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return `count` items from different positions, in random order."""
        return [items[i] for i in self.rng.permutation(len(items))[:count].tolist()]

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return float(self.rng.random()) < probability

    def day(self, first_year: int, last_year: int) -> date:
        """Return a day between the starts of two years."""
        first, last = date(first_year, 1, 1), date(last_year, 1, 1)
        return first + timedelta(days=self.integer(0, (last - first).days - 1))

    def coined(self, heads: Sequence[str], tails: Sequence[str], count: int, between: str = "") -> list[str]:
        """Return `count` names made of a head and a tail, no two with the same head."""
        return [head + between + self.choice(tails) for head in self.sample(heads, count)]


@dataclass(frozen=True, slots=True)
class World:
    """The entities and their facts, each relation of each entity once."""

    entities: tuple[Entity, ...]
    facts: tuple[Fact, ...]

    @classmethod
    def make(cls, draw: Draw, *, people: int = 4, companies: int = 3, towns: int = 4, events: int = 2) -> World:
        """Invent a world; facts need at least two entities of each sort but events."""
        by_sort = {
            "person": invent_people(draw, people),
            "company": invent_companies(draw, companies),
            "place": [
                Entity("place", n, n) for n in draw.coined(vocabulary.PLACE_HEADS, vocabulary.PLACE_TAILS, towns)
            ],
            "event": [
                Entity("event", f"the {name}", f"the {name}")
                for name in draw.coined(vocabulary.EVENT_HEADS, vocabulary.EVENT_TAILS, events, " ")
            ],
        }
        entities = tuple(entity for sort in by_sort.values() for entity in sort)
        facts = []
        for entity in entities:
            for relation in RELATIONS_OF[entity.sort]:
                others = [other for other in by_sort.get(relation.value, ()) if other is not entity]
                facts.append(invent_fact(draw, entity, relation, others))
        return cls(entities, tuple(facts))

    def about(self, entity: Entity) -> list[Fact]:
        """Return the facts of one entity."""
        return [fact for fact in self.facts if fact.subject is entity]


def invent_people(draw: Draw, count: int) -> list[Entity]:
    """Invent people with different surnames."""
    people = []
    for surname in draw.coined(vocabulary.SURNAME_HEADS, vocabulary.SURNAME_TAILS, count):
        woman = draw.chance(0.5)
        first = draw.choice(vocabulary.WOMEN if woman else vocabulary.MEN)
        people.append(Entity("person", f"{first} {surname}", surname, ("she", "her") if woman else ("he", "him")))
    return people


def invent_companies(draw: Draw, count: int) -> list[Entity]:
    """Invent companies, each with its sector in its name."""
    names = draw.coined(vocabulary.COMPANY_HEADS, vocabulary.COMPANY_TAILS, count)
    return [Entity("company", f"{name} {draw.choice(vocabulary.SECTORS)}", name) for name in names]


def invent_fact(draw: Draw, subject: Entity, relation: Relation, others: Sequence[Entity]) -> Fact:
    """Invent a fact."""
    if others:
        target = draw.choice(others)
        return Fact(subject, relation, target.name, target)
    if relation.value == "date":
        day = draw.day(1880, 1990)
        return Fact(subject, relation, in_words(day), day=day)
    return Fact(subject, relation, invent_value(draw, relation.value))


def invent_value(draw: Draw, sort: ValueSort) -> str:
    """Draw a value that is neither an entity nor a date."""
    match sort:
        case "year":
            return str(draw.integer(1850, 1999))
        case "number":
            return f"{draw.integer(11, 989) * 10 ** draw.integer(0, 2) + draw.integer(0, 9):,}"
        case "river":
            return draw.choice(vocabulary.RIVER_HEADS) + draw.choice(vocabulary.RIVER_TAILS)
        case "award":
            return f"{draw.choice(vocabulary.AWARD_HEADS)} {draw.choice(vocabulary.AWARD_TAILS)}"
    tables = {
        "job": vocabulary.JOBS,
        "collection": vocabulary.COLLECTIONS,
        "music": vocabulary.MUSIC,
        "product": vocabulary.PRODUCTS,
        "fame": vocabulary.FAME,
        "reward": vocabulary.REWARDS,
    }
    return draw.choice(tables[sort])


def in_words(day: date) -> str:
    """Write a day as "3 March 1951"."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def with_article(noun: str) -> str:
    """Put "a" or "an" before a noun."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
