"""Order statistics over integers, compiled: a bisection on the value, whose inner loop is branch-free.

The weighted median of k cells takes at most 33 passes over them, no sort and no copy.
"""

# mypy: allow-untyped-defs, no-check-untyped-defs
import numpy as np

from .fixed import ONE, jit, multiply


@jit
def largest_within(values, weights, below, limit, low, high):
    """Largest v in low..high with below + (weight of values < v) <= limit; low itself must satisfy it."""
    while low < high:
        middle = low + ((high - low + 1) >> 1)
        total = np.int64(below)
        for k in range(values.shape[0]):
            total += weights[k] if values[k] < middle else 0
        if total <= limit:
            low = middle
        else:
            high = middle - 1
    return low


@jit
def order_statistic(values, position):
    """The entry at `position` (from 0) of the ascending values, all in 0..2^33."""
    return largest_within(
        values, np.ones(values.shape[0], np.int64), np.int64(0), position, np.int64(0), np.int64(2 * ONE)
    )


@jit
def quartile(values, quarter):
    """The quarter/4 quantile of the values, with linear interpolation."""
    position = quarter * (values.shape[0] - 1)
    below = np.int64(0)
    result = np.int64(0)
    for step in range(2):
        result = order_statistic(values, min(position // 4 + step, values.shape[0] - 1))
        if step == 0:
            below = result
    return below + multiply((position % 4) << 30, result - below)


@jit
def weighted_median(scores, weights, total, limit):
    """Largest occurring score w with weight(score < w) <= limit, else the smallest; absent scores are 0.

    `scores` and `weights` hold the present cells; `total` counts the absent ones' weight too.
    """
    present = np.int64(0)
    low = np.int64(2 * ONE)
    high = np.int64(0)
    for k in range(scores.shape[0]):
        if weights[k] > 0:
            present += weights[k]
            low = min(low, scores[k])
            high = max(high, scores[k])
    if present == 0 or (total > present and total - present > limit):
        return np.int64(0)
    if limit < 0:
        return np.int64(0) if total > present else low
    return largest_within(scores, weights, total - present, limit, low, high)
