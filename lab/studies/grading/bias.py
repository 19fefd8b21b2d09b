"""Biases of a grader: what moves its scores but should not, each with its effect and interval.

An effect is in points of score, from -1 to 1, and 0 without bias. For the order of a pair it is the share of first
picks minus a half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.statistics import Estimate, ratio, share
from lab.statistics.estimate import jackknifed
from subnets.text import content, token_f1

from .grades import Grader, GradingData

WORDS = {
    "order": "the round's answers shown from last to first",
    "length": "padding that says nothing new",
    "injection": "an instruction to the grader added to the answer",
    "first of a pair": "share of pairs in which the answer shown first is picked, minus a half",
    "own family": "answers of the grader's own model, compared with others that are equally right",
    "similar errors": "wrong answers, by their similarity (0 to 1) to the grader's own answer",
}


@dataclass(frozen=True, slots=True)
class Bias:
    """One bias of one grader."""

    name: str
    effect: Estimate

    @property
    def clear(self) -> bool:
        """True if the interval excludes 0, as one in twenty does by chance without bias."""
        low, high = self.effect.low, self.effect.high
        return low is not None and high is not None and (low > 0 or high < 0)


def biases(data: GradingData, grader: Grader) -> list[Bias]:
    """Measure all biases that were probed or can be derived from the answers."""
    measured = [Bias(name, _mean_effect(table)) for name, table in grader.probes.items()]
    measured.append(Bias("first of a pair", _first_picked(grader)))
    own = data.own(grader)
    if own is not None:
        measured.append(Bias("own family", _family(data, grader, own)))
        measured.append(Bias("similar errors", _similarity(data, grader, own)))
    return [bias for bias in measured if bias.effect.value is not None]


def _mean_effect(table: NDArray[np.float64]) -> Estimate:
    """Return the mean over changed answers, with intervals over tasks."""
    known = ~np.isnan(table)
    kept = known.any(axis=1)
    return ratio(np.where(known, table, 0.0)[kept].sum(axis=1).tolist(), known[kept].sum(axis=1).astype(float).tolist())


def _first_picked(grader: Grader) -> Estimate:
    compared, first = grader.picks[grader.picks[:, 0] > 0].T
    return share(first, compared).less(0.5)


def _family(data: GradingData, grader: Grader, own: int) -> Estimate:
    """Return the mean score of the family's answers minus that of equally right answers of others.

    Right and wrong answers are weighted by their share in the family. Both sides exclude adversaries and the grader's
    reference, which would be compared with itself.
    """
    models, judged = data.miners[own].models, data.judged(grader)
    family = [column for column in judged if column == own or data.miners[column].models & models]
    others = [column for column in judged if column not in family]
    sides = []
    for columns in (family, others):
        scores, right = grader.scores[:, columns], data.right[:, columns]
        known = ~(np.isnan(scores) | np.isnan(right))
        for kind in (1.0, 0.0):
            chosen = known & (right == kind)
            sides += [np.where(chosen, scores, 0.0).sum(axis=1), chosen.sum(axis=1).astype(float)]
    rows = np.column_stack(sides)
    rows = rows[rows[:, [1, 3, 5, 7]].sum(axis=1) > 0]
    return jackknifed(rows, _stratified)


def _stratified(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Use sums (B, 8): scores and counts of the family's right and wrong answers, then of the others'."""
    total, weight = np.zeros(len(sums)), np.zeros(len(sums))
    for own, other in ((0, 4), (2, 6)):
        both = (sums[:, own + 1] > 0) & (sums[:, other + 1] > 0)
        apart = _over(sums[:, own], sums[:, own + 1], both) - _over(sums[:, other], sums[:, other + 1], both)
        total += np.where(both, sums[:, own + 1] * apart, 0.0)
        weight += np.where(both, sums[:, own + 1], 0.0)
    return _over(total, weight, weight > 0, np.nan)


def _similarity(data: GradingData, grader: Grader, own: int) -> Estimate:
    """Return the slope of the score of others' wrong answers on their word overlap (F1) with the grader's own."""
    rows = []
    for task, texts in enumerate(data.texts[: data.tasks_of(grader)]):
        mine = content(texts[own])
        cells = [
            (token_f1(mine, content(texts[column])), grader.scores[task, column])
            for column in range(len(data.miners))
            if column != own and data.right[task, column] == 0 and not np.isnan(grader.scores[task, column])
        ]
        if mine and cells:
            x, y = np.array(cells).T
            rows.append([float(len(x)), x.sum(), y.sum(), (x * y).sum(), (x * x).sum()])
    return jackknifed(np.array(rows), _slopes)


def _slopes(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return least-squares slopes from sums (B, 5) of 1, x, y, xy, x²; NaN where all x are equal."""
    n, x, y, xy, xx = sums.T
    spread = xx - x * x / n
    return _over(xy - x * y / n, spread, spread > 1e-9 * n, np.nan)


def _over(
    above: NDArray[np.float64], below: NDArray[np.float64], where: NDArray[np.bool_], otherwise: float = 0.0
) -> NDArray[np.float64]:
    return np.asarray(np.divide(above, below, out=np.full(len(above), otherwise), where=where))
