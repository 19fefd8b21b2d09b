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
"""Differences up to which all 2^n flips are tried rather than some drawn: 8,192, no more than would be drawn."""
BLOCK_CELLS = 1 << 21


@dataclass(frozen=True, slots=True)
class Comparison:
    """One series against another on the same tasks."""

    difference: Estimate
    """Mean of the second less the first; n counts tasks that both have."""
    p_value: float | None
    """Two-sided; None where the series share no task."""

    @classmethod
    def of(cls, first: ArrayLike, second: ArrayLike, flips: int = FLIPS) -> Comparison:
        """Compare values (tasks,) by the sign-flip permutation test; NaN is unscored and leaves out its task.

        Were there no difference, each task's could as well have the other sign. The p-value is the share of
        flips whose mean is at least as far from 0: of all flips up to EXACT differences that are not 0, else
        of `flips` drawn ones and the one at hand, so that no p-value is below 1 / (1 + flips). Beyond
        resampling.BUNDLES tasks, random bundles are flipped.

        Raises:
            ValueError: the series are not of one length.
        """
        one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
        if one.shape != other.shape or one.ndim != 1:
            raise ValueError(f"first {one.shape}, second {other.shape}: give one value of each a task")
        differences = other - one
        differences = differences[~np.isnan(differences)]
        found = mean(differences.tolist())
        return cls(found, None if found.value is None else _sign_flip(differences, flips))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values of many comparisons, raised so that a bound on them bounds the chance of any false alarm among all.

    Holm 1979: the k-th smallest of m times m - k + 1, never below a smaller one's, 1 at most. None stays None
    and counts for nothing.
    """
    order = sorted((p, at) for at, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    floor = 0.0
    for rank, (p, at) in enumerate(order):
        floor = max(floor, min(1.0, p * (len(order) - rank)))
        adjusted[at] = floor
    return adjusted


def _sign_flip(differences: NDArray[np.float64], flips: int) -> float:
    """Two-sided p-value that `differences` are symmetric about 0."""
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
