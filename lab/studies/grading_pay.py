"""From error to pay: a grader's scores through ledgers and Yuma, epoch by epoch, beside what the truth would pay.

A few validators of equal stake share the tasks and grade with the same grader. Their `ScoreLedger`s turn scores
into weights, and the consensus core pays. The same tasks are drawn again for the intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consensus import Batch, YumaParams
from consensus.batch import run_batch
from lab.statistics import Figure, spearmans
from subnets import Score
from validators import ScoreLedger

from .grading_data import Grader, GradingData

Floats = NDArray[np.float64]

DRAWS = 200
"""Times the tasks are drawn again: enough for the first digit of an interval's ends."""
EMISSION_RAO = 1_000_000_000
STAKE_RAO = 10**12


@dataclass(frozen=True, eq=False)
class Pay:
    """What a grader makes of the miners' pay."""

    shares: tuple[Figure, ...]
    """Of all that miners are paid over the epochs, one for each miner."""
    fair: tuple[float, ...]
    """The same where the score is the true quality."""
    ranking: Figure
    """Spearman of pay with true quality, over all miners."""
    by_epoch: tuple[Figure, ...]
    """The same for the pay of each epoch."""
    moved: Figure
    """Points of pay share that a miner gains for each point that its mean score lies above its true quality, beyond
    the others' (least squares over the miners)."""
    misplaced: Figure
    """Share of the pay that goes elsewhere than the truth would send it: half the sum of absolute differences."""


def pay_of(data: GradingData, grader: Grader) -> Pay | None:
    """Pay the miners by a grader's scores; None where there are too few tasks for one epoch."""
    table = data.config.grading
    tasks = data.tasks_of(grader)
    per_epoch = table.validators * table.rounds_per_epoch
    epochs = tasks // per_epoch
    if epochs == 0:
        return None
    scores, quality = grader.scores[:tasks], data.quality[:tasks]
    rng = np.random.default_rng(0)
    order = np.vstack([np.arange(tasks), rng.integers(0, tasks, size=(DRAWS, tasks))])[:, : epochs * per_epoch]
    alpha = data.config.build_validators()[0].alpha
    paid, fair = (_paid(each, order, table.validators, table.rounds_per_epoch, alpha) for each in (scores, quality))
    means, truth = _means(scores, order), _means(quality, order)
    total, fair_total = _shares(paid.sum(axis=1)), _shares(fair.sum(axis=1))
    return Pay(
        shares=tuple(_figure(total[:, column], tasks) for column in range(total.shape[1])),
        fair=tuple(fair_total[0].tolist()),
        ranking=_figure(spearmans(truth, total), tasks),
        by_epoch=tuple(_figure(spearmans(truth, paid[:, epoch]), tasks) for epoch in range(epochs)),
        moved=_figure(_slope(means - truth, total - fair_total), tasks),
        misplaced=_figure(np.abs(total - fair_total).sum(axis=1) / 2, tasks),
    )


def _paid(scores: Floats, order: NDArray[np.int64], validators: int, rounds: int, alpha: float) -> Floats:
    """Incentive (draws, epochs, miners) of `scores` (tasks, miners), taken in the `order` (draws, tasks)."""
    draws, miners = len(order), scores.shape[1]
    n = validators + miners
    hotkeys = {uid: str(uid) for uid in range(miners)}
    marks = [{uid: Score(None if np.isnan(value) else float(value)) for uid, value in enumerate(row)} for row in scores]
    ledgers = [[ScoreLedger(alpha) for _ in range(validators)] for _ in range(draws)]
    stake = np.zeros((draws, n), np.int64)
    stake[:, :validators] = STAKE_RAO
    params = [YumaParams(max_allowed_validators=validators)] * draws
    epochs = order.shape[1] // (validators * rounds)
    paid = np.zeros((draws, epochs, miners))
    batch: Batch | None = None
    for epoch in range(epochs):
        weights = np.zeros((draws, validators, n), np.int64)
        for draw in range(draws):
            for place in range(rounds * validators):
                ledger = ledgers[draw][place % validators]
                ledger.observe(marks[order[draw, epoch * rounds * validators + place]], hotkeys)
            for uid, ledger in enumerate(ledgers[draw]):
                row = ledger.weights()
                highest = max(row.values(), default=1.0)
                for miner, weight in row.items():
                    weights[draw, uid, validators + miner] = round(65535 * weight / highest)
        fresh = Batch.from_dense(stake=stake, weights=weights)
        batch = fresh if batch is None else replace(batch, weights=fresh.weights)
        raw = run_batch(batch, params, EMISSION_RAO)
        batch = batch.after(raw)
        paid[:, epoch] = raw.bits[4].reshape(draws, n)[:, validators:]
    return paid


def _means(table: Floats, order: NDArray[np.int64]) -> Floats:
    """Mean (draws, miners) of a table (tasks, miners) over the drawn tasks, NaN left out; 0 where nothing is known."""
    drawn = table[order]
    known = ~np.isnan(drawn)
    return np.asarray(np.where(known, drawn, 0.0).sum(axis=1) / np.maximum(1, known.sum(axis=1)))


def _shares(paid: Floats) -> Floats:
    return np.asarray(paid / np.maximum(paid.sum(axis=-1, keepdims=True), 1e-12))


def _slope(errors: Floats, gains: Floats) -> Floats:
    """Least squares over the miners, (draws,); NaN where all errors are the same."""
    errors, gains = (each - each.mean(axis=1, keepdims=True) for each in (errors, gains))
    spread = (errors**2).sum(axis=1)
    return np.asarray(
        np.divide((errors * gains).sum(axis=1), spread, out=np.full(len(errors), np.nan), where=spread > 1e-9)
    )


def _figure(draws: Floats, n: int) -> Figure:
    """The first draw is the tasks as they were asked, the others are its resamples."""
    return Figure.of_draws(float(draws[0]), draws[1:], n)
