"""Rankings: does a grader order the miners as the truth does?

pairwise_accuracy(scores, truth).value     # share of pairs of miners in the right order

`scores` and `truth` are (tasks, miners); NaN is unscored and skipped, never zero. A miner's mean score and mean truth
are over the same answers: those that are scored and whose truth is known. Intervals are bootstrapped over tasks with
all their answers; n counts tasks. For miners of similar quality, resampling adds noise to the order, so these intervals
tend to be too wide rather than too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate
from .graded import Graded
from .resampling import resampled_sums

PERMUTATIONS = 1000
TIE_DIGITS = 12
"""Means that agree to this many decimals are tied: they differ only by the order of summation."""
BLOCK_CELLS = 1 << 21

Statistic = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""Maps miners' mean scores and mean truths, (B, M) each, to (B,); NaN where undefined."""


def pairwise_accuracy(scores: ArrayLike, truth: ArrayLike) -> Estimate:
    """Return the share of pairs of miners that the grader orders as the truth does.

    A pair that is tied in truth has no right order and is skipped; a pair that the grader ties counts half.
    """
    return _over_tasks(Graded.of(scores, truth), _pairwise_accuracies)


def rank_correlation(scores: ArrayLike, truth: ArrayLike) -> Estimate:
    """Return Spearman's rho of mean score and mean truth over the miners."""
    return _over_tasks(Graded.of(scores, truth), spearmans)


def kendall_tau(scores: ArrayLike, truth: ArrayLike) -> Estimate:
    """Return Kendall's tau-b of mean score and mean truth over pairs: (C - D) / sqrt((C + D + Tx)(C + D + Ty))."""
    return _over_tasks(Graded.of(scores, truth), _kendalls)


def soft_pairwise_accuracy(scores: ArrayLike, truth: ArrayLike) -> Estimate:
    """Return 1 - mean over pairs of |p_truth - p_score|, which rewards the right confidence as well as the right order.

    p is the one-sided p-value that the first of a pair is better, from a paired permutation test that swaps the two
    miners' answers to each task (Thompson et al., arXiv 2409.09598). Draws equal to the observed value count half, and
    every draw is used with its mirror image, so the miners' order does not matter. For the interval, p comes from the
    normal limit of the same test.
    """
    graded = Graded.of(scores, truth)
    n, miners = graded.known.shape
    if miners < 2:
        return Estimate(None, None, None, n)
    first, second = np.triu_indices(miners, 1)
    shared = graded.known[:, first] & graded.known[:, second]
    met = shared.any(axis=0)
    if not met.any():
        return Estimate(None, None, None, n)
    by_score, by_truth = (
        ((values[:, first] - values[:, second]) * shared)[:, met] for values in (graded.scores, graded.truth)
    )
    value = 1.0 - np.abs(_permutation_p(by_score) - _permutation_p(by_truth)).mean()
    if n < 2:
        return Estimate(float(value), None, None, n)
    sums = resampled_sums(np.hstack([by_score, by_score**2, by_truth, by_truth**2]))
    score_sum, score_square, truth_sum, truth_square = np.split(sums, 4, axis=1)
    draws = 1.0 - np.abs(_normal_p(score_sum, score_square) - _normal_p(truth_sum, truth_square)).mean(axis=1)
    return Estimate.of_draws(float(value), draws, n)


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the rank correlation of two sequences, ties by their mean rank; None if either is constant."""
    if len(first) < 2:
        return None
    rho = float(spearmans(np.asarray(first, dtype=float), np.asarray([second], dtype=float))[0])
    return None if np.isnan(rho) else rho


def spearmans(first: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Spearman's rho of `first`, (M,) or (B, M), with each row of `rows` (B, M); NaN for constants and NaNs."""
    single, many = (np.array([_ranks(row) for row in np.atleast_2d(each)]) for each in (first, rows))
    single, many = single - single.mean(axis=-1, keepdims=True), many - many.mean(axis=-1, keepdims=True)
    spread = np.sqrt((single**2).sum(axis=-1) * (many**2).sum(axis=-1))
    defined = (spread > 0) & ~np.isnan(first).any(axis=-1) & ~np.isnan(rows).any(axis=-1)
    return np.asarray(np.divide((many * single).sum(axis=-1), spread, out=np.full(len(rows), np.nan), where=defined))


def _over_tasks(graded: Graded, statistic: Statistic) -> Estimate:
    """Apply `statistic` to the miners' means, with an interval bootstrapped over the tasks."""
    n, miners = graded.known.shape
    if miners < 2:
        return Estimate(None, None, None, n)
    rows = np.hstack([graded.scores, graded.truth, graded.known])
    value = _of_sums(rows.sum(axis=0, keepdims=True), statistic)
    draws = _of_sums(resampled_sums(rows), statistic) if n > 1 else value
    return Estimate.of_draws(float(value[0]), draws, n)


def _of_sums(sums: NDArray[np.float64], statistic: Statistic) -> NDArray[np.float64]:
    """Apply `statistic` to the means of `sums` (B, 3M): scores, truths, answers. Rows that lack a miner are dropped."""
    miners = sums.shape[1] // 3
    whole = sums[(sums[:, 2 * miners :] > 0).all(axis=1)]
    scores, truth, known = np.split(whole, 3, axis=1)
    scores, truth = np.round(scores / known, TIE_DIGITS), np.round(truth / known, TIE_DIGITS)
    step = max(1, BLOCK_CELLS // miners**2)
    blocks = [statistic(scores[at : at + step], truth[at : at + step]) for at in range(0, len(whole), step)]
    return np.concatenate(blocks) if blocks else np.empty(0)


def _pairwise_accuracies(scores: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    graded, right = _orders(scores), _orders(truth)
    counted = (right != 0).sum(axis=1)
    agreed = ((1 + graded * right) / 2 * (right != 0)).sum(axis=1)
    return np.asarray(np.divide(agreed, counted, out=np.full(len(scores), np.nan), where=counted > 0))


def _kendalls(scores: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    graded, right = _orders(scores), _orders(truth)
    spread = np.sqrt((graded**2).sum(axis=1) * (right**2).sum(axis=1))
    excess = (graded * right).sum(axis=1)
    return np.asarray(np.divide(excess, spread, out=np.full(len(scores), np.nan), where=spread > 0))


def _orders(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1, 0 or -1 for each pair of columns of `values` (B, M): (B, M * (M - 1) / 2)."""
    first, second = np.triu_indices(values.shape[1], 1)
    return np.sign(values[:, first] - values[:, second])


def _permutation_p(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the one-sided p-value of each column of paired `differences` (T, pairs)."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(PERMUTATIONS // 2, len(differences)))
    half, observed = signs @ differences, differences.sum(axis=0)
    slack = 1e-9 * (1.0 + np.abs(observed))
    at_least = [(drawn >= observed - slack).mean(axis=0) for drawn in (half, -half)]
    above = [(drawn > observed + slack).mean(axis=0) for drawn in (half, -half)]
    return np.asarray((at_least[0] + at_least[1] + above[0] + above[1]) / 4)


def _normal_p(total: NDArray[np.float64], square: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the limit of `_permutation_p` from sums and sums of squares of differences; a half where all are 0."""
    from scipy.special import ndtr

    spread = np.sqrt(square)
    return np.asarray(ndtr(-np.divide(total, spread, out=np.zeros_like(total), where=spread > 0)))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 0, ties by their mean."""
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") - 1) / 2
