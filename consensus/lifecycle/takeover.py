"""What it costs to hold a share of a subnet's stake, and what it brings.

    plan = takeover(pool, others_rao=3_000_000 * TAO, share=0.51, epochs=10)
    plan.cost_rao, plan.epochs[-1].profit_rao

The buyer takes its alpha from the pool, stakes it, and votes for a miner of its own; all others vote for another one.
Each epoch is run by Yuma consensus. Apart from the fall in price that is asked for, nobody else trades.
"""

from dataclasses import dataclass, replace

from consensus.emission.halving import block_emission
from consensus.emission.terms import split_alpha
from consensus.errors import ParamsError
from consensus.pool.pool import Pool
from consensus.yuma.params import YumaParams
from consensus.yuma.rows import Rows
from consensus.yuma.state import SubnetState
from consensus.yuma.yuma import run_epoch

BUYER, OTHERS, OWN_MINER, OTHER_MINER = range(4)
"""Uids of the epochs."""


@dataclass(frozen=True, slots=True)
class TakeoverEpoch:
    """The buyer's position after an epoch; amounts since the purchase."""

    number: int
    earned_rao: int
    """Alpha that its stake and its miner have earned."""
    honest_rao: int
    """Alpha that it would have earned had it voted as the others do."""
    tao_rao: int
    """TAO for all of its alpha, sold now at once."""
    profit_rao: int
    """That TAO less the cost."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """A purchase of stake and what comes of it."""

    share: float
    alpha_rao: int
    """Alpha to buy."""
    cost_rao: int
    """TAO, fee included."""
    price: float
    """TAO for one alpha before the purchase."""
    price_after: float
    impact: float
    """Part of the TAO that the spot price would not have taken."""
    own_incentive: float
    """Part of the miners' pay that its own miner gets in the last epoch."""
    epochs: tuple[TakeoverEpoch, ...]

    @property
    def break_even_epoch(self) -> int | None:
        """The first epoch after which it has made a profit."""
        return next((epoch.number for epoch in self.epochs if epoch.profit_rao > 0), None)


def alpha_for_share(others_rao: int, share: float) -> int:
    """Return the stake that holds this share beside that of the others, rao."""
    if not 0.0 < share < 1.0:
        raise ParamsError(f"share: {share}; allowed: above 0 and below 1")
    parts = round(share * 10**12)
    return -(-others_rao * parts // (10**12 - parts))


def takeover(
    pool: Pool,
    others_rao: int,
    share: float,
    *,
    epochs: int = 10,
    tempo: int = 360,
    price_fall: float = 0.0,
    params: YumaParams | None = None,
) -> Takeover:
    """Buy a share of a subnet's stake, vote with it, and value the position after each epoch.

    Args:
        pool: the subnet's pool before the purchase.
        others_rao: alpha staked by everybody else.
        share: part of the stake to hold.
        epochs: number of epochs.
        tempo: blocks in an epoch.
        price_fall: part of the price that others' sales take away before the buyer sells, in [0, 1).
        params: rules of the epoch; by default those of a new subnet.

    Raises:
        PoolError: the pool does not hold so much alpha.
    """
    if not 0.0 <= price_fall < 1.0:
        raise ParamsError(f"price_fall: {price_fall}; allowed: 0 up to but not including 1")
    alpha = alpha_for_share(others_rao, share)
    cost = pool.cost_of(alpha)
    trade = pool.buy(cost)
    market = trade.pool
    if price_fall:
        market = market.sell(market.sell_down_to(market.price * (1.0 - price_fall))).pool
    state = _state(trade.received_rao, others_rao, tempo)
    split = split_alpha(block_emission(pool.alpha_rao + others_rao), 0)
    emission = tempo * (split.miners_rao + split.validators_rao)
    earned = honest = 0
    positions: list[TakeoverEpoch] = []
    incentive = 0.0
    for number in range(1, epochs + 1):
        result = run_epoch(state, params or YumaParams(), emission)
        earned += int(result.emission[BUYER]) + int(result.emission[OWN_MINER])
        honest += int(tempo * split.validators_rao * share)
        sold = market.sell(trade.received_rao + earned).received_rao
        positions.append(TakeoverEpoch(number, earned, honest, sold, sold - cost))
        incentive = int(result.incentive[OWN_MINER]) / 65535
        state = replace(
            state,
            bonds=result.bonds,
            block=state.block + tempo,
            last_tempo=state.block + 1,
            last_update=state.last_update + tempo,
        )
    return Takeover(share, alpha, cost, pool.price, trade.pool.price, trade.impact, incentive, tuple(positions))


def _state(buyer_rao: int, others_rao: int, tempo: int) -> SubnetState:
    votes = Rows.from_mapping({BUYER: [(OWN_MINER, 65535)], OTHERS: [(OTHER_MINER, 65535)]}, 4, name="weights")
    block = 1_000_000
    return SubnetState.from_rows(
        stake=[buyer_rao, others_rao, 0, 0],
        validator_permit=[True, True, False, False],
        last_update=[block - 1] * 4,
        registered_at=[0] * 4,
        weights=votes,
        block=block,
        last_tempo=block - tempo,
    )
