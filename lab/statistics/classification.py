"""Classification: do scores tell right answers from wrong ones, and are they calibrated probabilities?

`scores` and `right` are (tasks, answers); `right` is 1 for a right answer and 0 for a wrong one. NaN is unscored or
unknown, and skipped. Answers to one task are not independent, so intervals are over tasks, and n counts tasks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate, jackknifed, ratio
from .graded import Graded
from .interval import UNIT, Interval, clustered_share

BINS = 10
"""Bins of equal width over [0, 1]; each includes its lower end, the last one both."""


def auc(scores: ArrayLike, right: ArrayLike) -> Estimate:
    """Return the probability that a right answer scores above a wrong one, ties half: Mann-Whitney U / its maximum.

    The interval is Wilson's for the variance of each answer's placement among the answers of the other class (DeLong
    1988; for answers clustered by task, Obuchowski 1997). Unlike one from that variance alone, it has a width where
    the sample's classes are apart.
    """
    graded = _labelled(scores, right)
    n = len(graded.known)
    is_right, is_wrong = graded.known & (graded.truth == 1), graded.known & (graded.truth == 0)
    rights, wrongs = float(is_right.sum()), float(is_wrong.sum())
    if not rights or not wrongs:
        return Estimate(None, None, None, n)
    placed_right = np.where(is_right, _share_below(graded.scores, graded.scores[is_wrong]), 0.0)
    placed_wrong = np.where(is_wrong, 1.0 - _share_below(graded.scores, graded.scores[is_right]), 0.0)
    value = float(placed_right.sum() / rights)
    right_part = (placed_right.sum(axis=1) - value * is_right.sum(axis=1)) / rights
    wrong_part = (placed_wrong.sum(axis=1) - value * is_wrong.sum(axis=1)) / wrongs
    return Estimate.of(value, clustered_share(value, n * (right_part + wrong_part), min(rights, wrongs)), n)


def brier(scores: ArrayLike, right: ArrayLike) -> Estimate:
    """Return the mean (p - y)² of the score p as a probability: 0 is perfect, a constant 0.5 gets 0.25.

    Raises:
        ValueError: a score is not a probability.
    """
    graded = _probabilities(scores, right)
    squares = ((graded.scores - graded.truth) ** 2).sum(axis=1)
    return ratio(squares.tolist(), graded.known.sum(axis=1).tolist(), UNIT)


def calibration_error(scores: ArrayLike, right: ArrayLike, bins: int = BINS) -> Estimate:
    """Return the root mean square of |share right - mean score| over bins, weighted by their answers, without its bias.

    In a small bin the two differ by chance even for a calibrated score, which inflates both this error and the mean
    absolute one. Each bin's squared difference is therefore reduced by its variance over tasks (Kumar, Liang and Ma
    2019, arXiv 1909.10155). If that leaves nothing, the value is 0. An interval that starts at 0 says that the score
    may be calibrated.

    Raises:
        ValueError: a score is not a probability.
    """
    graded = _probabilities(scores, right)
    place = np.minimum((graded.scores * bins).astype(int), bins - 1)
    inside = [graded.known & (place == each) for each in range(bins)]
    excess = np.stack([np.where(here, graded.truth - graded.scores, 0.0).sum(axis=1) for here in inside], axis=1)
    count = np.stack([here.sum(axis=1).astype(float) for here in inside], axis=1)
    ones = np.ones((len(excess), 1))
    square = jackknifed(np.hstack([excess, excess**2, excess * count, count, count**2, ones]), _squared_error)
    if square.value is None:
        return square
    low, high = (None if end is None else _root(end) for end in (square.low, square.high))
    return Estimate.of(_root(square.value), Interval(low, high, square.method), square.n)


def _root(square: float) -> float:
    return float(np.sqrt(max(0.0, square)))


def _squared_error(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unbiased squared error from sums over tasks, (B, 5 bins + 1): as above, and the number of tasks."""
    excess, square, product, count, count_square = np.split(sums[:, :-1], 5, axis=1)
    tasks = sums[:, -1:]
    gap = _over(excess, count)
    spread = square - 2 * gap * product + gap**2 * count_square
    with np.errstate(divide="ignore", invalid="ignore"):  # a single task shows no variance
        variance = tasks / (tasks - 1) * spread
    return np.asarray(_over(excess**2 - variance, count).sum(axis=1) / count.sum(axis=1))


def _over(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(above, below, out=np.zeros(above.shape), where=below > 0))


def _labelled(scores: ArrayLike, right: ArrayLike) -> Graded:
    graded = Graded.of(scores, right)
    invalid = graded.truth[(graded.truth != 0) & (graded.truth != 1)]
    if len(invalid):
        raise ValueError(f"right holds {invalid[0]}: an answer is right (1), wrong (0) or unknown (NaN)")
    return graded


def _probabilities(scores: ArrayLike, right: ArrayLike) -> Graded:
    graded = _labelled(scores, right)
    invalid = graded.scores[(graded.scores < 0) | (graded.scores > 1)]
    if len(invalid):
        raise ValueError(f"score {invalid[0]} is not a probability: calibration needs scores in [0, 1]")
    return graded


def _share_below(values: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of `others` below each value, ties half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (2 * len(ordered))
