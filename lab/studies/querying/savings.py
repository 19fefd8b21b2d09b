"""Other savings: a judge that sees some of the answers, and tasks that tell miners apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validators.scorers.cascade import judged_chance

Floats = NDArray[np.float64]

ANSWERS = 200
"""Answers of the miner whose accuracy is estimated."""
ACCURACY = 0.7
SIGNALS = (2.9, 1.9)
"""Distances between right and wrong answers, in standard deviations of what the cheap grader sees."""
CHANCES = (1.0, 0.55)
"""Chances of being judged for each: about a third of the answers are."""
SLOPES = (1.0, 0.5, 0.1, 0.0)
"""How much of a miner's skill shows in each of four strata of tasks, all equally common."""


@dataclass(frozen=True, slots=True)
class Cascaded:
    """A judge behind a cheap grader."""

    correlation: float
    """Between the cheap grade and the judge's."""
    judged: float
    """Share of the answers that are judged."""
    error: float
    """Standard error of the mean of the estimates."""
    error_of_all: float
    """The same if the judge sees every answer."""


def cascaded(signal: float, chance: float, replications: int = 2000, seed: int = 0) -> Cascaded:
    """Estimate one miner's accuracy many times, by a cheap grader that returns the chance of being right."""
    rng = np.random.default_rng([seed, round(100 * signal)])
    right = (rng.random((replications, ANSWERS)) < ACCURACY).astype(float)
    seen = signal * right + rng.standard_normal(right.shape)
    odds = ACCURACY / (1.0 - ACCURACY) * np.exp(signal * (seen - signal / 2.0))
    cheap = odds / (1.0 + odds)
    chances = judged_chance(cheap, chance)
    judged = rng.random(right.shape) < chances
    estimates = cheap + judged * (right - cheap) / chances
    return Cascaded(
        correlation=float(np.corrcoef(cheap.ravel(), right.ravel())[0, 1]),
        judged=float(judged.mean()),
        error=float(estimates.mean(axis=1).std(ddof=1)),
        error_of_all=float(right.mean(axis=1).std(ddof=1)),
    )


def strata_share(slopes: tuple[float, ...] = SLOPES) -> float:
    """Return the queries that tasks of the most telling stratum need, as a share of those that a mixture does.

    Telling two miners apart takes queries in proportion to the variance over the squared gap. A mixture's gap is the
    mean of its strata's. The variance of a right or wrong answer near one half hardly depends on the stratum.
    """
    return float((np.mean(slopes) / np.max(slopes)) ** 2)
