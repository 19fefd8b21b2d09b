"""Windows in the record: the scores of a validator's epoch whose rounds are graded together.

Such rounds are recorded unscored; `GradedWindow.applied` gives them their scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydantic import Field

from lab.errors import AuditError
from subnets import Cost

from .entries import Body, Grade, GradedAnswer, GradedRound


class WindowRound(Body):
    """The scores of one round."""

    number: int
    grades: tuple[Grade, ...]
    """Aligned with the answers of the round's own entry."""


class GradedWindow(Body):
    """One validator's epoch, graded together with the rounds before it."""

    validator: int
    epoch: int
    rounds: tuple[WindowRound, ...] = Field(min_length=1)
    """The rounds of the epoch, in ascending order."""
    grading_cost: Cost = Cost()
    session: int = 0
    """Number of the session that graded it."""

    @property
    def key(self) -> str:
        """Key of this window's entry in the record."""
        return f"{self.validator}/{self.epoch}"

    def applied(self, rounds: Sequence[GradedRound]) -> list[GradedRound]:
        """Return the rounds of this window with their scores, and their share of its cost.

        Raises:
            AuditError: it is not a window of these rounds.
        """
        if [(each.number, len(each.grades)) for each in self.rounds] != [
            (graded.number, len(graded.answers)) for graded in rounds
        ]:
            raise AuditError(f"window {self.key}: its rounds or answers are not those of the validator's round entries")
        # Those that the same process asked: it is their bill that the process is compared with.
        bearing = [graded.number for graded in rounds if graded.session == self.session] or [rounds[0].number]
        costs = dict(zip(bearing, self.grading_cost.split(len(bearing)), strict=True))
        return [
            graded.model_copy(
                update={
                    "answers": tuple(map(_scored, graded.answers, own.grades)),
                    "grading_cost": graded.grading_cost + costs.get(graded.number, Cost()),
                }
            )
            for graded, own in zip(rounds, self.rounds, strict=True)
        ]


def with_windows(rounds: Iterable[GradedRound], windows: Iterable[GradedWindow]) -> list[GradedRound]:
    """Return rounds with the scores of their windows, ordered by number and validator."""
    by_key = {graded.key: graded for graded in rounds}
    for window in windows:
        keys = [f"{window.validator}/{each.number}" for each in window.rounds]
        by_key |= {graded.key: graded for graded in window.applied([by_key[key] for key in keys if key in by_key])}
    return sorted(by_key.values(), key=lambda graded: (graded.number, graded.validator))


def _scored(answer: GradedAnswer, grade: Grade) -> GradedAnswer:
    return replace(answer, score=grade.score, parts=grade.parts, score_reason=grade.score_reason)
