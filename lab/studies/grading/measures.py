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
    """How good a grader is on the honest miners, without its own reference.

    The rank measures are agreement with realised quality: the mean over the same few answers that the grader scored,
    luck included. With that, a grader that returns the truth agrees by construction. `known_accuracy` compares with
    what is known of oracles beforehand.
    """

    pairwise_accuracy: Estimate
    soft_pairwise_accuracy: Estimate
    spearman: Estimate
    kendall: Estimate
    with_adversaries: Estimate
    """Pairwise accuracy with the adversaries included."""
    known_accuracy: Estimate
    """Pairwise accuracy against the accuracies that oracles are set to; no value with fewer than two of them."""
    auc: Estimate
    """AUC of right against wrong answers; like the next fields it includes adversaries."""
    kappa: Estimate
    """Cohen's kappa of the scores, cut as in `classes`, with "right"."""
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
        known_accuracy=_against_known(data, grader),
        auc=auc(every, right),
        kappa=_kappa(classes(data, grader)[:tasks, columns], right),
        brier=brier(every, right) if claims else NOTHING,
        calibration=calibration_error(every, right) if claims else NOTHING,
        spread=_spread(grader.repeats[:, :tasks]),
        tasks_to_separate=tasks_to_separate(scores, truth),
    )


def agreement(data: GradingData) -> Estimate:
    """Return Krippendorff's alpha of all graders' scores of all miners' answers; n counts tasks."""
    ratings = np.stack([grader.scores.ravel() for grader in data.graders], axis=1)
    return krippendorff_alpha(ratings, _tasks(data.quality))


def kappa(data: GradingData, first: Grader, second: Grader) -> Estimate:
    """Return Cohen's kappa of two graders' verdicts, cut as in `classes`; n counts tasks."""
    return _kappa(classes(data, first), classes(data, second))


def classes(data: GradingData, grader: Grader) -> Floats:
    """Return a grader's verdicts (tasks, miners): 1.0 for right, 0.0 for wrong, NaN for unscored.

    A score that claims to be a probability means right from a half, and any other from `right_at`, as true quality
    does: a grader that returns the true quality agrees with the truth.
    """
    cut = 0.5 if grader.table.probability else data.config.grading.right_at
    return np.where(np.isnan(grader.scores), np.nan, grader.scores >= cut)


def _against_known(data: GradingData, grader: Grader) -> Estimate:
    known = [column for column in data.judged(grader) if data.miners[column].accuracy is not None]
    accuracies = [data.miners[column].accuracy or 0.0 for column in known]
    if len(set(accuracies)) < 2:
        return NOTHING
    return pairwise_accuracy(grader.scores[: data.tasks_of(grader), known], accuracies)


def _spread(repeats: Floats) -> Estimate:
    """Return the mean over answers of the standard deviation (n - 1) of their scores, with intervals over tasks."""
    if len(repeats) < 2:
        return NOTHING
    known: NDArray[np.bool_] = np.asarray(~np.isnan(repeats).any(axis=0))
    deviations = np.where(known, repeats.std(axis=0, ddof=1), 0.0)
    kept = known.any(axis=1)
    return ratio(deviations[kept].sum(axis=1).tolist(), known[kept].sum(axis=1).astype(float).tolist(), NONNEGATIVE)


def _kappa(first: Floats, second: Floats) -> Estimate:
    """Return Cohen's kappa of two tables of verdicts (tasks, answers), NaN for none, with intervals over tasks."""
    return cohen_kappa(_verdicts(first), _verdicts(second), _tasks(first))


def _verdicts(table: Floats) -> list[bool | None]:
    return [None if np.isnan(value) else value == 1.0 for value in table.ravel()]


def _tasks(table: Floats) -> NDArray[np.int64]:
    """Return the task of each answer of a table (tasks, answers), row by row."""
    return np.repeat(np.arange(len(table)), table.shape[1])
