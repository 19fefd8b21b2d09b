"""Classification: do scores tell right answers from wrong ones, and are they calibrated probabilities?

`scores` and `right` are (tasks, answers); `right` is 1 for a right answer and 0 for a wrong one. NaN is unscored or
unknown, and skipped. Answers to one task are not independent, so intervals come from resampling tasks with all their
answers; n counts tasks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate, ratio
from .graded import Graded
from .resampling import resampled_sums

BINS = 10
"""Bins of equal width over [0, 1]; each includes its lower end, the last one both."""


def auc(scores: ArrayLike, right: ArrayLike) -> Estimate:
    """Return the probability that a right answer scores above a wrong one, ties half: Mann-Whitney U / its maximum.

    The interval resamples each answer's placement among the answers of the other class (DeLong 1988; for answers
    clustered by task, Obuchowski 1997) and is clipped to [0, 1].
    """
    graded = _labelled(scores, right)
    n = len(graded.known)
    is_right, is_wrong = graded.known & (graded.truth == 1), graded.known & (graded.truth == 0)
    if not is_right.any() or not is_wrong.any():
        return Estimate(None, None, None, n)
    placed_right = np.where(is_right, _share_below(graded.scores, graded.scores[is_wrong]), 0.0)
    placed_wrong = np.where(is_wrong, 1.0 - _share_below(graded.scores, graded.scores[is_right]), 0.0)
    rows = np.column_stack([part.sum(axis=1) for part in (placed_right, is_right, placed_wrong, is_wrong)])
    value = float(placed_right.sum() / is_right.sum())
    above, rights, below, wrongs = (sums := resampled_sums(rows))[(sums[:, [1, 3]] > 0).all(axis=1)].T
    return Estimate.of_draws(value, np.clip(above / rights + below / wrongs - value, 0.0, 1.0), n)


def brier(scores: ArrayLike, right: ArrayLike) -> Estimate:
    """Return the mean (p - y)² of the score p as a probability: 0 is perfect, a constant 0.5 gets 0.25.

    Raises:
        ValueError: a score is not a probability.
    """
    graded = _probabilities(scores, right)
    return ratio(((graded.scores - graded.truth) ** 2).sum(axis=1).tolist(), graded.known.sum(axis=1).tolist())


def calibration_error(scores: ArrayLike, right: ArrayLike, bins: int = BINS) -> Estimate:
    """Return the expected calibration error: sum over bins of (share of answers) * |share right - mean score|.

    It exceeds 0 by chance even for a calibrated score, so compare only estimates of similar n.

    Raises:
        ValueError: a score is not a probability.
    """
    graded = _probabilities(scores, right)
    n = len(graded.known)
    if n == 0:
        return Estimate(None, None, None, 0)
    place = np.minimum((graded.scores * bins).astype(int), bins - 1)
    excess = graded.truth - graded.scores
    rows = np.column_stack(
        [*(np.where(place == each, excess, 0.0).sum(axis=1) for each in range(bins)), graded.known.sum(axis=1)]
    )
    sums = np.vstack([rows.sum(axis=0), resampled_sums(rows)])
    errors = np.abs(sums[:, :-1]).sum(axis=1) / sums[:, -1]
    return Estimate.of_draws(float(errors[0]), errors[1:], n)


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
