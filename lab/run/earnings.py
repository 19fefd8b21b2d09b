"""Earnings: what each miner is told of an epoch. A function of the record, so that a resumed run tells the same.

A miner knows its own pay, which is public on the chain, what its answers cost it, and what a token is worth to it. It
is told nothing of scores, of truth, or of what others earned.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from consensus.amounts import TAO
from lab.config.prices import PriceTable, price
from lab.record.entries import Epoch, GradedRound
from miners import Pay
from subnets import Cost, Fault


def earnings(epoch: Epoch, rounds: Iterable[GradedRound], uids: Iterable[int], prices: PriceTable) -> dict[int, Pay]:
    """Return what miners are told, by uid, of an epoch and its rounds."""
    costs: dict[int, list[Cost]] = {uid: [] for uid in uids}
    given = Counter[int]()
    for graded in rounds:
        for answer in graded.answers:
            costs[answer.uid].append(answer.cost)
            given[answer.uid] += answer.fault is not Fault.LOST
    return {
        uid: Pay(
            epoch=epoch.number,
            earned_usd=epoch.pay.paid[uid] / TAO * prices.token_usd,
            cost_usd=math.fsum(price(cost, prices) for cost in own),
            answers=given[uid],
        )
        for uid, own in costs.items()
    }
