"""Graded answers: scores paired with the truth about the same answers, with unscored answers skipped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Graded:
    """Scores and truth of the answers for which both are known; 0.0 where either is unknown.

    Tasks and miners without such an answer are dropped, so T and M may be smaller than in the input.
    """

    scores: NDArray[np.float64]
    """(T, M)"""
    truth: NDArray[np.float64]
    """(T, M)"""
    known: NDArray[np.bool_]
    """(T, M)"""

    @classmethod
    def of(cls, scores: ArrayLike, truth: ArrayLike) -> Graded:
        """Pair `scores` (tasks, miners) with `truth` of the same shape, or (miners,) if it is known beforehand.

        NaN is unscored or unknown.

        Raises:
            ValueError: `scores` is not two-dimensional, `truth` does not fit it, or one has infinite entries.
        """
        graded, gold = np.array(scores, dtype=float), np.asarray(truth, dtype=float)
        if graded.size == 0:
            graded = graded.reshape(0, 0)
            return cls(graded, graded, np.zeros((0, 0), dtype=bool))
        if graded.ndim != 2 or gold.shape not in (graded.shape, graded.shape[1:]):
            raise ValueError(
                f"scores {graded.shape}, truth {gold.shape}: give scores as (tasks, miners), "
                "and truth in the same shape or as (miners,)"
            )
        gold = np.array(np.broadcast_to(gold, graded.shape))
        if np.isinf(graded).any() or np.isinf(gold).any():
            raise ValueError("scores or truth are infinite somewhere: use NaN for what is unscored")
        known = ~(np.isnan(graded) | np.isnan(gold))
        graded[~known] = gold[~known] = 0.0
        kept = np.ix_(known.any(axis=1), known.any(axis=0))
        return cls(graded[kept], gold[kept], known[kept])
