"""Shares of the miners' half after each step of an epoch, from grades to the chain's payout.

A validator counts by its active stake. The first four steps are worked out here from the record; the others are the
chain's own integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from consensus.chain.emission import Epoch as ChainEpoch
from lab.record.entries import Grade, GradedAnswer, GradedRound
from subnets import Score

Floats = NDArray[np.float64]
Table = Mapping[int, Mapping[int, float]]
"""A figure by validator and miner."""

STEPS = ("equal", "scores", "average", "weights", "chain", "clipping", "incentive", "tokens", "dividends")
"""Keys of the steps, in order. The amount after the last one is the payout."""
ONE = 2**32
"""1 as the chain's fixed-point numbers write it."""


@dataclass(frozen=True, slots=True, eq=False)
class EpochShares:
    """One epoch of all miners. Arrays are (steps, miners) or (miners,)."""

    half_rao: int
    """Half of what the epoch minted less the owner's cut, for which the miners compete."""
    amounts_rao: NDArray[np.int64]
    """Part of the half after each step; the last row is what the chain paid."""
    score: Floats
    """Mean grade of the epoch's answers; NaN without one."""
    average: Floats
    """Mean of the validators' scores after the epoch; NaN while no validator has one."""
    weight: Floats
    """Mean weight submitted, where a validator's weights sum to 1."""
    on_chain: Floats
    """Mean weight that counted on the chain, before clipping."""
    clipped: Floats
    """The same after clipping."""
    consensus: Floats
    """Weight above which the chain clipped."""
    incentive: Floats
    is_traced: bool
    """False if the chain's rules are ones whose steps can't be told apart."""

    @classmethod
    def of(
        cls, miners: Sequence[int], rounds: Sequence[GradedRound], averages: Table, weights: Table, epoch: ChainEpoch
    ) -> Self:
        """Work out one epoch.

        Args:
            miners: uids, in the order of the arrays.
            rounds: the epoch's rounds.
            averages: scores of each validator after these rounds.
            weights: what each validator submitted, as recorded.
            epoch: the chain's epoch that paid.
        """
        result = epoch.result
        assert result is not None  # a run's subnet has neurons
        stake = {uid: float(bits) / ONE for uid, bits in enumerate(result.bits.active_stake) if bits}
        half = (epoch.emission_rao - epoch.owner_cut_rao) // 2
        score, average = (_joined(miners, table, stake) for table in (_grades(rounds), averages))
        unweighted = dict.fromkeys(miners, 0.0)
        submitted = _joined(miners, {uid: unweighted | _shares(row) for uid, row in weights.items() if row}, stake)
        incentive = result.bits.incentive[list(miners)] / ONE
        consensus = result.bits.consensus[list(miners)] / ONE
        is_traced = result.params.version not in ("whitepaper", "null")
        on_chain = clipped = np.nan_to_num(submitted)
        if is_traced:
            trace = result.trace()
            active = trace["active_stake"]
            on_chain, clipped = ((active @ trace[name])[list(miners)] for name in ("weights", "clipped_weights"))
        before = on_chain.sum()
        shares = [
            np.full(len(miners), 1 / len(miners)),
            _normalised(np.nan_to_num(score)),
            _normalised(np.nan_to_num(average)),
            _normalised(np.nan_to_num(submitted)),
            _normalised(on_chain),
            clipped / before if before else clipped,
            incentive,
        ]
        amounts = np.vstack([np.floor(half * share).astype(np.int64) for share in shares])
        paid = epoch.miner_rao[list(miners)]
        return cls(
            half_rao=half,
            amounts_rao=np.vstack([amounts, paid, paid + epoch.validator_rao[list(miners)]]),
            score=score,
            average=average,
            weight=np.nan_to_num(submitted),
            on_chain=on_chain,
            clipped=clipped,
            consensus=consensus,
            incentive=incentive,
            is_traced=is_traced,
        )


def _grades(rounds: Sequence[GradedRound]) -> Table:
    """Return the mean grade of each miner by each validator that graded it, as a ledger takes it in."""
    grades: dict[int, dict[int, list[float]]] = {}
    for graded in rounds:
        uids = [answer.uid for answer in graded.answers]
        _add(grades.setdefault(graded.validator, {}), uids, graded.answers)
        for other in graded.shared:
            _add(grades.setdefault(other.validator, {}), uids, other.grades)
    return {
        validator: {uid: sum(values) / len(values) for uid, values in row.items()} for validator, row in grades.items()
    }


def _add(row: dict[int, list[float]], uids: Sequence[int], grades: Sequence[Grade | GradedAnswer]) -> None:
    for uid, grade in zip(uids, grades, strict=True):
        estimate = Score(grade.score, grade.parts).estimate
        if estimate is not None:
            row.setdefault(uid, []).append(estimate)


def _joined(miners: Sequence[int], table: Table, stake: Mapping[int, float]) -> Floats:
    """Return the mean of a figure of each miner over the validators that have it, by stake; NaN where none has.

    If no validator that has figures has active stake, all of them count alike.
    """
    weights = {uid: stake.get(uid, 0.0) for uid, row in table.items() if row}
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1.0)
    sums, counts = np.zeros(len(miners)), np.zeros(len(miners))
    for validator, weight in weights.items():
        row = np.array([table[validator].get(uid, np.nan) for uid in miners])
        known = ~np.isnan(row)
        sums[known] += weight * row[known]
        counts[known] += weight
    means: Floats = np.divide(sums, counts, out=np.full(len(miners), np.nan), where=counts > 0)
    return means


def _shares(row: Mapping[int, float]) -> dict[int, float]:
    total = sum(row.values())
    return {uid: value / total for uid, value in row.items()} if total > 0 else {}


def _normalised(values: Floats) -> Floats:
    """Scale to a sum of 1, negative values as 0; all zeros stay."""
    positive: Floats = np.maximum(values, 0.0)
    total = float(positive.sum())
    shares: Floats = positive / (total if total > 0 else 1.0)
    return shares
