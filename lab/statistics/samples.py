"""Samples: the number of tasks that a grader needs, estimated from its scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate, jackknifed
from .graded import Graded
from .interval import Interval

CONFIDENCE = 0.95
FLATTEST = 1e-9
"""Largest effect that counts as zero."""
GAP = 0.05
"""Five points of true quality."""


def tasks_to_separate(scores: ArrayLike, truth: ArrayLike, gap: float = GAP) -> Estimate:
    """Return the tasks after which the better of two miners scores higher with 95 % probability.

    The miners are `gap` of true quality apart. `scores` and `truth` are (tasks, miners); NaN is unscored. The slope is
    that of the miners' mean score on their mean truth (least squares); the variance over tasks is that of the
    difference of two miners' scores (Bessel-corrected), averaged over all pairs, who answer the same tasks.

    There is no value if the slope is not positive: no number of tasks is enough. The interval is that of the slope over
    the standard deviation, from which the tasks follow; if it reaches 0, the upper end is infinite. n counts tasks.
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
    effect = jackknifed(rows, lambda sums: _effects(sums, miners))
    if effect.value is None or effect.value <= FLATTEST:
        return Estimate(None, None, None, n)
    low, high = (None if end is None else tasks_needed(end, gap) for end in (effect.high, effect.low))
    return Estimate.of(tasks_needed(effect.value, gap), Interval(low, high, effect.method), n)


def tasks_needed(effect: float, gap: float) -> float:
    """Return the tasks n after which the mean difference D of two miners' scores is above 0 with 95 % probability.

    n = (1.645 / (effect * gap))², where `gap` is the difference in true quality, and `effect` the mean of D for a gap
    of 1 over the standard deviation of D on one task. Infinite if the effect is not positive.
    """
    from scipy.special import ndtri

    return float((ndtri(CONFIDENCE) / (effect * gap)) ** 2) if effect > FLATTEST else float("inf")


def _effects(sums: NDArray[np.float64], miners: int) -> NDArray[np.float64]:
    """Return slope over standard deviation for `sums` (B, columns as above); NaN if undefined."""
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
    # Summation leaves less than nothing of a variance of 0.
    return np.asarray(slope / np.sqrt(np.maximum(variance, 1e-18)))


def _divided(above: NDArray[np.float64], below: NDArray[np.float64], otherwise: float = np.nan) -> NDArray[np.float64]:
    return np.asarray(np.divide(above, below, out=np.full(above.shape, otherwise), where=below > 0))
