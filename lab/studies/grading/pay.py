"""From error to pay: a grader's scores through ledgers and Yuma, epoch by epoch, beside what the truth would pay.

A few validators of equal stake share the tasks and grade with the same grader. Their `ScoreLedger`s turn scores
into weights, and the consensus core pays. The same tasks are drawn again for the intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consensus import Batch, YumaParams
from consensus.chain.calls import SetWeights
from consensus.yuma.batch import run_batch
from lab.statistics import Estimate, spearmans
from subnets import Score
from validators import ScoreLedger

from .grades import Grader, GradingData, known_means

Floats = NDArray[np.float64]

DRAWS = 200
"""Times the tasks are drawn again: enough for the first digit of an interval's ends."""
EMISSION_RAO = 1_000_000_000
STAKE_RAO = 10**12


@dataclass(frozen=True, eq=False)
class Pay:
    """What a grader makes of the miners' pay, over those whose true quality is known; n counts tasks."""

    miners: int
    """Whose true quality is known."""
    ranking: Estimate
    """Spearman of pay with true quality, over the miners."""
    by_epoch: tuple[Estimate, ...]
    """The same for the pay of each epoch."""
    moved: Estimate
    """Points of pay share that a miner gains for each point that its mean score lies above its true quality, beyond
    the others' (least squares over the miners that were scored)."""
    misplaced: Estimate
    """Share of the pay that goes elsewhere than the truth would send it: half the sum of absolute differences.

    No value where the scores, or the truth, pay nobody.
    """


def pay_of(data: GradingData, grader: Grader) -> Pay | None:
    """Pay the miners by a grader's scores; None with too few tasks for an epoch, or where none's truth is known."""
    table = data.config.grading
    per_epoch = table.validators * table.rounds_per_epoch
    epochs = data.tasks_of(grader) // per_epoch
    tasks = epochs * per_epoch
    known = ~np.isnan(data.quality[:tasks]).all(axis=0)
    if epochs == 0 or not known.any():
        return None
    scores, quality = grader.scores[:tasks, known], data.quality[:tasks, known]
    order = np.vstack([np.arange(tasks), np.random.default_rng(0).integers(0, tasks, size=(DRAWS, tasks))])
    alpha = data.config.build_validators()[0].alpha
    paid, fair = (_paid(each, order, table.validators, table.rounds_per_epoch, alpha) for each in (scores, quality))
    means, truth = known_means(scores[order], axis=1), known_means(quality[order], axis=1)
    gains = _shares(paid.sum(axis=1)) - _shares(fair.sum(axis=1))
    scored = ~np.isnan(means[0])
    return Pay(
        miners=int(known.sum()),
        ranking=_figure(spearmans(truth, paid.sum(axis=1)), tasks),
        by_epoch=tuple(_figure(spearmans(truth, paid[:, epoch]), tasks) for epoch in range(epochs)),
        moved=_figure(_slope((means - truth)[:, scored], gains[:, scored]), tasks),
        misplaced=_figure(np.abs(gains).sum(axis=1) / 2, tasks),
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
                call = SetWeights.of(0, list(row), list(row.values()))
                weights[draw, uid, [validators + miner for miner in call.uids]] = call.values
        fresh = Batch.from_dense(stake=stake, weights=weights)
        batch = fresh if batch is None else replace(batch, weights=fresh.weights)
        raw = run_batch(batch, params, EMISSION_RAO)
        batch = batch.after(raw)
        paid[:, epoch] = raw.bits[4].reshape(draws, n)[:, validators:]
    return paid


def _shares(paid: Floats) -> Floats:
    """Shares (draws, miners) of all that is paid, NaN where nobody is."""
    total = paid.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(paid, total, out=np.full(paid.shape, np.nan), where=total > 0))


def _slope(errors: Floats, gains: Floats) -> Floats:
    """Least squares over the miners, (draws,); NaN where all errors are the same or one is unknown."""
    if not errors.shape[1]:
        return np.full(len(errors), np.nan)
    errors, gains = (each - each.mean(axis=1, keepdims=True) for each in (errors, gains))
    spread = (errors**2).sum(axis=1)
    return np.asarray(
        np.divide((errors * gains).sum(axis=1), spread, out=np.full(len(errors), np.nan), where=spread > 1e-9)
    )


def _figure(draws: Floats, n: int) -> Estimate:
    """The first draw is the tasks as they were asked, the others are its resamples."""
    return Estimate.of_draws(float(draws[0]), draws[1:], n)
