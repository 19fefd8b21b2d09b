"""Earnings: what each miner learns about an epoch. They follow from the record, so a resumed run repeats them exactly.

A miner knows its own pay, which is public on the chain, the cost of its answers, and the value of a token to it. It
learns nothing about scores, the truth, or the earnings of others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from consensus.amounts import TAO
from lab.config.market import Market
from lab.config.prices import PriceTable, price
from lab.record.entries import Epoch, GradedRound
from miners import Pay
from subnets import Cost, Fault


def earnings(
    epoch: Epoch,
    rounds: Iterable[GradedRound],
    uids: Iterable[int],
    prices: PriceTable,
    market: Market | None = None,
) -> dict[int, Pay]:
    """Return each miner's pay for an epoch and its rounds, by uid; with a market, what the sale of its pay brings."""
    costs: dict[int, list[Cost]] = {uid: [] for uid in uids}
    answers = Counter[int]()
    for graded in rounds:
        for answer in graded.answers:
            costs[answer.uid].append(answer.cost)
            answers[answer.uid] += answer.fault is not Fault.LOST
    return {
        uid: Pay(
            epoch=epoch.number,
            earned_usd=value_usd(epoch.pay.paid[uid], prices, market),
            cost_usd=math.fsum(price(cost, prices) for cost in own),
            answers=answers[uid],
        )
        for uid, own in costs.items()
    }


def value_usd(paid_rao: int, prices: PriceTable, market: Market | None) -> float:
    """Return what an epoch's pay is worth to a miner, in dollars."""
    if market is None:
        return paid_rao / TAO * prices.token_usd
    return market.sale(paid_rao).usd or 0.0
