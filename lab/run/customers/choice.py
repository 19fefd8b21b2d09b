"""The choice of miners for customers: a pure function of the record, so that an audit can repeat it.

standing = Standing.of(epoch, rounds, miners, prices)
order = queue(table, standing, Seed(config.seed).child("customer", receipt_id))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from lab.config.gateway import GatewayTable
from lab.config.prices import PriceTable, price
from lab.record.entries import Epoch, GradedRound
from miners import Miner
from miners.adversaries import Insider
from subnets import Seed


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the miners when a customer asks."""

    epochs: int = 0
    """Number of completed epochs."""
    incentive: Mapping[int, int] = field(default_factory=dict)
    """u16 by uid, of the last epoch; empty before the first."""
    cost_usd: Mapping[int, float] = field(default_factory=dict)
    """Mean cost of an answer in the last epoch, by uid, of miners that were asked."""

    @classmethod
    def of(cls, epoch: Epoch, rounds: Iterable[GradedRound], uids: Iterable[int], prices: PriceTable) -> Standing:
        """Read the standing from an epoch and its rounds."""
        costs: dict[int, list[float]] = {}
        for graded in rounds:
            for answer in graded.answers:
                costs.setdefault(answer.uid, []).append(price(answer.cost, prices))
        return cls(
            epochs=epoch.number + 1,
            incentive={uid: epoch.pay.incentive[uid] for uid in uids},
            cost_usd={uid: sum(own) / len(own) for uid, own in sorted(costs.items())},
        )


def serving_uids(miners: Mapping[int, Miner]) -> tuple[int, ...]:
    """Return the uids of the miners that can answer a customer.

    An insider knows the truth of the run's own tasks and nothing else.
    """
    return tuple(uid for uid, miner in sorted(miners.items()) if not _is_insider(miner))


def queue(table: GatewayTable, standing: Standing, uids: Iterable[int], seed: Seed) -> tuple[int, ...]:
    """Return the uids in the order in which they are asked.

    Miners without incentive come last. Before the first epoch, and among equals, the order is random.
    """
    rng = seed.rng()
    uids = list(uids)
    shuffled = [uids[int(place)] for place in rng.permutation(len(uids))]
    incentive = {uid: float(standing.incentive.get(uid, 0)) for uid in shuffled}
    if table.miner == "by_weight":
        # Exponential arrival times with these rates: the first is drawn by weight, the next by weight among the rest.
        arrival = {uid: rng.exponential() / value if value else np.inf for uid, value in incentive.items()}
        return tuple(sorted(shuffled, key=lambda uid: arrival[uid]))
    best = max(incentive.values(), default=0.0)
    near = [uid for uid in shuffled if best and incentive[uid] >= (1 - table.within) * best]
    if table.miner == "best":
        near = []
    near.sort(key=lambda uid: standing.cost_usd.get(uid, np.inf))
    rest = sorted((uid for uid in shuffled if uid not in near), key=lambda uid: -incentive[uid])
    return (*near, *rest)


def _is_insider(miner: Miner) -> bool:
    nested = (getattr(miner, name) for name in type(miner).model_fields)
    return isinstance(miner, Insider) or any(isinstance(value, Miner) and _is_insider(value) for value in nested)
