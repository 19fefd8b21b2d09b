"""Amounts: the right number, and how far an answer is from it. The module `number` reads the answers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pydantic import Field

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.task import Task
from subnets.text import answer_text

from .number import Reading, read_number
from .truth import Truth, truth_of


@dataclass(frozen=True, slots=True)
class Amount(Truth):
    """A number."""

    value: Decimal = Decimal(0)

    def grade(self, text: str) -> Score:
        """Return 1.0 for the exact number, else 0.0; unscored if one reading of it is right and another wrong."""
        return grade_reading(self.value, read_number(text), tolerance=0.0, partial=False)


def grade_reading(right: Decimal, reading: Reading, *, tolerance: float, partial: bool) -> Score:
    """Grade every reading of a number; unscored unless all of them earn the same."""
    if not reading.values:
        return Score(0.0, reason="no number")
    scores = [compare(right, value, tolerance=tolerance, partial=partial) for value in sorted(reading.values)]
    if len({score.value for score in scores}) > 1 or not reading.certain and scores[0].value:
        return Score(None, reason="the number can be read in more than one way")
    return scores[0]


def compare(right: Decimal, answered: Decimal, *, tolerance: float, partial: bool) -> Score:
    """Grade a number by its error relative to the right one (to 1 where that is 0)."""
    error = float(abs(answered - right) / (abs(right) or 1))
    value = float(error <= tolerance)
    if partial and not value:
        value = max(0.0, 1.0 - error)
    return Score(value, {"relative_error": min(error, 1e9)})


class Numeric(Scorer):
    """Pays for the right number."""

    tolerance: float = Field(0.0, ge=0)
    """Relative error that still counts as right."""
    partial: bool = False
    """Pay 1 - relative error for a wrong number. A guess then earns something, although a near miss in arithmetic has
    no merit."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        right = truth_of(task, Amount).value
        reading = read_number(answer_text(response))
        return grade_reading(right, reading, tolerance=self.tolerance, partial=self.partial)
