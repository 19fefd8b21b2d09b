"""Measures of a grader's quality: ranking, telling right from wrong, calibration and agreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.statistics import NONNEGATIVE, Estimate, ratio
from lab.statistics.agreement import cohen_kappa, krippendorff_alpha
from lab.statistics.classification import auc, brier, calibration_error
from lab.statistics.ranking import kendall_tau, pairwise_accuracy, rank_correlation, soft_pairwise_accuracy
from lab.statistics.samples import tasks_to_separate

from .grades import Floats, Grader, GradingData

NOTHING = Estimate(None, None, None, 0)


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a grader is on the honest miners, without its own reference."""

    pairwise_accuracy: Estimate
    soft_pairwise_accuracy: Estimate
    spearman: Estimate
    kendall: Estimate
    with_adversaries: Estimate
    """Pairwise accuracy with the adversaries included."""
    auc: Estimate
    """AUC of right against wrong answers; like the next fields it includes adversaries."""
    kappa: Estimate
    """Cohen's kappa of "at least a half" with "right"."""
    brier: Estimate
    calibration: Estimate
    """Root mean square calibration error; like `brier` without a value if the score claims no probability."""
    spread: Estimate
    """Standard deviation of an answer's score over repeated gradings, mean over answers."""
    tasks_to_separate: Estimate
    """Tasks needed to separate two miners that are 5 points of true quality apart."""


def quality_of(data: GradingData, grader: Grader) -> Quality:
    """Measure how good a grader is."""
    tasks, judged = data.tasks_of(grader), data.judged(grader)
    scores, truth = grader.scores[:tasks, judged], data.quality[:tasks, judged]
    columns = [column for column in range(len(data.miners)) if column in judged or column in data.adversaries]
    every, right = grader.scores[:tasks, columns], data.right[:tasks, columns]
    claims = grader.table.probability
    return Quality(
        pairwise_accuracy=pairwise_accuracy(scores, truth),
        soft_pairwise_accuracy=soft_pairwise_accuracy(scores, truth),
        spearman=rank_correlation(scores, truth),
        kendall=kendall_tau(scores, truth),
        with_adversaries=pairwise_accuracy(every, data.quality[:tasks, columns]),
        auc=auc(every, right),
        kappa=_kappa(every, right),
        brier=brier(every, right) if claims else NOTHING,
        calibration=calibration_error(every, right) if claims else NOTHING,
        spread=_spread(grader.repeats[:, :tasks]),
        tasks_to_separate=tasks_to_separate(scores, truth),
    )


def agreement(data: GradingData) -> Estimate:
    """Return Krippendorff's alpha of all graders' scores of all miners' answers; n counts tasks."""
    ratings = np.stack([grader.scores.ravel() for grader in data.graders], axis=1)
    return krippendorff_alpha(ratings, _tasks(data.quality))


def kappa(first: Grader, second: Grader) -> Estimate:
    """Return Cohen's kappa of two graders on "at least a half"; n counts tasks."""
    return _kappa(first.scores, second.scores)


def _spread(repeats: Floats) -> Estimate:
    """Return the mean over answers of the standard deviation (n - 1) of their scores, with intervals over tasks."""
    if len(repeats) < 2:
        return NOTHING
    known: NDArray[np.bool_] = np.asarray(~np.isnan(repeats).any(axis=0))
    deviations = np.where(known, repeats.std(axis=0, ddof=1), 0.0)
    kept = known.any(axis=1)
    return ratio(deviations[kept].sum(axis=1).tolist(), known[kept].sum(axis=1).astype(float).tolist(), NONNEGATIVE)


def _kappa(first: Floats, second: Floats) -> Estimate:
    """Return Cohen's kappa of two tables (tasks, answers) on "at least a half", with intervals over tasks."""
    return cohen_kappa(_classes(first), _classes(second), _tasks(first))


def _classes(table: Floats) -> list[bool | None]:
    return [None if np.isnan(value) else bool(value >= 0.5) for value in table.ravel()]


def _tasks(table: Floats) -> NDArray[np.int64]:
    """Return the task of each answer of a table (tasks, answers), row by row."""
    return np.repeat(np.arange(len(table)), table.shape[1])
