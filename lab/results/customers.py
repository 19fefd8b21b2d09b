"""Customers of a run: what they think of each miner, beside what validators and the chain think of it.

customers = CustomerFigures.of(record, results)     # None if the run served none
customers.with_pay.text()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.record.customers import Feedback, Outcome, Receipt, Verdict
from lab.record.record import RunRecord
from lab.statistics import Estimate, mean, spearman, spearmans
from lab.statistics.resampling import resampled_sums

from .neurons import NOTHING, NeuronResult, NeuronResults

RATINGS = (-1.0, 1.0)
"""Range of a customer's rating."""
SCORES = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class MinerForCustomers:
    """One miner as customers saw it."""

    miner: NeuronResult
    asked: int
    answered: int
    """Answers that were delivered."""
    rating: Estimate
    """Mean rating by customers, in [-1, 1]."""
    customers_score: Estimate
    """Mean grade of its answers to customers by a validator's scorer that needs no reference."""
    tests_score: Estimate
    """Mean grade of its answers to that validator's own tasks."""
    gap: Estimate
    """How much better it answered tests than customers: the difference of the two."""


@dataclass(frozen=True, slots=True)
class CustomerFigures:
    """All customers of a run together."""

    requests: int
    """Requests that have ended."""
    answered: int
    paid_usd: float
    rated: int
    miners: tuple[MinerForCustomers, ...]
    """Miners that were asked for a customer, in the order of uids."""
    with_score: Estimate
    """Rank correlation over the miners of customers' mean rating with validators' mean grade; n counts ratings."""
    with_pay: Estimate
    """The same with what the chain paid."""

    @classmethod
    def of(cls, record: RunRecord, results: NeuronResults) -> CustomerFigures | None:
        """Read what the record says of customers; None if it says nothing."""
        if results.config.gateway is None:
            return None
        receipts = {entry.key: Receipt.of(entry) for entry in record.entries("receipt")}
        if not receipts:
            return None
        ratings: dict[int, list[float]] = {}
        for entry in record.entries("feedback"):
            uid = receipts[entry.key].miner
            assert uid is not None  # only answers are rated
            ratings.setdefault(uid, []).append(Feedback.of(entry).rating)
        grades, validators = _grades(record, receipts)
        tests: dict[int, list[float]] = {}
        for graded in results.rounds:
            for answer in graded.answers:
                if graded.validator in validators and answer.score is not None:
                    tests.setdefault(answer.uid, []).append(answer.score)
        asked = [attempt.uid for receipt in receipts.values() for attempt in receipt.attempts]
        delivered = [receipt.miner for receipt in receipts.values()]
        return cls(
            requests=len(receipts),
            answered=sum(receipt.outcome is Outcome.ANSWERED for receipt in receipts.values()),
            paid_usd=sum(receipt.price_usd for receipt in receipts.values()),
            rated=sum(map(len, ratings.values())),
            miners=tuple(
                MinerForCustomers(
                    miner=miner,
                    asked=asked.count(miner.uid),
                    answered=delivered.count(miner.uid),
                    rating=mean(ratings.get(miner.uid, []), RATINGS),
                    customers_score=mean(grades.get(miner.uid, []), SCORES),
                    tests_score=mean(tests.get(miner.uid, []), SCORES),
                    gap=_gap(tests.get(miner.uid, []), grades.get(miner.uid, [])),
                )
                for miner in results.miners
                if miner.uid in asked
            ),
            with_score=_agreement(
                ratings, {miner.uid: miner.score.value for miner in results.miners if miner.score.value is not None}
            ),
            with_pay=_agreement(ratings, {miner.uid: miner.earned for miner in results.miners}),
        )


def _grades(record: RunRecord, receipts: Mapping[str, Receipt]) -> tuple[dict[int, list[float]], set[int]]:
    """Return the grades of answers to customers by miner, and the validators that gave them.

    A grade by which the best of several answers was chosen is left out: the best is better than it was by itself.
    """
    grades: dict[int, list[float]] = {}
    validators = set()
    for entry in record.entries("verdict"):
        verdict, uid = Verdict.of(entry), receipts[entry.key].miner
        if verdict.score is not None and uid is not None:
            grades.setdefault(uid, []).append(verdict.score)
            validators.add(verdict.validator)
    return grades, validators


def _gap(tests: Sequence[float], customers: Sequence[float]) -> Estimate:
    """Return the difference of two means, with an interval over both samples."""
    n = len(tests) + len(customers)
    if not tests or not customers:
        return NOTHING
    rows = np.array([(value, 1.0, 0.0, 0.0) for value in tests] + [(0.0, 0.0, value, 1.0) for value in customers])
    sums = resampled_sums(rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]
    return Estimate.of_draws(float(np.mean(tests) - np.mean(customers)), draws, n)


def _agreement(ratings: Mapping[int, Sequence[float]], figures: Mapping[int, float]) -> Estimate:
    """Return Spearman's correlation of the miners' mean ratings with a figure, its interval over the ratings."""
    uids = [uid for uid in sorted(ratings) if uid in figures]
    known = [figures[uid] for uid in uids]
    rows = np.array([_row(place, value, len(uids)) for place, uid in enumerate(uids) for value in ratings[uid]])
    value = spearman([float(np.mean(ratings[uid])) for uid in uids], known) if uids else None
    if value is None:
        return Estimate(None, None, None, len(rows))
    sums = resampled_sums(rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[:, : len(uids)] / sums[:, len(uids) :]
    return Estimate.of_draws(value, spearmans(np.array(known), means), len(rows))


def _row(place: int, rating: float, miners: int) -> NDArray[np.float64]:
    row = np.zeros(2 * miners)
    row[place], row[miners + place] = rating, 1.0
    return row
