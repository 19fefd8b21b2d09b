"""A relation: something that can be true of a person, company, town or event, with ways to state it and to ask for it.

In a statement `{s}` is the subject, or a pronoun for it, and `{v}` the value; `{o}` is the subject by
name or noun. A question has the subject's name, or a description of it, for `{s}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sort = Literal["person", "company", "place", "event"]
ValueSort = Literal[
    "person",
    "company",
    "place",
    "date",
    "year",
    "number",
    "job",
    "collection",
    "music",
    "award",
    "product",
    "river",
    "fame",
    "reward",
]


@dataclass(frozen=True, slots=True)
class Relation:
    """One thing that is true of every subject of its sort, with a single value."""

    name: str
    subject: Sort
    value: ValueSort
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    cues: tuple[str, ...]
    """Word stems, at least one of which occurs in any sentence or question about this relation."""
    description: str = ""
    """Names the value by its relation to the subject: "the founder of {s}"; empty where none reads well."""


PERSON, COMPANY, PLACE = ("who", "whom", "whose"), ("which", "what", "who"), ("where", "which", "what")
INTERROGATIVES: dict[ValueSort, tuple[str, ...]] = {
    "person": PERSON,
    "company": COMPANY,
    "place": PLACE,
    "river": PLACE,
    "date": ("when", "what", "which"),
    "year": ("when", "what", "which"),
    "number": ("how", "what"),
}
"""Words with which a question for a value of each sort begins; other sorts take `what` and `which`."""
