"""From error to pay: a grader's scores through ledgers and Yuma consensus, compared with pay by the truth.

A few validators of equal stake share the tasks and use the same grader. Their `ScoreLedger`s turn scores into weights,
and consensus pays for them. Intervals come from resampling the tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus import YumaParams
from consensus.chain.calls import SetWeights
from lab.statistics import Estimate, spearmans
from lab.studies.payout import SimulatedSubnets
from subnets import Score
from validators import Validator

from .grades import Grader, GradingData, known_means

Floats = NDArray[np.float64]

DRAWS = 200
"""Resamples of the tasks: enough for the first digit of an interval's ends."""
STAKE_RAO = 10**12


@dataclass(frozen=True, eq=False)
class PayEffect:
    """Effect of a grader on the pay of the miners whose true quality is known; n counts tasks."""

    miners: int
    """Miners whose true quality is known."""
    ranking: Estimate
    """Spearman correlation of pay with true quality over the miners."""
    by_epoch: tuple[Estimate, ...]
    """The same for the pay of each epoch."""
    moved: Estimate
    """Points of pay share that a miner gains for each point by which its score exceeds its true quality, relative to
    the other miners (least squares over the scored miners)."""
    misplaced: Estimate
    """Share of the pay that other miners would receive by the truth: half the sum of absolute differences.

    No value if the scores, or the truth, pay nobody. It counts noise and bias alike: even a grader without bias
    misplaces pay, less of it the more tasks there are.
    """
    biased: Estimate
    """The part of it that is bias: half the sum of what the miners gain on one half of the tasks, with the signs of
    their gains on the other half, averaged over both directions. Noise has no sign in common, so it is 0 on average for
    a grader without bias, whatever its noise."""


def pay_of(data: GradingData, grader: Grader) -> PayEffect | None:
    """Pay the miners by a grader's scores; None if there are too few tasks for an epoch or no known qualities."""
    table = data.config.grading
    per_epoch = table.validators * table.rounds_per_epoch
    epochs = data.tasks_of(grader) // per_epoch
    tasks = epochs * per_epoch
    known = ~np.isnan(data.quality[:tasks]).all(axis=0)
    if epochs == 0 or not known.any():
        return None
    scores, quality = grader.scores[:tasks, known], data.quality[:tasks, known]
    rng = np.random.default_rng(0)
    order = np.vstack([np.arange(tasks), rng.integers(0, tasks, size=(DRAWS, tasks))])
    validator = data.config.build_validators()[0]

    def pay_and_fair_pay(order: NDArray[np.int64]) -> list[Floats]:
        sizes = table.validators, table.rounds_per_epoch
        return [_paid(each, order, *sizes, validator) for each in (scores, quality)]

    paid, fair = pay_and_fair_pay(order)
    means, truth = known_means(scores[order], axis=1), known_means(quality[order], axis=1)
    gains = _gains(paid, fair)
    halves = [_gains(*pay_and_fair_pay(each)) for each in _halves(tasks, rng)]
    scored = ~np.isnan(means[0])
    return PayEffect(
        miners=int(known.sum()),
        ranking=_estimate(spearmans(truth, paid.sum(axis=1)), tasks),
        by_epoch=tuple(_estimate(spearmans(truth, paid[:, epoch]), tasks) for epoch in range(epochs)),
        moved=_estimate(_slope((means - truth)[:, scored], gains[:, scored]), tasks),
        misplaced=_estimate(np.abs(gains).sum(axis=1) / 2, tasks),
        biased=_estimate(common_gains(*halves), tasks),
    )


def common_gains(first: Floats, second: Floats) -> Floats:
    """Return half the sum of the gains (draws, miners) of one half of the tasks in the direction of the other's."""
    return np.asarray((np.sign(first) * second + np.sign(second) * first).sum(axis=1) / 4)


def _halves(tasks: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return orders (draws, tasks) of every other task and of the others, each asked twice to fill as many epochs.

    The first order of each has the tasks as asked, and the others are resamples of the same half.
    """
    orders = []
    for start in (0, 1):
        half = np.arange(start, tasks, 2)
        asked = np.resize(half, tasks)
        orders.append(np.vstack([asked, half[rng.integers(0, len(half), size=(DRAWS, tasks))]]))
    return orders


def _gains(paid: Floats, fair: Floats) -> Floats:
    """Return the points of pay share (draws, miners) that each miner has beyond its share by the truth."""
    return _shares(paid.sum(axis=1)) - _shares(fair.sum(axis=1))


def _paid(scores: Floats, order: NDArray[np.int64], validators: int, rounds: int, template: Validator) -> Floats:
    """Return the incentive (draws, epochs, miners) for `scores` (tasks, miners) in each `order` (draws, tasks)."""
    draws, miners = len(order), scores.shape[1]
    n = validators + miners
    hotkeys = {uid: str(uid) for uid in range(miners)}
    marks = [{uid: Score(None if np.isnan(value) else float(value)) for uid, value in enumerate(row)} for row in scores]
    ledgers = [[template.new_ledger() for _ in range(validators)] for _ in range(draws)]
    stake = np.zeros((draws, n), np.int64)
    stake[:, :validators] = STAKE_RAO
    subnets = SimulatedSubnets(stake, [YumaParams(max_allowed_validators=validators)] * draws)
    epochs = order.shape[1] // (validators * rounds)
    paid = np.zeros((draws, epochs, miners))
    for epoch in range(epochs):
        weights = np.zeros((draws, validators, n), np.int64)
        for draw in range(draws):
            for place in range(rounds * validators):
                ledger = ledgers[draw][place % validators]
                ledger.observe(marks[order[draw, epoch * rounds * validators + place]], hotkeys)
            for uid, ledger in enumerate(ledgers[draw]):
                row = ledger.weights(template.weight_rule)
                call = SetWeights.of(0, list(row), list(row.values()))
                weights[draw, uid, [validators + miner for miner in call.uids]] = call.values
        paid[:, epoch] = subnets.pay(weights).incentive[:, validators:]
    return paid


def _shares(paid: Floats) -> Floats:
    """Return the shares (draws, miners) of all pay; NaN where nobody is paid."""
    total = paid.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(paid, total, out=np.full(paid.shape, np.nan), where=total > 0))


def _slope(errors: Floats, gains: Floats) -> Floats:
    """Return the least-squares slopes over the miners (draws,); NaN where all errors are equal or one is unknown."""
    if not errors.shape[1]:
        return np.full(len(errors), np.nan)
    errors, gains = (each - each.mean(axis=1, keepdims=True) for each in (errors, gains))
    spread = (errors**2).sum(axis=1)
    return np.asarray(
        np.divide((errors * gains).sum(axis=1), spread, out=np.full(len(errors), np.nan), where=spread > 1e-9)
    )


def _estimate(draws: Floats, n: int) -> Estimate:
    """Estimate from draws, of which the first has the tasks as asked and the others are resamples."""
    return Estimate.of_draws(float(draws[0]), draws[1:], n)
