"""Estimates with their 95 % intervals, by the percentile bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isclose, isfinite
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .number import number
from .resampling import resampled_sums

Item = TypeVar("Item")
NEGLIGIBLE = 0.01
"""Share of the largest figure of an estimate below which an end of its interval is written as zero."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval and the number of observations behind it."""

    value: float | None
    """None if nothing was observed."""
    low: float | None
    """None with fewer than two observations."""
    high: float | None
    n: int

    @classmethod
    def of_draws(cls, value: float, draws: NDArray[np.float64], n: int) -> Estimate:
        """Combine a value over `n` observations with the percentile interval of its resampled `draws` (B,).

        Draws for which the statistic is undefined (NaN) are skipped. A value of NaN becomes None.
        """
        if np.isnan(value):
            return cls(None, None, None, n)
        known = draws[~np.isnan(draws)]
        if n < 2 or not len(known):
            return cls(float(value), None, None, n)
        # An infinite draw can be an end of the interval, but can't be interpolated.
        low, high = np.percentile(known, [2.5, 97.5], method="linear" if np.isfinite(known).all() else "nearest")
        # With few, skewed observations the percentile interval can miss the value by rounding.
        return cls(float(value), min(float(low), float(value)), max(float(high), float(value)), n)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends of the interval, to be shown; None if every resampling gave the same, which is no certainty."""
        if self.low is None or self.high is None or isclose(self.low, self.high, rel_tol=1e-9, abs_tol=1e-15):
            return None
        return self.low, self.high

    def parts(self, digits: int = 2, *, significant: bool = False) -> list[str]:
        """Write the value and, if there is an interval to show, both ends of it; `digits` as in `number`.

        An end that is next to nothing compared with the other figures is written as zero.
        """
        known = (abs(each) for each in (self.value, self.low, self.high) if each is not None and isfinite(each))
        largest = max(known, default=0.0)
        ends = [0.0 if abs(end) < NEGLIGIBLE * largest else end for end in self.interval or ()]
        values = ends if self.value is None else [self.value, *ends]
        return [number(value, digits, significant=significant, beside=largest) for value in values]

    def text(self, digits: int = 2, unit: str = "") -> str:
        """Write as "0.91 (0.88 to 0.94, n=30)", or "unknown (n=30)" without a value."""
        if self.value is None:
            return f"unknown (n={self.n:,})"
        value, *ends = self.parts(digits)
        interval = f"{' to '.join(ends)}, " if ends else ""
        return f"{value}{unit} ({interval}n={self.n:,})"

    def scaled(self, by: float) -> Estimate:
        """Return the estimate in another unit: value and interval times `by`, which is above 0."""
        value, low, high = (None if each is None else by * each for each in (self.value, self.low, self.high))
        return Estimate(value, low, high, self.n)

    def percent(self, digits: int = 0) -> str:
        """Write a share as "91 % (88 to 94, n=30)"."""
        return self.scaled(100).text(digits, " %")


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean with a bootstrapped percentile interval."""
    return ratio(values, [1.0] * len(values))


def ratio(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """Return the ratio of two sums over paired observations, with a bootstrapped percentile interval over the pairs."""
    numerator, denominator = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    n = len(numerator)
    if n != len(denominator):
        raise ValueError(f"{n} observations above, {len(denominator)} below: they must be paired")
    total = float(denominator.sum())
    if n == 0 or total == 0.0:
        return Estimate(None, None, None, n)
    tops, bottoms = resampled_sums(np.column_stack([numerator, denominator])).T
    draws = tops[bottoms > 0] / bottoms[bottoms > 0]
    return Estimate.of_draws(float(numerator.sum()) / total, draws, n)


def ranked(items: Iterable[Item], value: Callable[[Item], float | None]) -> list[Item]:
    """Return the items with a value, the highest first and ties in their order; items without a value have no rank."""
    known = [(number, item) for item in items if (number := value(item)) is not None]
    return [item for _, item in sorted(known, key=lambda each: -each[0])]
