"""Kinds of tasks by name: each makes an `Item` from a `Draw` and the length of its passage."""

from collections.abc import Callable
from typing import Literal

from subnets.text_prompting.truths.truth import Item
from subnets.text_prompting.world.world import Draw

from . import (
    arithmetic,
    classification,
    date,
    extractive,
    instructions,
    loop,
    multiple_choice,
    question_writing,
    summary,
    two_hop,
)

Kind = Literal[
    "extractive",
    "two_hop",
    "summary",
    "date",
    "multiple_choice",
    "classification",
    "arithmetic",
    "instructions",
    "question_writing",
    "loop",
]

KINDS: dict[Kind, Callable[[Draw, int], Item]] = {
    "extractive": extractive.make,
    "two_hop": two_hop.make,
    "summary": summary.make,
    "date": date.make,
    "multiple_choice": multiple_choice.make,
    "classification": classification.make,
    "arithmetic": arithmetic.make,
    "instructions": instructions.make,
    "question_writing": question_writing.make,
    "loop": loop.make,
}

__all__ = ["KINDS", "Kind"]
