"""Agreement between raters: Krippendorff's alpha for scores, Cohen's kappa for categories.

Both are 1 for perfect agreement and 0 for what chance gives; below 0 raters disagree systematically.
Intervals are over items; n counts items that at least two raters rated.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .figure import Figure
from .resampling import RESAMPLES, resampled_sums


def krippendorff_alpha(ratings: ArrayLike) -> Figure:
    """Alpha for interval data, 1 - observed / expected disagreement, of `ratings` (items, raters); NaN is unrated.

    In closed form: squared differences within items and over all ratings follow from sums and sums of squares,
    so time and memory grow with the number of ratings alone (Krippendorff 2018, chapter 12). None where all
    ratings are the same: agreement can't be told from indifference.

    Raises:
        ValueError: `ratings` is no table, or infinite somewhere.
    """
    table = np.asarray(ratings, dtype=float)
    if table.size == 0:
        return Figure(None, None, None, 0)
    if table.ndim != 2:
        raise ValueError(f"ratings {table.shape}: give them as (items, raters)")
    if np.isinf(table).any():
        raise ValueError("ratings are infinite somewhere: use NaN for what is unrated")
    known = ~np.isnan(table)
    table, known = (part[known.sum(axis=1) > 1] for part in (table, known))
    n = len(table)
    if n == 0:
        return Figure(None, None, None, 0)
    if (low := table[known].min()) == table[known].max():
        return Figure(None, None, None, n)
    # Squares of values near 0 keep the digits that those of, say, timestamps would lose.
    centred = np.where(known, table - low, 0.0)
    centred = np.where(known, centred - centred[known].mean(), 0.0)
    count, total, square = known.sum(axis=1), centred.sum(axis=1), np.einsum("ij,ij->i", centred, centred)
    within = (count * square - total**2) / (count - 1)
    rows = np.column_stack([count, total, square, within])
    value = _alphas(rows.sum(axis=0, keepdims=True))
    return Figure.of_draws(float(value[0]), _alphas(resampled_sums(rows)), n)


def cohen_kappa(first: Sequence[Hashable | None], second: Sequence[Hashable | None]) -> Figure:
    """Kappa of two raters' categories for the same items, (po - pe) / (1 - pe); None is unrated.

    No value where both give every item the same one category: chance alone would agree as much.

    Raises:
        ValueError: the raters' lists differ in length.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} items of the first rater, {len(second)} of the second: they must be paired")
    pairs = [(one, other) for one, other in zip(first, second, strict=True) if one is not None and other is not None]
    n = len(pairs)
    if n == 0:
        return Figure(None, None, None, 0)
    place = {category: at for at, category in enumerate(dict.fromkeys(each for pair in pairs for each in pair))}
    size = len(place)
    cells = np.bincount([place[one] * size + place[other] for one, other in pairs], minlength=size**2)
    # Items drawn again with replacement are cells drawn from their own shares.
    drawn = np.random.default_rng(0).multinomial(n, cells / n, size=RESAMPLES)
    value = _kappas(cells.reshape(1, size, size))
    return Figure.of_draws(float(value[0]), _kappas(drawn.reshape(-1, size, size)), n)


def _alphas(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Alpha from sums (B, 4) of ratings' counts, values, squares, and squared differences within items."""
    count, total, square, within = sums.T
    expected = (count * square - total**2) / (count - 1)
    varied = expected > 1e-12 * square
    return np.asarray(1.0 - np.divide(within, expected, out=np.full(len(sums), np.nan), where=varied))


def _kappas(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Kappa of each confusion table of `tables` (B, K, K)."""
    shares = tables / tables.sum(axis=(1, 2), keepdims=True)
    agreed = np.trace(shares, axis1=1, axis2=2)
    chance = (shares.sum(axis=1) * shares.sum(axis=2)).sum(axis=1)
    varied = chance < 1 - 1e-12
    return np.asarray(np.divide(agreed - chance, 1 - chance, out=np.full(len(tables), np.nan), where=varied))
