"""Scores and scorers: one response, graded.

A value lies in [0, 1]. A wrong answer is worth 0.0, and so is a miner's fault, which the reason names. An answer
that can't be graded (no reference, a grader that failed, a host that died) has None: every metric skips it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from numbers import Real
from typing import ClassVar

from .answer import Response
from .plugin import Plugin
from .task import Task

ESTIMATE = "estimate"
"""Part of a score that a ledger averages in place of the value."""


@dataclass(frozen=True, slots=True)
class Score:
    """The grade of one response."""

    value: float | None
    """Grade in [0, 1]; None means unscored."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """What the value was computed from, by name."""
    reason: str = ""
    """Why the value is None, or 0.0 without grading."""

    def __post_init__(self) -> None:
        """Accept any real number, numpy's too, as a float; raise TypeError or ValueError for anything else."""
        if self.value is not None:
            value = _real("score", self.value)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"score {value!r} is outside [0, 1]")
            object.__setattr__(self, "value", value)
        parts = {name: _real(f"part {name!r} of a score", part) for name, part in self.parts.items()}
        object.__setattr__(self, "parts", parts)
        if not isinstance(self.reason, str):
            raise TypeError(f"the reason of a score must be text (got {type(self.reason).__name__})")
        for name, part in parts.items():
            if not isinstance(name, str) or not isfinite(part):
                raise ValueError(f"part {name!r} of a score is {part!r}; allowed: finite numbers by name")

    @property
    def estimate(self) -> float | None:
        """What a ledger averages: the value, unless the scorer says otherwise.

        A scorer that looks closely at some answers only adds the part "estimate". It may lie outside [0, 1], and its
        mean is right where the mean of the values would not be.
        """
        return None if self.value is None else self.parts.get(ESTIMATE, self.value)


def _real(what: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{what} must be a number (got {type(value).__name__})")
    return float(value)


class Scorer(Plugin, ABC):
    """Grades answers. Stateless: a recorded answer gets the same score again.

    It is called only with answers that passed the subnet's schema: faults are scored before.
    """

    needs_reference: ClassVar[bool] = True
    compares: ClassVar[bool] = False
    """True if an answer's score depends on the other answers of the round: it is never graded alone."""
    stands_alone: ClassVar[bool] = False
    """True if it can't be a part of another scorer."""

    @property
    def by_answer(self) -> bool:
        """True if a score depends on the task and the answer alone, so that a round's equal answers are graded once."""
        return False

    @property
    def parts(self) -> tuple[Scorer, ...]:
        """The scorers that this one is made of; most are made of none."""
        return ()

    def open(self) -> None:  # noqa: B027  most scorers have nothing to load
        """Load what grading needs, before the first round. Raise with the fix in the message if it can't grade."""

    @abstractmethod
    def score(self, task: Task, response: Response) -> Score:
        """Grade one response whose `answer` is set. Any exception becomes an unscored Score."""

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Grade a round's answers, in order; override to grade in batches or, with `compares`, to compare answers.

        If this raises, a scorer that does not compare grades the answers one by one. One that compares grades the round
        without the answers that it can't grade by themselves; if that raises too, the round is unscored.
        """
        if not self.by_answer:
            return [self.score(task, response) for response in responses]
        # A validator reads equal bodies once, so equal answers are one object; comparing long answers would cost more.
        first = {id(response.answer): response for response in responses}
        scores = {answer: self.score(task, response) for answer, response in first.items()}
        return [scores[id(response.answer)] for response in responses]
