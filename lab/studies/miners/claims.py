"""Token claims: which miners claim more output tokens than they wrote?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from lab.statistics import Estimate
from lab.statistics.claims import ClaimCheck, log_evidence, mean_excess

from .answers import AnswerFacts

LEARNING_SHARE = 0.25
"""Share of the tasks, the first ones, on which honest claims set the tolerance instead of being checked."""


@dataclass(frozen=True, slots=True)
class CheckedClaims:
    """Check of one miner's token claims."""

    name: str
    honest: bool
    check: ClaimCheck
    evidence: tuple[float, ...]
    """Natural logarithm of the evidence against honesty after each checked output."""


@dataclass(frozen=True, slots=True)
class ClaimResults:
    """Checks of all miners that claim tokens."""

    checked: tuple[CheckedClaims, ...]
    """Every miner that claims tokens, dishonest ones too, without the claims that set the tolerance."""
    tolerance: Estimate
    """Mean excess of honest miners' claims on the first tasks; its upper end is believed, or the mean without one."""

    @classmethod
    def of(cls, answers: Mapping[str, Sequence[AnswerFacts]], dishonest: Collection[str], tasks: int) -> Self:
        """Set the tolerance from honest claims on the first of the contest's `tasks`, and check all other claims."""
        first = LEARNING_SHARE * tasks
        arrived = {name: [each for each in facts if each.arrived] for name, facts in answers.items()}
        claiming = {
            name: facts for name, facts in arrived.items() if any(each.claimed_tokens is not None for each in facts)
        }
        fair = [
            each for name, facts in claiming.items() if name not in dishonest for each in facts if each.task < first
        ]
        tolerance = mean_excess(*_counts(fair), [each.task for each in fair])
        checked = []
        for name, facts in claiming.items():
            counts = _counts([each for each in facts if name in dishonest or each.task >= first])
            check = ClaimCheck.of(*counts, tolerance=_believed(tolerance))
            evidence = log_evidence(*counts, tolerance=_believed(tolerance))
            checked.append(CheckedClaims(name, name not in dishonest, check, tuple(evidence.tolist())))
        return cls(tuple(checked), tolerance)

    @property
    def believed(self) -> float:
        """Excess of claims that is believed; 0 if no tolerance could be measured."""
        return _believed(self.tolerance)


def _believed(tolerance: Estimate) -> float:
    end = tolerance.value if tolerance.high is None else tolerance.high
    return max(0.0, end or 0.0)


def _counts(answers: Sequence[AnswerFacts]) -> tuple[list[float], list[float]]:
    """Return claims, NaN for none, and our own counts."""
    claimed = [np.nan if each.claimed_tokens is None else float(each.claimed_tokens) for each in answers]
    return claimed, [float(each.tokens) for each in answers]
