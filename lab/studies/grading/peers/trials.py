"""Trials: how well a grader ranks the honest miners of simulated crowds, and what it pays colluders beyond the best.

trial = Trial.of(Family(colluding=0.5), "jury", replications=100)
trial.ranking.mean(), trial.premium.mean()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .crowds import Crowd, Family
from .graders import PEER_GRADERS

Floats = NDArray[np.float64]

LOWEST_BEST = 0.01
"""Least score of the best honest miner that premiums are relative to: one that earns nothing has no multiple."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One grader on crowds of one family: a figure for each replication."""

    family: Family
    ranking: Floats
    """Share of the pairs of honest miners that are ordered as by their answers' truth, ties half."""
    premium: Floats
    """Mean score of the colluders over the best honest score, minus 1; NaN without colluders."""

    @property
    def ranked(self) -> float:
        """Mean of `ranking`."""
        return float(self.ranking.mean())

    @property
    def gained(self) -> float:
        """Mean of `premium`."""
        return float(self.premium.mean())

    @property
    def ranked_error(self) -> float:
        """Standard error of the mean ranking."""
        return _error(self.ranking)

    @property
    def gained_error(self) -> float:
        """Standard error of the mean premium."""
        return _error(self.premium)


def trials(
    family: Family,
    replications: int,
    graders: Mapping[str, Callable[[Crowd], Floats]] = PEER_GRADERS,
    *,
    first: int = 0,
) -> dict[str, Trial]:
    """Have every grader grade the same crowds of a family; seeds count up from `first`."""
    crowds = [family.draw(first + number) for number in range(replications)]
    results = {}
    for name, grade in graders.items():
        scores = [grade(crowd) for crowd in crowds]
        results[name] = Trial(
            family,
            np.array([ranking(crowd, score) for crowd, score in zip(crowds, scores, strict=True)]),
            np.array([premium(crowd, score) for crowd, score in zip(crowds, scores, strict=True)]),
        )
    return results


def ranking(crowd: Crowd, scores: Floats) -> float:
    """Return the share of pairs of honest miners in the right order, by how often each was right on these tasks.

    A pair that a grader scores alike is half right; a pair that was right equally often does not count.
    """
    honest = np.array(crowd.honest)
    truth, honest_scores = crowd.right.mean(axis=0)[honest], scores[honest]
    first, second = np.triu_indices(len(honest), 1)
    gap = np.sign(truth[first] - truth[second])
    agreed = 0.5 + 0.5 * gap * np.sign(honest_scores[first] - honest_scores[second])
    return float(agreed[gap != 0].mean()) if gap.any() else 1.0


def premium(crowd: Crowd, scores: Floats) -> float:
    """Return how much more the colluders earn, in the mean, than the best honest miner; 0 if the same."""
    if not crowd.colluders:
        return float("nan")
    best = max(float(scores[list(crowd.honest)].max()), LOWEST_BEST)
    return float(scores[list(crowd.colluders)].mean()) / best - 1.0


def _error(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
