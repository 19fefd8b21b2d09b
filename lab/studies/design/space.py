"""The space of designs: every choice that a subnet's owner and validators make, and a spread sample of it.

designs = sample(Space(graders=(GraderChoice("sections"),), miners=(4, 8)), 512, seed=0)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from consensus import YumaParams
from consensus.yuma.params import U16_MAX
from validators.weights import Proportional, Softmax, TopK, WeightRule

Bonds = Literal["yuma1", "yuma3", "yuma3 liquid"]


@dataclass(frozen=True, slots=True)
class GraderChoice:
    """A grader, and the share of tasks whose truth a validator that uses it knows."""

    name: str
    table: int
    """Number of its scores among the score tables."""
    gold: float
    """1 for a grader that compares with the truth."""


@dataclass(frozen=True, slots=True)
class Design:
    """One choice of everything."""

    grader: GraderChoice
    miners: int
    """N: honest miners; adversaries come on top."""
    validators: int
    """V: validators that ask."""
    share: float
    """Share of the miners that a validator asks in a round."""
    alpha: float
    """Share of the newest score in the moving average."""
    weight_rule: WeightRule
    rounds_per_epoch: int
    """Rounds of each validator from one setting of weights to the next."""
    commit_reveal: bool
    """True if weights are hidden for an epoch."""
    kappa: float
    bonds: Bonds

    def params(self, validators: int) -> YumaParams:
        """Return the rules of its consensus, with permits for so many validators."""
        return YumaParams(
            version="yuma1" if self.bonds == "yuma1" else "yuma3",
            liquid_alpha=self.bonds == "yuma3 liquid",
            kappa=round(self.kappa * U16_MAX),
            max_allowed_validators=validators,
        )


@dataclass(frozen=True, slots=True)
class Space:
    """The values that each choice can have."""

    graders: tuple[GraderChoice, ...]
    miners: tuple[int, ...]
    validators: tuple[int, ...] = (1, 2, 4, 8)
    share: tuple[float, ...] = (0.25, 0.5, 1.0)
    alpha: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.4)
    weight_rule: tuple[WeightRule, ...] = (Proportional(), Softmax(temperature=0.1), TopK(k=3))
    rounds_per_epoch: tuple[int, ...] = (1, 2, 4, 8)
    commit_reveal: tuple[bool, ...] = (False, True)
    kappa: tuple[float, ...] = (0.4, 0.5, 0.6)
    bonds: tuple[Bonds, ...] = ("yuma1", "yuma3", "yuma3 liquid")

    @property
    def size(self) -> int:
        """Number of designs."""
        return int(np.prod([len(values) for values in self._choices]))

    @property
    def _choices(self) -> list[Sequence[Any]]:
        return [self.graders, *(getattr(self, field.name) for field in fields(Design)[1:])]

    def at(self, places: Sequence[int]) -> Design:
        """Return the design with the value at each choice's place."""
        return Design(*(values[place] for values, place in zip(self._choices, places, strict=True)))

    def sample(self, count: int, seed: int) -> list[Design]:
        """Return so many designs, or all of a smaller space, spread evenly by a scrambled Sobol sequence."""
        from scipy.stats import qmc

        choices = np.array([len(values) for values in self._choices])
        sequence = qmc.Sobol(len(choices), seed=seed)
        wanted, chosen = min(count, self.size), dict[tuple[int, ...], None]()
        while len(chosen) < wanted:
            places = (sequence.random_base2(10) * choices).astype(int)
            chosen |= dict.fromkeys(map(tuple, places.tolist()))
        return [self.at(places) for places in list(chosen)[:wanted]]
