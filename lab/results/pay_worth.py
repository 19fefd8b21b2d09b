"""Pay worth: what each miner's pay brings in TAO and dollars, where the config names the chain's rules for money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from consensus.amounts import TAO
from consensus.emission.rules import Rules

from .neurons import NeuronResults


@dataclass(frozen=True, slots=True)
class MinerWorth:
    """One miner's pay over the run."""

    uid: int
    name: str
    alpha: float
    """Alpha earned; 0 under rules that paid TAO itself."""
    tao: float
    """TAO from selling each epoch's pay at once, after the fee."""
    impact: float | None
    """Share of the value at the spot price that is lost to price impact, without the fee; None if it earned nothing."""
    usd: float


@dataclass(frozen=True, slots=True)
class PayWorth:
    """What the pay of a run is worth."""

    rules: Rules
    price: float
    """TAO for one alpha before a sale."""
    tao_usd: float
    has_alpha: bool
    miners: tuple[MinerWorth, ...]

    @classmethod
    def of(cls, results: NeuronResults) -> Self | None:
        """Value the pay of a run; None if its config names no rules for money."""
        market = results.config.pay_market()
        if market is None:
            return None
        miners = []
        for miner in results.miners:
            paid = [epoch.pay.paid[miner.uid] for epoch in results.epochs]
            sales = [market.sale(rao) for rao in paid]
            tao, earned = sum(sale.tao_rao for sale in sales) / TAO, sum(paid) / TAO
            spot = earned * (1 - market.fee) * market.price
            miners.append(
                MinerWorth(
                    uid=miner.uid,
                    name=miner.name,
                    alpha=0.0 if market.pool is None else earned,
                    tao=tao,
                    impact=max(0.0, 1 - tao / spot) if spot else None,
                    usd=tao * market.tao_usd,
                )
            )
        return cls(market.rules, market.price, market.tao_usd, market.pool is not None, tuple(miners))
