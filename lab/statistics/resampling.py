"""The bootstrap: sums over observations resampled with replacement, from a fixed seed.

Statistics that are functions of sums (means, ratios, correlations of means, counts) are resampled through their sums,
so time and memory do not grow with the number of observations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
"""Enough for the second digit of a 95 % interval's ends."""
BUNDLES = 2000
"""Beyond this number of observations, random bundles of equal size are resampled instead. The interval's width is then
known to 1 / sqrt(2 * BUNDLES), 1.6 %, which is less than the error of RESAMPLES."""
BLOCK_CELLS = 1 << 19


def resampled_sums(rows: NDArray[np.float64], resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Return the column sums (B, K) of `rows` (n, K), n > 0, over B resamples of the rows."""
    drawn = bundled(rows)
    n = len(drawn)
    rng = np.random.default_rng(0)
    step = max(1, BLOCK_CELLS // n)
    sums = np.empty((resamples, drawn.shape[1]))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        picks = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(picks.ravel(), minlength=size * n).reshape(size, n)
        sums[start : start + size] = counts.astype(float) @ drawn
    return sums


def bundled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return up to BUNDLES `rows` (n, K) unchanged; for more, the sums of BUNDLES random bundles, (BUNDLES, K)."""
    n = len(rows)
    if n <= BUNDLES:
        return rows
    starts = np.arange(BUNDLES) * n // BUNDLES
    return np.asarray(np.add.reduceat(rows[np.random.default_rng(1).permutation(n)], starts, axis=0))


def clustered(rows: NDArray[np.float64], cluster: ArrayLike | None) -> NDArray[np.float64]:
    """Sum the `rows` (n, K) of each `cluster` (n,), which are resampled together: (C, K). None keeps each row alone.

    Raises:
        ValueError: `cluster` does not name each row.
    """
    if cluster is None:
        return rows
    names = np.asarray(cluster)
    if names.shape != rows.shape[:1]:
        raise ValueError(
            f"cluster {names.shape}, observations {rows.shape[:1]}: give one cluster for every observation"
        )
    place = np.unique(names, return_inverse=True)[1]
    sums = np.zeros((int(place.max(initial=-1)) + 1, rows.shape[1]))
    np.add.at(sums, place, rows)
    return sums
