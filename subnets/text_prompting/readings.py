"""Readings: what an answer to a task says by the prompt alone, so that answers can be compared without a truth.

Choices are read by their letters or labels, numbers and dates by their value, names and things by their words.
Summaries, questions and free writing can't be compared: two good ones need not have a word in common.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

from subnets.task import Prompt
from subnets.text import content

from .truths.choice import MAX_READ, parse_choice
from .truths.day import read_date
from .truths.number import read_number
from .truths.phrase import MAX_WORDS
from .words import says

COMPARABLE = ("extractive", "two_hop", "date", "multiple_choice", "classification", "arithmetic")
"""Kinds of tasks whose answers can be compared."""

OPTION = re.compile(r"^[A-H]\) (.+)$", re.MULTILINE)
LABELS = re.compile(
    r"^Is (?:the leaning of this review|this letter about) (.+)\? Answer with that word alone", re.MULTILINE
)


def reading(kind: str, prompt: Prompt, text: str) -> Hashable | None:
    """Return what an answer to a task of a comparable kind says; None if nothing, or nothing definite."""
    if kind in ("multiple_choice", "classification"):
        return _choice(kind, prompt, text)
    if kind == "date":
        return read_date(text).days or None
    if kind == "arithmetic":
        return read_number(text).values or None
    spoken = content(text[:MAX_READ])
    return tuple(spoken) if len(spoken) <= MAX_WORDS and spoken else None


def wrong_answers(kind: str, prompt: Prompt, otherwise: int) -> int:
    """Return the number of wrong answers that a task offers; `otherwise` if it offers none."""
    options = choices(kind, prompt)
    return len(options) - 1 if len(options) > 1 else otherwise


def choices(kind: str, prompt: Prompt) -> tuple[str, ...]:
    """Return the options or labels of a task; none unless it is a choice."""
    if kind == "multiple_choice":
        return tuple(OPTION.findall(prompt.text))
    if kind == "classification":
        asked = LABELS.search(prompt.text)
        return tuple(re.split(", | or ", asked[1])) if asked else ()
    return ()


def _choice(kind: str, prompt: Prompt, text: str) -> Hashable | None:
    options = choices(kind, prompt)
    if kind == "multiple_choice":
        return parse_choice(text, options)
    named = [place for place, option in enumerate(options) if says(text[:MAX_READ], (option,))]
    return named[0] if len(named) == 1 else None
