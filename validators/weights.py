"""Weight rules: how a validator turns its scores into the weights that it submits.

    weight_rule = { kind = "softmax", temperature = 0.05 }      # in a [[validators]] table

A rule takes scores in [0, 1] by uid and returns shares that sum to 1, without zeros, in ascending order of uids. It
preserves the order of the scores, treats equal scores alike, and pays nobody for a score of 0. `Burn` alone gives
weight to a uid whatever its score: the owner's.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from subnets import Plugin, Plugins


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


WEIGHT_RULES: Plugins[WeightRule] = Plugins(
    sort="weight rule",
    group="subnetlab.weight_rules",
    base=WeightRule,  # type: ignore[type-abstract]
    builtin={
        "burn": "validators.weights:Burn",
        "power": "validators.weights:Power",
        "proportional": "validators.weights:Proportional",
        "softmax": "validators.weights:Softmax",
        "top_k": "validators.weights:TopK",
        "winner_takes_all": "validators.weights:WinnerTakesAll",
    },
)


class Burn(WeightRule):
    """A share of the weight for the owner's uid, whose pay the chain recycles; the rest by another rule.

    The chain recycles it if the hyperparameter `recycle_owner_incentive` is on and the uid's coldkey is the owner's.
    """

    uid: int = Field(ge=0)
    """Uid of the owner."""
    share: float = Field(0.5, gt=0.0, lt=1.0)
    """Share of the weight."""
    rule: Annotated[WeightRule, *WEIGHT_RULES.field()] = Proportional()
    """Rule for the other miners."""

    def weigh(self, scores: Mapping[int, float]) -> dict[int, float]:
        """Return the other rule's shares scaled down, plus the owner's."""
        rest = self.rule.weigh({uid: score for uid, score in scores.items() if uid != self.uid})
        weights = {uid: (1.0 - self.share) * share for uid, share in rest.items()}
        return dict(sorted({**weights, self.uid: self.share}.items())) if rest else {}


def shares(values: Mapping[int, float]) -> dict[int, float]:
    """Scale values to a sum of 1, leaving out those not above 0; return nothing if their sum is not above 0."""
    total = math.fsum(values.values())
    if total <= 0.0:
        return {}
    return {uid: value / total for uid, value in sorted(values.items()) if value > 0.0}
