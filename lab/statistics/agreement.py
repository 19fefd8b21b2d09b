"""Agreement between raters: Krippendorff's alpha for scores, Cohen's kappa for categories.

Both are 1 for perfect agreement and 0 for chance agreement; below 0, raters disagree systematically. Intervals are over
items, and n counts the items that at least two raters rated. If items depend on each other, like answers to one task,
`cluster` (items,) names those that belong together, and n counts clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from math import inf, isqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate, jackknifed
from .interval import Bounds
from .resampling import clustered

AT_MOST_1: Bounds = (-inf, 1.0)


def krippendorff_alpha(ratings: ArrayLike, cluster: ArrayLike | None = None) -> Estimate:
    """Return alpha for interval data, 1 - observed / expected disagreement; `ratings` (items, raters), NaN is unrated.

    Closed form: squared differences within items and over all ratings follow from sums and sums of squares, so time
    and memory are linear in the number of ratings (Krippendorff 2018, chapter 12). There is no value if all ratings
    are equal: agreement can't be distinguished from indifference.

    Raises:
        ValueError: `ratings` is not two-dimensional or has infinite entries, or `cluster` does not name each item.
    """
    table = np.asarray(ratings, dtype=float)
    if table.size == 0:
        return Estimate(None, None, None, 0)
    if table.ndim != 2:
        raise ValueError(f"ratings {table.shape}: give them as (items, raters)")
    if np.isinf(table).any():
        raise ValueError("ratings are infinite somewhere: use NaN for what is unrated")
    known = ~np.isnan(table)
    rated = known & (known.sum(axis=1, keepdims=True) > 1)
    if not rated.any():
        return Estimate(None, None, None, 0)
    # Centred values keep digits that the squares of, for example, timestamps would lose.
    centred = np.where(rated, table - table[rated].min(), 0.0)
    centred = np.where(rated, centred - centred[rated].mean(), 0.0)
    count, total, square = rated.sum(axis=1), centred.sum(axis=1), np.einsum("ij,ij->i", centred, centred)
    within = (count * square - total**2) / np.maximum(count - 1, 1)
    return _of_sums(np.column_stack([count, total, square, within]), cluster, _alphas)


def cohen_kappa(
    first: Sequence[Hashable | None], second: Sequence[Hashable | None], cluster: ArrayLike | None = None
) -> Estimate:
    """Return kappa of two raters' categories for the same items, (po - pe) / (1 - pe); None is unrated.

    There is no value if both put every item into one and the same category: chance would agree as much.

    Raises:
        ValueError: the lists differ in length, or `cluster` does not name each item.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} items of the first rater, {len(second)} of the second: they must be paired")
    pairs = {
        item: pair for item, pair in enumerate(zip(first, second, strict=True)) if pair[0] is not None is not pair[1]
    }
    place = {
        category: at for at, category in enumerate(dict.fromkeys(each for pair in pairs.values() for each in pair))
    }
    rows = np.zeros((len(first), len(place), len(place)))
    for item, (own, other) in pairs.items():
        rows[item, place[own], place[other]] = 1.0
    return _of_sums(rows.reshape(len(first), len(place) ** 2), cluster, _kappas)


def _of_sums(
    rows: NDArray[np.float64],
    cluster: ArrayLike | None,
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> Estimate:
    """Apply `statistic` to the sums of `rows` (items, K), 0 for an unrated item, by cluster."""
    sums = clustered(rows, cluster)
    return jackknifed(sums[sums.any(axis=1)], statistic, AT_MOST_1)


def _alphas(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return alphas from sums (B, 4): counts, values and squares of ratings, squared differences within items."""
    count, total, square, within = sums.T
    expected = (count * square - total**2) / (count - 1)
    varied = expected > 1e-12 * square
    return np.asarray(1.0 - np.divide(within, expected, out=np.full(len(sums), np.nan), where=varied))


def _kappas(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return kappas from the cells (B, K²) of confusion tables."""
    size = isqrt(sums.shape[1])
    tables = sums.reshape(-1, size, size)
    shares = tables / tables.sum(axis=(1, 2), keepdims=True)
    agreed = np.trace(shares, axis1=1, axis2=2)
    chance = (shares.sum(axis=1) * shares.sum(axis=2)).sum(axis=1)
    varied = chance < 1 - 1e-12
    return np.asarray(np.divide(agreed - chance, 1 - chance, out=np.full(len(tables), np.nan), where=varied))
