"""What a miner earns a day: alpha, the TAO that its sale brings, and dollars.

The alpha does not depend on the subnet's share of TAO, which only moves the price at which it is sold.
"""

from dataclasses import dataclass

from consensus.amounts import TAO
from consensus.errors import ParamsError
from consensus.pool.pool import Pool

from .terms import Split

BLOCKS_PER_DAY = 7200
"""Blocks of twelve seconds."""


@dataclass(frozen=True, slots=True)
class MinerDay:
    """A miner's day."""

    alpha_rao: int
    tao_rao: int
    """From selling all of it at once, after the fee."""
    impact: float
    """Part of its worth at the spot price that the sale did not bring, without the fee."""
    usd: float | None
    """None without a price of TAO."""


def miner_day(split: Split, incentive: float, pool: Pool, tao_usd: float | None = None) -> MinerDay:
    """Return what a miner with this part of the incentive earns a day.

    Args:
        split: new alpha of one block.
        incentive: part of the miners' pay, in [0, 1].
        pool: where it sells.
        tao_usd: dollars for one TAO.
    """
    if not 0.0 <= incentive <= 1.0:
        raise ParamsError(f"incentive: {incentive}; allowed: 0 to 1")
    alpha = int(BLOCKS_PER_DAY * split.miners_rao * incentive)
    return day_of(alpha, pool, tao_usd)


def day_of(alpha_rao: int, pool: Pool, tao_usd: float | None = None) -> MinerDay:
    """Return what this much alpha brings when it is sold at once."""
    if alpha_rao == 0:
        return MinerDay(0, 0, 0.0, None if tao_usd is None else 0.0)
    trade = pool.sell(alpha_rao)
    usd = None if tao_usd is None else trade.received_rao / TAO * tao_usd
    return MinerDay(alpha_rao, trade.received_rao, trade.impact, usd)
