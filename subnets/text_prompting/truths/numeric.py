"""Numbers in answers, read by a pattern: nothing that a miner sends is ever evaluated.

parse_number("She pays $1,250.50 in all.")  ->  Decimal("1250.50")
parse_number("3 + 4 = 7")                   ->  Decimal("7")
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from pydantic import Field

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text

from .truth import Truth, truth_of

NUMBER = re.compile(r"(?<![\w.,)-])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w%/])|(?<![\w.,)-])-?\.\d+(?!\w)", re.ASCII)
CUE = re.compile(r"(?:answer|result|total)(?:\s+is)?\s*[:=]|(?:answer|result)\s+is|####|\bfinally\b", re.IGNORECASE)
SPOKEN = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
SPOKEN_PATTERN = re.compile(rf"\b(?:{'|'.join(SPOKEN)})\b", re.IGNORECASE)

MAX_DIGITS = 24
"""No task asks for a number with more digits."""
MAX_READ = 20_000
"""Characters read, from the end, where the answer is."""


def parse_number(text: str) -> Decimal | None:
    """Return the number that an answer ends on: the first after its last cue, else the last; None without any."""
    text = unicodedata.normalize("NFKC", text[-MAX_READ:]).replace("\u2212", "-").replace("$", " ").replace("*", " ")
    cue = None
    for cue in CUE.finditer(text):  # noqa: B007  the last one is wanted
        pass
    if cue is not None:
        after = _numbers(text[cue.end() :].splitlines()[0] if text[cue.end() :].strip() else "")
        if after:
            # "Answer: 3 + 4 = 7" ends on its result.
            return after[-1] if "=" in text[cue.end() :].splitlines()[0] else after[0]
    numbers = _numbers(text)
    return numbers[-1] if numbers else None


def _numbers(text: str) -> list[Decimal]:
    numbers = [(match.start(), match.group().replace(",", "")) for match in NUMBER.finditer(text)]
    numbers += [(match.start(), str(SPOKEN[match.group().lower()])) for match in SPOKEN_PATTERN.finditer(text)]
    return [Decimal(digits) for _, digits in sorted(numbers) if len(digits) <= MAX_DIGITS]


@dataclass(frozen=True, slots=True)
class Amount(Truth):
    """A number."""

    value: Decimal = Decimal(0)

    def grade(self, text: str) -> Score:
        """Return 1.0 for the number itself, else 0.0."""
        return compare(self.value, parse_number(text), tolerance=0.0, partial=False)


def compare(right: Decimal, answered: Decimal | None, *, tolerance: float, partial: bool) -> Score:
    """Grade a number by its error relative to the right one (to 1 where that is 0)."""
    if answered is None:
        return Score(0.0, reason="no number")
    error = float(abs(answered - right) / (abs(right) or 1))
    value = float(error <= tolerance)
    if partial and not value:
        value = max(0.0, 1.0 - error)
    return Score(value, {"relative_error": min(error, 1e9)})


class Numeric(Scorer):
    """The right number."""

    tolerance: float = Field(0.0, ge=0)
    """Relative error that still counts as right."""
    partial: bool = False
    """Pay 1 - relative error for a wrong number. A guess then earns something, although near misses are no merit in
    arithmetic."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        right = truth_of(task, Amount).value
        return compare(right, parse_number(answer_text(response)), tolerance=self.tolerance, partial=self.partial)
