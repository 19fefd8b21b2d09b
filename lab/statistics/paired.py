"""Paired comparisons: is the difference of two series on the same tasks larger than chance?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate, mean
from .resampling import bundled

FLIPS = 10_000
EXACT = 13
"""Largest number of differences for which all 2^n flips are tried: 8,192, fewer than would be drawn."""
BLOCK_CELLS = 1 << 21


@dataclass(frozen=True, slots=True)
class Comparison:
    """One series against another on the same tasks."""

    difference: Estimate
    """Mean of the second minus the first; n counts the tasks that both have."""
    p_value: float | None
    """Two-sided; None if the series share no task."""

    @classmethod
    def of(cls, first: ArrayLike, second: ArrayLike, flips: int = FLIPS) -> Comparison:
        """Compare values (tasks,) by the sign-flip permutation test; tasks with a NaN are skipped.

        Under the null hypothesis each task's difference could equally have the other sign. The p-value is the share of
        flips whose mean is at least as far from 0: among all flips with up to EXACT nonzero differences, and otherwise
        among `flips` random ones and the observed one, so that no p-value is below 1 / (1 + flips). Beyond
        resampling.BUNDLES tasks, random bundles are flipped.

        Raises:
            ValueError: the series differ in length.
        """
        before, after = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
        if before.shape != after.shape or before.ndim != 1:
            raise ValueError(f"first {before.shape}, second {after.shape}: give one value of each for every task")
        differences = after - before
        differences = differences[~np.isnan(differences)]
        difference = mean(differences.tolist())
        return cls(difference, None if difference.value is None else _sign_flip(differences, flips))


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


def _sign_flip(differences: NDArray[np.float64], flips: int) -> float:
    """Return the two-sided p-value of the hypothesis that `differences` are symmetric about 0."""
    moved = bundled(differences[differences != 0][:, None])[:, 0]
    n = len(moved)
    observed = abs(moved.sum())
    bound = observed - 1e-9 * np.abs(moved).sum()
    if n <= EXACT:
        signs = 1.0 - 2.0 * ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1)
        return float((np.abs(signs @ moved) >= bound).mean())
    rng = np.random.default_rng(0)
    step = BLOCK_CELLS // n
    as_far = 0
    for start in range(0, flips, step):
        signs = 1.0 - 2.0 * rng.integers(0, 2, size=(min(step, flips - start), n))
        as_far += int((np.abs(signs @ moved) >= bound).sum())
    return (1 + as_far) / (1 + flips)
