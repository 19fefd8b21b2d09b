"""The market of a run: what the subnet's pay is worth in TAO and dollars, under the chain's rules of some month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pydantic import Field

from consensus.amounts import TAO
from consensus.emission.halving import block_emission
from consensus.emission.miner_pay import MinerDay, day_of
from consensus.emission.rules import ERAS, Rules
from consensus.errors import PoolError
from consensus.pool.pool import FEE, FEE_PARTS, Pool
from consensus.pool.power import UNIT

from .base import Table

MAX_TOKENS = 21_000_000


class AlphaPoolTable(Table):
    """The pool in which the subnet's alpha is sold, and its alpha outside of it. Needs `chain.rules`."""

    alpha: float = Field(2_000_000.0, gt=1.0, le=MAX_TOKENS)
    """Alpha in the pool."""
    tao: float = Field(40_000.0, gt=1.0, le=MAX_TOKENS)
    """TAO in the pool."""
    alpha_weight: float = Field(0.5, ge=0.01, le=0.99)
    """Weight of alpha in the pool; the price is its ratio to the other weight, times TAO per alpha."""
    outstanding: float = Field(0.0, ge=0.0, le=MAX_TOKENS)
    """Alpha outside of the pool. With that in the pool it decides how much a block mints."""

    def pool(self) -> Pool:
        """Return the pool."""
        return Pool(round(self.alpha * TAO), round(self.tao * TAO), round(self.alpha_weight * UNIT))


@dataclass(frozen=True, slots=True)
class Market:
    """What tokens of pay are worth."""

    rules: Rules
    pool: Pool | None
    """None under rules that paid TAO itself."""
    emission_rao: int
    """What a block mints for the subnet, constant over the run."""
    tao_usd: float

    @classmethod
    def of(cls, rules: Rules, table: AlphaPoolTable, tao_usd: float) -> Self:
        """Build the market of a run that has no other subnet."""
        if not ERAS[rules].has_alpha:
            return cls(rules, None, TAO, tao_usd)
        pool = table.pool()
        return cls(rules, pool, block_emission(pool.alpha_rao + round(table.outstanding * TAO)), tao_usd)

    @property
    def price(self) -> float:
        """TAO for one token of pay, before a sale moves it."""
        return 1.0 if self.pool is None else self.pool.price

    @property
    def fee(self) -> float:
        """Part of a sale that is taken as fee."""
        return 0.0 if self.pool is None else FEE / FEE_PARTS

    def check(self, paid_rao: int) -> None:
        """Raise `PoolError` if the pool can't take so much pay in one sale."""
        if self.pool is not None:
            self.pool.sell(paid_rao)

    def sale(self, paid_rao: int) -> MinerDay:
        """Return what the pay of an epoch brings, sold at once into the pool as the config describes it."""
        if self.pool is None:
            return MinerDay(0, paid_rao, 0.0, paid_rao / TAO * self.tao_usd)
        try:
            return day_of(paid_rao, self.pool, self.tao_usd)
        except PoolError:  # `check` allows the pay of all, so this is too little to bring one rao
            return MinerDay(paid_rao, 0, 1.0, 0.0)
