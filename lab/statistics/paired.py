"""Paired comparisons: is the difference of two series on the same tasks larger than chance?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .estimate import Estimate, mean
from .interval import skewed_t_test

TEST = "paired t-test corrected for skewness"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One series against another on the same tasks."""

    difference: Estimate
    """Mean of the second minus the first; n counts the tasks that both have."""
    p_value: float | None
    """Two-sided; None if the series share no task."""

    @classmethod
    def of(cls, first: ArrayLike, second: ArrayLike) -> Comparison:
        """Compare values (tasks,) by a t-test corrected for skewness; tasks with a NaN are skipped.

        The null hypothesis is a mean difference of 0, whatever the differences' distribution. A sign-flip test would
        also call a mean of 0 significant if it is made of many small losses and a few large wins.

        Raises:
            ValueError: the series differ in length.
        """
        before, after = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
        if before.shape != after.shape or before.ndim != 1:
            raise ValueError(f"first {before.shape}, second {after.shape}: give one value of each for every task")
        differences = after - before
        differences = differences[~np.isnan(differences)]
        difference = mean(differences.tolist())
        return cls(difference, None if difference.value is None else skewed_t_test(differences))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust the p-values of many comparisons so that a threshold bounds the probability of any false alarm.

    Holm 1979: the k-th smallest of m p-values is multiplied by m - k + 1, made monotonic and capped at 1. None stays
    None and does not count.
    """
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    floor = 0.0
    for rank, (p, place) in enumerate(order):
        floor = max(floor, min(1.0, p * (len(order) - rank)))
        adjusted[place] = floor
    return adjusted
