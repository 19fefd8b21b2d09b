"""Samples: the number of tasks that a grader needs, estimated from its scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate
from .graded import Graded
from .resampling import resampled_sums

CONFIDENCE = 0.95
FLATTEST = 1e-9
"""Largest slope that counts as zero."""
GAP = 0.05
"""Five points of true quality."""


def tasks_to_separate(scores: ArrayLike, truth: ArrayLike, gap: float = GAP) -> Estimate:
    """Return the tasks after which the better of two miners scores higher with 95 % probability.

    The miners are `gap` of true quality apart. `scores` and `truth` are (tasks, miners); NaN is unscored. The slope is
    that of the miners' mean score on their mean truth (least squares); the variance over tasks is that of the
    difference of two miners' scores (Bessel-corrected), averaged over all pairs, who answer the same tasks.

    There is no value if the slope is not positive: no number of tasks is enough. The upper end is infinite if the
    slope is not positive in more than 2.5 % of resamples. n counts tasks.
    """
    if not gap > 0:
        raise ValueError(f"gap {gap}: a difference of true quality, above 0")
    graded = Graded.of(scores, truth)
    n, miners = graded.known.shape
    if n < 2 or miners < 2:
        return Estimate(None, None, None, n)
    first, second = np.triu_indices(miners, 1)
    both = graded.known[:, first] & graded.known[:, second]
    apart = (graded.scores[:, first] - graded.scores[:, second]) * both
    rows = np.hstack([graded.scores, graded.truth, graded.known, apart, apart**2, both])
    value = float(_tasks(rows.sum(axis=0, keepdims=True), miners, gap)[0])
    if not np.isfinite(value):
        return Estimate(None, None, None, n)
    return Estimate.of_draws(value, _tasks(resampled_sums(rows), miners, gap), n)


def tasks_needed(slope: NDArray[np.float64], variance: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Return the tasks n after which the mean difference D of two miners' scores is above 0 with 95 % probability.

    n = 1.645² variance / (slope * gap)², where D has the mean slope * gap and `gap` is the difference in true quality.
    Infinite where the slope is not positive, NaN where the slope or the variance is.
    """
    from scipy.special import ndtri

    rising = slope > FLATTEST
    needed = ndtri(CONFIDENCE) ** 2 * variance / (np.where(rising, slope, 1.0) * gap) ** 2
    return np.where(np.isnan(slope) | np.isnan(variance), np.nan, np.where(rising, needed, np.inf))


def _tasks(sums: NDArray[np.float64], miners: int, gap: float) -> NDArray[np.float64]:
    """Return the tasks for `sums` (B, columns as above); infinite where the slope is not positive, NaN if undefined."""
    per_miner, per_pair = sums[:, : 3 * miners], sums[:, 3 * miners :]
    scores, truth, known = np.split(per_miner, 3, axis=1)
    apart, square, both = np.split(per_pair, 3, axis=1)
    scores, truth = (_divided(total, known) for total in (scores, truth))
    scores, truth = (means - np.nanmean(means, axis=1, keepdims=True) for means in (scores, truth))
    spread = np.nansum(truth**2, axis=1)
    slope = np.divide(np.nansum(scores * truth, axis=1), spread, out=np.full(len(sums), np.nan), where=spread > 1e-18)
    variances = _divided(square - apart * _divided(apart, both, 0.0), np.where(both > 1, both - 1, 0.0))
    met = ~np.isnan(variances)
    variance = np.divide(
        np.where(met, variances, 0.0).sum(axis=1),
        met.sum(axis=1),
        out=np.full(len(sums), np.nan),
        where=met.any(axis=1),
    )
    return tasks_needed(slope, variance, gap)


def _divided(above: NDArray[np.float64], below: NDArray[np.float64], otherwise: float = np.nan) -> NDArray[np.float64]:
    return np.asarray(np.divide(above, below, out=np.full(above.shape, otherwise), where=below > 0))
