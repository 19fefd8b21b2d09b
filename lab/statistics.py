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
    if len(first) < 2:
        return None
    found = float(spearmans(np.asarray(first, dtype=float), np.asarray([second], dtype=float))[0])
    return None if np.isnan(found) else found


def spearmans(first: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman of `first` (M,) with each row of `rows` (B, M); NaN where either is constant."""
    one, many = _ranks(first), np.array([_ranks(row) for row in rows])
    one, many = one - one.mean(), many - many.mean(axis=-1, keepdims=True)
    spread = np.sqrt((one**2).sum() * (many**2).sum(axis=-1))
    return np.asarray(np.divide(many @ one, spread, out=np.full(len(rows), np.nan), where=spread > 0))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0, ties by their mean."""
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") - 1) / 2
