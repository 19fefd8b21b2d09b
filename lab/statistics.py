"""Figures with their intervals.

Every interval here is a 95 % one. Bootstraps draw from a fixed seed, so the same data give the same
figure to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
"""Enough for the second digit of a 95 % interval's ends."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval and the number of observations behind it."""

    value: float | None
    """None where nothing was observed."""
    low: float | None
    """None where fewer than two observations leave no interval."""
    high: float | None
    n: int

    def text(self, digits: int = 2, unit: str = "") -> str:
        """Write as "0.91 (0.88 to 0.94, n=30)"."""
        if self.value is None:
            return "n=0"
        interval = "" if self.low is None else f"{self.low:.{digits}f} to {self.high:.{digits}f}, "
        return f"{self.value:.{digits}f}{unit} ({interval}n={self.n})"


def mean(values: Sequence[float]) -> Figure:
    """Mean with a bootstrapped percentile interval."""
    return ratio(values, [1.0] * len(values))


def ratio(above: Sequence[float], below: Sequence[float]) -> Figure:
    """Ratio of two sums over paired observations, with a bootstrapped percentile interval over the pairs."""
    numerator, denominator = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    n = len(numerator)
    if n != len(denominator):
        raise ValueError(f"{n} observations above, {len(denominator)} below: they must be paired")
    total = float(denominator.sum())
    if n == 0 or total == 0.0:
        return Figure(None, None, None, n)
    value = float(numerator.sum()) / total
    if n == 1:
        return Figure(value, None, None, 1)
    picks = np.random.default_rng(0).integers(0, n, size=(RESAMPLES, n))
    tops, bottoms = numerator[picks].sum(axis=1), denominator[picks].sum(axis=1)
    ratios = tops[bottoms > 0] / bottoms[bottoms > 0]
    low, high = np.percentile(ratios, [2.5, 97.5])
    # With few, skewed observations the percentile interval can miss the value itself by rounding.
    return Figure(value, min(float(low), value), max(float(high), value), n)


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Rank correlation of two sequences, ties by their mean rank; None where either is constant."""
    ranks = [_ranks(np.asarray(values, dtype=float)) for values in (first, second)]
    spreads = [float(rank.std()) for rank in ranks]
    if len(first) < 2 or min(spreads) == 0.0:
        return None
    return float(((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())).mean() / (spreads[0] * spreads[1]))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    below = (values[None, :] < values[:, None]).sum(axis=1)
    equal = (values[None, :] == values[:, None]).sum(axis=1)
    return np.asarray(below + (equal - 1) / 2.0, dtype=np.float64)
