"""Estimates with their 95 % intervals; `interval.py` says which method belongs to which kind of estimate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import isclose, isfinite
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .interval import (
    ANYTHING,
    LEAST,
    TOO_FEW,
    UNDEFINED,
    UNIT,
    Bounds,
    Interval,
    clustered_share,
    order_statistics,
    percentile,
    skewed_t,
    wilson,
)
from .number import number
from .resampling import bundled

Item = TypeVar("Item")
Floats = NDArray[np.float64]
NEGLIGIBLE = 0.01
"""Share of the largest figure of an estimate below which an end of its interval is written as zero."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval and the number of observations behind it."""

    value: float | None
    """None if nothing was observed."""
    low: float | None
    """None if there is no interval, like `high`."""
    high: float | None
    n: int
    method: str = field(default="", compare=False)
    """Name of the interval's method, or why there is none; empty if the figure never has one."""

    @classmethod
    def of(cls, value: float, interval: Interval, n: int) -> Estimate:
        """Combine a value over `n` observations with its interval. A value of NaN becomes None."""
        if np.isnan(value):
            return cls(None, None, None, n)
        if interval.low is None or interval.high is None:
            return cls(float(value), None, None, n, interval.method)
        # With few, skewed observations a percentile interval can miss the value.
        low, high = min(interval.low, float(value)), max(interval.high, float(value))
        return cls(float(value), low, high, n, interval.method)

    @classmethod
    def of_draws(cls, value: float, draws: Floats, n: int) -> Estimate:
        """Combine a value over `n` observations with the bootstrap interval of its resampled `draws` (B,)."""
        return cls.of(value, percentile(draws, n), n)

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
        return replace(self, value=value, low=low, high=high)

    def less(self, by: float) -> Estimate:
        """Return the estimate less a constant."""
        value, low, high = (None if each is None else each - by for each in (self.value, self.low, self.high))
        return replace(self, value=value, low=low, high=high)

    def percent(self, digits: int = 0) -> str:
        """Write a share as "91 % (88 to 94, n=30)"."""
        return self.scaled(100).text(digits, " %")


def mean(values: Sequence[float], bounds: Bounds = ANYTHING) -> Estimate:
    """Return the mean of independent observations of a quantity that lies within `bounds`."""
    return ratio(values, [1.0] * len(values), bounds)


def ratio(above: Sequence[float], below: Sequence[float], bounds: Bounds = ANYTHING) -> Estimate:
    """Return the ratio of two sums over paired observations."""
    numerator, denominator = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    n = len(numerator)
    if n != len(denominator):
        raise ValueError(f"{n} observations above, {len(denominator)} below: they must be paired")
    total = float(denominator.sum())
    if n == 0 or total == 0.0:
        return Estimate(None, None, None, n)
    value, others = float(numerator.sum()) / total, total - denominator
    left_out = np.divide(numerator.sum() - numerator, others, out=np.full(n, np.nan), where=others != 0)
    return jackknife(value, left_out, n, bounds)


def share(hits: ArrayLike, counts: ArrayLike | None = None) -> Estimate:
    """Return the share of `hits` (C,) among `counts` (C,) in C independent clusters; without counts, one in each."""
    hit = np.asarray(hits, dtype=float)
    count = np.ones(len(hit)) if counts is None else np.asarray(counts, dtype=float)
    n, total = len(hit), float(count.sum())
    if total == 0:
        return Estimate(None, None, None, n)
    value = float(hit.sum()) / total
    if total == n and np.isin(hit, (0.0, 1.0)).all():
        return Estimate.of(value, TOO_FEW if n < LEAST else wilson(value, n), n)
    return Estimate.of(value, clustered_share(value, (hit - value * count) * n / total, total), n)


def mean_score(values: Sequence[float]) -> Estimate:
    """Return the mean of scores in [0, 1]; if all are 0 or 1, it is a share."""
    if np.isin(values, (0.0, 1.0)).all():
        return share(values)
    return mean(values, UNIT)


def quantile(values: Sequence[float], part: float) -> Estimate:
    """Return the quantile below which a `part` of the distribution lies, such as 0.95."""
    observed = np.asarray(values, dtype=float)
    n = len(observed)
    if n == 0:
        return Estimate(None, None, None, 0)
    return Estimate.of(float(np.quantile(observed, part)), order_statistics(observed, part), n)


def jackknifed(rows: Floats, statistic: Callable[[Floats], Floats], bounds: Bounds = ANYTHING) -> Estimate:
    """Return a smooth function of the sums of `rows` (n, K), with the interval from leaving each row out.

    `statistic` maps sums (B, K) to (B,), NaN where it is undefined. Copied or scaled sums must give the same value.
    """
    n = len(rows)
    if n == 0:
        return Estimate(None, None, None, 0)
    value = float(statistic(rows.sum(axis=0, keepdims=True))[0])
    kept = bundled(rows)
    return jackknife(value, statistic(kept.sum(axis=0) - kept) if n >= LEAST else np.empty(0), n, bounds)


def jackknife(value: float, left_out: Floats, n: int, bounds: Bounds = ANYTHING) -> Estimate:
    """Combine a value over `n` observations with the values (n,) that leave one observation out each."""
    if len(left_out) < LEAST or np.isnan(left_out).any():
        return Estimate.of(value, TOO_FEW if len(left_out) < LEAST else UNDEFINED, n)
    influence = (len(left_out) - 1) * (left_out.mean() - left_out)
    return Estimate.of(value, skewed_t(value, influence).within(bounds), n)


def ranked(items: Iterable[Item], value: Callable[[Item], float | None]) -> list[Item]:
    """Return the items with a value, the highest first and ties in their order; items without a value have no rank."""
    known = [(number, item) for item in items if (number := value(item)) is not None]
    return [item for _, item in sorted(known, key=lambda each: -each[0])]
