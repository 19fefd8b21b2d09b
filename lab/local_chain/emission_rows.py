"""What a block pays each subnet of a snapshot, and what a miner of it earns a day."""

from __future__ import annotations

from dataclasses import dataclass

from consensus.amounts import TAO
from consensus.emission.fixed_point import ONE, RAO
from consensus.emission.halving import block_emission
from consensus.emission.miner_pay import BLOCKS_PER_DAY, day_of
from consensus.emission.rules import ERAS, Rules
from consensus.emission.shares import Shares
from consensus.emission.terms import split_alpha, subnet_terms
from consensus.errors import ParamsError, PoolError
from consensus.pool.pool import FEE, FEE_PARTS

from .emission_snapshot import EmissionSnapshot, SubnetSnapshot


@dataclass(frozen=True, slots=True)
class EmissionRow:
    """One subnet; what the snapshot doesn't say is None."""

    share: float
    """Part of the block's TAO."""
    weighted_share: float
    """The same before the gate, and with disabled subnets."""
    gate: float
    """Part of the weighted share that the gate lets pass, before all are divided by their sum."""
    tao_rao: int
    """TAO of the block."""
    recorded_tao_rao: int | None
    """What the chain really paid."""
    eligible: bool
    emission_enabled: bool
    price: float
    """TAO for one alpha: the pool's price, or else the moving one."""
    tao_in_rao: int | None
    alpha_in_rao: int | None
    excess_tao_rao: int | None
    alpha_out_rao: int
    miner_alpha_per_day: float
    miner_tao_per_day: float | None
    """TAO from selling a day's alpha at once, after the fee; without a pool at the moving price, with no impact. None
    if the pool is too small to take so much."""
    miner_impact: float | None
    miner_usd_per_day: float | None


def emission_rows(
    snapshot: EmissionSnapshot, rules: Rules, *, incentive: float, tao_usd: float | None = None
) -> dict[int, EmissionRow]:
    """Work out a snapshot.

    Args:
        snapshot: the block.
        rules: how the block's TAO is divided.
        incentive: part of the miners' pay that one miner gets, in [0, 1].
        tao_usd: dollars for one TAO.
    """
    if not 0.0 <= incentive <= 1.0:
        raise ParamsError(f"incentive: {incentive:g}; allowed: 0 to 1")
    if tao_usd is not None and not 0.0 <= tao_usd < float("inf"):
        raise ParamsError(f"price of TAO: {tao_usd:g} dollars; allowed: 0 or more")
    shares = snapshot.shares(rules)
    return {netuid: _row(snapshot, rules, shares, netuid, incentive, tao_usd) for netuid in sorted(snapshot.subnets)}


def _row(
    snapshot: EmissionSnapshot,
    rules: Rules,
    shares: Shares,
    netuid: int,
    incentive: float,
    tao_usd: float | None,
) -> EmissionRow:
    subnet, emission = snapshot.subnets[netuid], block_emission(snapshot.total_issuance_rao)
    pool = subnet.pool
    share = shares.final.get(netuid, 0)
    tao_rao = emission * (share >> 32) >> 32
    eligible = netuid in shares.weighted
    minted = block_emission(subnet.alpha_issuance_rao) if eligible and ERAS[rules].has_alpha else 0
    terms = None
    if pool is not None and snapshot.root_stake_rao is not None and minted:
        terms = subnet_terms(share, emission, pool, alpha_issuance_rao=subnet.alpha_issuance_rao, root=snapshot.root)
    day = _miner_day(subnet, minted, incentive) if ERAS[rules].has_alpha else _tao_day(tao_rao, incentive)
    return EmissionRow(
        share=share / ONE,
        weighted_share=shares.weighted.get(netuid, 0) / ONE,
        gate=shares.opening(netuid) if eligible else 0.0,
        tao_rao=tao_rao,
        recorded_tao_rao=subnet.tao_rao,
        eligible=eligible,
        emission_enabled=subnet.emission_enabled,
        price=subnet.moving_price_bits / RAO if pool is None else pool.price,
        tao_in_rao=None if terms is None else terms.tao_in_rao,
        alpha_in_rao=None if terms is None else terms.alpha_in_rao,
        excess_tao_rao=None if terms is None else terms.excess_rao,
        alpha_out_rao=minted,
        miner_alpha_per_day=day.alpha,
        miner_tao_per_day=day.tao,
        miner_impact=day.impact,
        miner_usd_per_day=None if tao_usd is None or day.tao is None else day.tao * tao_usd,
    )


@dataclass(frozen=True, slots=True)
class _Day:
    alpha: float
    tao: float | None
    impact: float | None


def _miner_day(subnet: SubnetSnapshot, minted_rao: int, incentive: float) -> _Day:
    """Return the day of a miner that is paid in alpha and sells it."""
    alpha = int(BLOCKS_PER_DAY * split_alpha(minted_rao, 0).miners_rao * incentive)
    if subnet.pool is None:
        worth = alpha / TAO * subnet.moving_price_bits / RAO
        return _Day(alpha / TAO, worth * (1 - FEE / FEE_PARTS), None)
    try:
        sale = day_of(alpha, subnet.pool)
    except PoolError:
        return _Day(alpha / TAO, None, None)
    return _Day(alpha / TAO, sale.tao_rao / TAO, sale.impact)


def _tao_day(tao_rao: int, incentive: float) -> _Day:
    """Return the day of a miner before there was alpha: miners shared half of the TAO."""
    return _Day(0.0, BLOCKS_PER_DAY * split_alpha(tao_rao, 0, owner_cut=0).miners_rao * incentive / TAO, None)
