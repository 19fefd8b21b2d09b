"""Weight rules: how a validator turns its scores into the weights that it submits.

    weight_rule = { kind = "softmax", temperature = 0.05 }      # in a [[validators]] table

A rule takes scores in [0, 1] by uid and returns shares that sum to 1, without zeros, in ascending order of uids. It
preserves the order of the scores, treats equal scores alike, and pays nobody for a score of 0.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

from pydantic import Field

from subnets import Plugin


class WeightRule(Plugin, ABC):
    """Turns scores into weights."""

    @abstractmethod
    def weigh(self, scores: Mapping[int, float]) -> dict[int, float]:
        """Return the weights for `scores` by uid; empty while no score is above 0."""


class Proportional(WeightRule):
    """Weights in proportion to the scores."""

    def weigh(self, scores: Mapping[int, float]) -> dict[int, float]:
        """Return each score's share of their sum."""
        return shares(scores)


class Power(WeightRule):
    """Weights in proportion to score ** exponent: above 1 the best miners get more than their part."""

    exponent: float = Field(2.0, gt=0.0, le=100.0)
    """1 is proportional."""

    def weigh(self, scores: Mapping[int, float]) -> dict[int, float]:
        """Return the shares of the powers."""
        best = max(scores.values(), default=0.0)
        if best <= 0.0:
            return {}
        return shares({uid: (score / best) ** self.exponent for uid, score in scores.items() if score > 0.0})


class WinnerTakesAll(WeightRule):
    """All weight for the miner of the best score; miners that tie share it."""

    def weigh(self, scores: Mapping[int, float]) -> dict[int, float]:
        """Return equal shares for the best."""
        best = max(scores.values(), default=0.0)
        return shares({uid: 1.0 for uid, score in scores.items() if score == best and best > 0.0})


class Softmax(WeightRule):
    """Weights in proportion to exp(score / temperature): the lower the temperature, the more the best miners get."""

    temperature: float = Field(0.1, gt=0)
    """Difference between two scores that makes one weight 2.7 times the other."""

    def weigh(self, scores: Mapping[int, float]) -> dict[int, float]:
        """Return the softmax over the scores above 0."""
        best = max(scores.values(), default=0.0)
        return shares(
            {uid: math.exp((score - best) / self.temperature) for uid, score in scores.items() if score > 0.0}
        )


class TopK(WeightRule):
    """Weights in proportion to the scores of the `k` best miners; the others get none."""

    k: int = Field(10, ge=1)
    """Number of miners that get weights; more if several tie for the last place."""

    def weigh(self, scores: Mapping[int, float]) -> dict[int, float]:
        """Return the shares of the scores that at least match the k-th."""
        least = sorted(scores.values(), reverse=True)[: self.k][-1:]
        return shares({uid: score for uid, score in scores.items() if score >= least[0]})


def shares(values: Mapping[int, float]) -> dict[int, float]:
    """Scale values to a sum of 1, leaving out those not above 0; return nothing if their sum is not above 0."""
    total = math.fsum(values.values())
    if total <= 0.0:
        return {}
    return {uid: value / total for uid, value in sorted(values.items()) if value > 0.0}
