"""One block of a network of subnets: who gets its TAO, what enters the pools, and how much alpha is paid out.

    paid = pay_block(network)
    paid.terms[1].tao_in_rao, paid.network.subnets[1].pending.miners_rao, paid.network.subnets[1].pool.price

The order is the chain's: shares by the state before the block; then, subnet by subnet, the chain's purchase, new
liquidity, and the split of the new alpha; then the moving prices and flows. No token appears or vanishes unrecorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from consensus.errors import PoolError, StateError
from consensus.pool.pool import Pool

from .fixed_point import RAO
from .gate import Gate
from .halving import block_emission
from .moving_price import next_moving_price
from .rules import ERAS, Rules
from .shares import ShareInput, Shares, subnet_shares
from .terms import OWNER_CUT, RootStake, Split, Terms, chain_buy_limit, split_alpha, subnet_terms

NOTHING = Split(0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetMarket:
    """A subnet's tokens between two blocks."""

    pool: Pool
    outstanding_rao: int = 0
    """All alpha outside of the pool, the chain's own and what is pending included."""
    protocol_rao: int = 0
    """Alpha that the chain has bought."""
    pending: Split = NOTHING
    """What the next epoch will pay; TAO under rules without alpha."""
    standing: ShareInput = field(default_factory=ShareInput)
    """What decides the subnet's share; its root proportion is worked out in each block."""
    owner_cut: int = OWNER_CUT
    inflow_rao: int = 0
    """Net TAO that people have brought into the pool since the last block."""

    def __post_init__(self) -> None:
        for name in ("outstanding_rao", "protocol_rao"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 0:
                raise StateError(f"{name}: {getattr(self, name)!r}; allowed: whole rao, 0 or more")
        if self.protocol_rao > self.outstanding_rao:
            raise StateError(
                f"protocol_rao: {self.protocol_rao}; allowed: up to outstanding_rao, of which it is a part"
            )

    @property
    def alpha_issuance_rao(self) -> int:
        """All alpha of the subnet, which decides how much a block mints."""
        return self.pool.alpha_rao + self.outstanding_rao

    def buy(self, tao_rao: int) -> "SubnetMarket":
        """Return the market after somebody bought alpha."""
        trade = self.pool.buy(tao_rao)
        return self._traded(trade.pool, trade.received_rao, tao_rao - trade.fee_rao)

    def sell(self, alpha_rao: int) -> "SubnetMarket":
        """Return the market after somebody sold alpha; the fee is recycled with the alpha that paid it."""
        if alpha_rao > self.outstanding_rao - self.protocol_rao:
            held = self.outstanding_rao - self.protocol_rao
            raise PoolError(f"sale of {alpha_rao} rao of alpha; allowed: up to the {held} that people hold")
        trade = self.pool.sell(alpha_rao)
        return self._traded(trade.pool, -alpha_rao, -trade.received_rao)

    def paid_out(self, *, withheld_rao: int = 0) -> "SubnetMarket":
        """Return the market after an epoch paid what was pending.

        What the owner's miners earned is withheld: it is recycled, and its part of the miners' pay lowers the subnet's
        share until the next epoch.
        """
        miners = self.pending.miners_rao
        if not 0 <= withheld_rao <= miners:
            raise StateError(f"withheld: {withheld_rao} rao; allowed: 0 to the {miners} that miners have earned")
        burned = (withheld_rao << 32) // miners if miners else 0
        return replace(
            self,
            pending=NOTHING,
            outstanding_rao=self.outstanding_rao - withheld_rao,
            standing=replace(self.standing, miner_burned=burned),
        )

    def _traded(self, pool: Pool, alpha_rao: int, tao_rao: int) -> "SubnetMarket":
        outstanding, inflow = self.outstanding_rao + alpha_rao, self.inflow_rao + tao_rao
        return replace(self, pool=pool, outstanding_rao=outstanding, inflow_rao=inflow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """All subnets between two blocks."""

    subnets: Mapping[int, SubnetMarket]
    """Markets by netuid, without root."""
    block: int = 1
    """Number of the next block."""
    issuance_rao: int = 0
    """All TAO."""
    root: RootStake = field(default_factory=RootStake)
    rules: Rules = "2026-08"
    gate: Gate = field(default_factory=Gate)
    net_flow: bool = False
    """True to subtract the chain's own inflow under the rules of flow."""
    cap_chain_buys: bool = False
    """True to apply the documented limit of the chain's purchases, which is not known to be in force."""

    def with_subnet(self, netuid: int, market: SubnetMarket) -> "Network":
        """Return the network with another state of one subnet."""
        return replace(self, subnets={**self.subnets, netuid: market})


@dataclass(frozen=True, slots=True)
class BlockPayment:
    """What a block paid, and the network after it."""

    network: Network
    shares: Shares
    terms: Mapping[int, Terms]
    """What each subnet really received, by netuid."""
    splits: Mapping[int, Split]
    minted_rao: int
    """TAO added to the issuance: less than the block's emission by rounding, and by what pools refused."""
    recycled_alpha_rao: Mapping[int, int]
    """Root dividends that were not paid, by netuid."""


@dataclass(frozen=True, slots=True)
class _Payment:
    market: SubnetMarket
    terms: Terms
    split: Split
    recycled_rao: int = 0


def pay_block(network: Network) -> BlockPayment:
    """Pay the network's next block."""
    era, emission = ERAS[network.rules], block_emission(network.issuance_rao)
    inputs = {
        netuid: replace(market.standing, root_proportion=network.root.proportion(market.alpha_issuance_rao))
        for netuid, market in network.subnets.items()
    }
    shares = subnet_shares(inputs, network.rules, block=network.block, gate=network.gate, net_flow=network.net_flow)
    root_paid = sum(inputs[netuid].moving_price for netuid in shares.final) > RAO
    payments: dict[int, _Payment] = {}
    for netuid, share in shares.final.items():
        market = network.subnets[netuid]
        if era.has_alpha:
            payments[netuid] = _pay_alpha(network, market, share, emission, root_paid=root_paid)
        else:
            payments[netuid] = _pay_tao(market, emission * (share >> 32) >> 32)
    minted = sum(payment.terms.tao_in_rao + payment.terms.excess_rao for payment in payments.values())
    markets = {netuid: payment.market for netuid, payment in payments.items()}
    after = replace(
        network,
        subnets={**network.subnets, **markets},
        block=network.block + 1,
        issuance_rao=network.issuance_rao + minted,
        gate=shares.gate if era.gated else network.gate,
    )
    return BlockPayment(
        after,
        shares,
        {netuid: payment.terms for netuid, payment in payments.items()},
        {netuid: payment.split for netuid, payment in payments.items()},
        minted,
        {netuid: payment.recycled_rao for netuid, payment in payments.items()},
    )


def _pay_alpha(network: Network, market: SubnetMarket, share: int, emission_rao: int, *, root_paid: bool) -> _Payment:
    issuance = market.alpha_issuance_rao
    minted = block_emission(issuance)
    burned = market.standing.miner_burned
    cap = chain_buy_limit(minted, burned, market.pool, owner_cut=market.owner_cut) if network.cap_chain_buys else None
    terms = subnet_terms(
        share, emission_rao, market.pool, alpha_issuance_rao=issuance, root=network.root, chain_buy_cap=cap
    )
    pool, bought = market.pool, 0
    try:
        trade = pool.buy(terms.excess_rao, with_fee=False) if terms.excess_rao else None
    except PoolError:  # the chain's purchase fails without effect, and its TAO is not issued
        trade, terms = None, replace(terms, excess_rao=0)
    if trade is not None:
        pool, bought = trade.pool, trade.received_rao
    try:
        pool = pool.add(terms.tao_in_rao, terms.alpha_in_rao)
    except PoolError:
        terms = replace(terms, tao_in_rao=0, alpha_in_rao=0)
    split = split_alpha(terms.alpha_out_rao, network.root.proportion(issuance), owner_cut=market.owner_cut)
    recycled = 0 if root_paid else split.root_rao
    waiting = market.pending
    pending = Split(
        waiting.owner_rao + split.owner_rao,
        waiting.miners_rao + split.miners_rao,
        waiting.validators_rao + split.validators_rao,
        waiting.root_rao + split.root_rao - recycled,
    )
    first = market.standing.first_emission_block
    assert first is not None  # only subnets that take part have a share
    price = next_moving_price(
        market.standing.moving_price, pool.price_bits, block=network.block, first_emission_block=first
    )
    flow = market.standing.flow.after(market.inflow_rao, terms.tao_in_rao + terms.excess_rao)
    after = replace(
        market,
        pool=pool,
        outstanding_rao=market.outstanding_rao + terms.alpha_out_rao + bought - recycled,
        protocol_rao=market.protocol_rao + bought,
        pending=pending,
        standing=replace(market.standing, moving_price=price, flow=flow),
        inflow_rao=0,
    )
    return _Payment(after, terms, split, recycled)


def _pay_tao(market: SubnetMarket, tao_rao: int) -> _Payment:
    """Pay TAO itself, half to miners and half to validators, as before there was alpha."""
    split = split_alpha(tao_rao, 0, owner_cut=0)
    waiting = market.pending
    pending = Split(0, waiting.miners_rao + split.miners_rao, waiting.validators_rao + split.validators_rao, 0)
    terms = Terms(split.total_rao, 0, 0, 0)
    return _Payment(replace(market, pending=pending, inflow_rao=0), terms, split)
