"""The limit of subnets: when the chain is full, a new one replaces the weakest, whose pool is divided.

The new subnet's pool starts with its whole lock, at the median price of all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median_low

from consensus.errors import PoolError
from consensus.pool.pool import MINIMUM_RESERVE_RAO, Pool

MOST_SUBNETS = 128
IMMUNE_BLOCKS = 1_296_000
"""Age up to which a subnet can't be replaced: 180 days."""


@dataclass(frozen=True, slots=True)
class SubnetAge:
    """What decides whether a subnet must go."""

    moving_price: int
    """Bits of I96F32."""
    created_at: int
    """Block of its creation."""


def subnet_to_replace(subnets: Mapping[int, SubnetAge], block: int, *, limit: int = MOST_SUBNETS) -> int | None:
    """Return the netuid that a new subnet replaces: the lowest moving price, of equal ones the oldest.

    None if there is room, or if all are immune; `new_subnet_fits` tells these apart.
    """
    if len(subnets) < limit:
        return None
    old = {netuid: age for netuid, age in subnets.items() if block - age.created_at >= IMMUNE_BLOCKS}
    return min(old, key=lambda netuid: (old[netuid].moving_price, old[netuid].created_at, netuid), default=None)


def new_subnet_fits(subnets: Mapping[int, SubnetAge], block: int, *, limit: int = MOST_SUBNETS) -> bool:
    """Return whether a subnet can be created now."""
    return len(subnets) < limit or subnet_to_replace(subnets, block, limit=limit) is not None


def new_pool(lock_rao: int, pools: Mapping[int, Pool]) -> Pool:
    """Return the pool of a new subnet: all of its lock in TAO, and alpha at the median price of the others.

    Raises:
        PoolError: the lock is too small for a pool.
    """
    if lock_rao < MINIMUM_RESERVE_RAO:
        raise PoolError(f"lock: {lock_rao} rao; allowed: at least {MINIMUM_RESERVE_RAO}")
    bits = median_low([pool.price_bits for pool in pools.values()] or [1 << 64])
    return Pool(alpha_rao=max(1, (lock_rao << 64) // bits) if bits else lock_rao, tao_rao=lock_rao)


@dataclass(frozen=True, slots=True)
class Dissolution:
    """Who gets the TAO of a dissolved subnet, rao."""

    paid_rao: Mapping[str, int]
    """Amounts by holder."""
    recycled_rao: int
    """The part of the chain's own alpha."""


def dissolve(
    pot_rao: int, alpha_rao: Mapping[str, int], *, protocol_rao: int = 0, pool_alpha_rao: int = 0
) -> Dissolution:
    """Divide a subnet's TAO by alpha; what rounding leaves goes by the largest remainders.

    Args:
        pot_rao: all TAO of its pool.
        alpha_rao: alpha by holder.
        protocol_rao: alpha of the chain itself, which counts too.
        pool_alpha_rao: alpha in the pool, which counts as the chain's for subnets made since the refund rule.
    """
    chain = protocol_rao + pool_alpha_rao
    total = sum(alpha_rao.values()) + chain
    if total == 0:
        return Dissolution(dict.fromkeys(alpha_rao, 0), pot_rao)
    parts = {holder: divmod(pot_rao * alpha, total) for holder, alpha in alpha_rao.items()}
    own = divmod(pot_rao * chain, total)
    paid = {holder: whole for holder, (whole, _) in parts.items()}
    recycled = own[0]
    left = pot_rao - sum(paid.values()) - recycled
    ranked = sorted(parts, key=lambda holder: (-parts[holder][1], holder))
    for holder in ranked:
        if left == 0 or parts[holder][1] < own[1]:
            break
        paid[holder] += 1
        left -= 1
    return Dissolution(paid, recycled + left)
