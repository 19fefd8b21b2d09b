"""What one block brings one subnet: TAO and alpha for its pool, the chain's own purchase, and alpha for its people.

    terms = subnet_terms(share, 500_000_000, pool, alpha_issuance_rao=5_000_000 * TAO, root=root)
    terms.tao_in_rao, terms.alpha_in_rao, terms.excess_rao, terms.alpha_out_rao

Computed in U96F32 and truncated to rao where it is spent.
"""

from dataclasses import dataclass

from consensus.pool.pool import Pool

from .fixed_point import RAO
from .halving import block_emission

OWNER_CUT = 11796
"""The owner's part of a subnet's alpha in 1/65535: 18 %."""
U16 = 65535
TAO_WEIGHT = 971_718_665_099_567_868
"""Default weight of a TAO staked on root beside an alpha, in 1/2^64: 0.053. The chain's documents say 0.18."""


@dataclass(frozen=True, slots=True)
class RootStake:
    """TAO staked on root, and how much a TAO weighs there beside an alpha of a subnet."""

    stake_rao: int = 0
    tao_weight: int = TAO_WEIGHT
    """Numerator over 2^64 - 1."""

    def weight_rao(self) -> int:
        """Return the weighted stake, bits of U96F32."""
        return (self.stake_rao << 32) * ((self.tao_weight << 32) // (2**64 - 1)) >> 32

    def proportion(self, alpha_issuance_rao: int) -> int:
        """Return the root's part of a subnet's stake, bits of U96F32."""
        weight = self.weight_rao()
        whole = weight + (alpha_issuance_rao << 32)
        return (weight << 32) // whole if whole else 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a block brings a subnet."""

    tao_in_rao: int
    """TAO that enters the pool."""
    alpha_in_rao: int
    """New alpha that enters the pool with it."""
    excess_rao: int
    """TAO for which the chain buys alpha from the pool."""
    alpha_out_rao: int
    """New alpha for the subnet's owner, miners and validators, and for root."""


@dataclass(frozen=True, slots=True)
class Split:
    """New alpha of one block by receiver, rao."""

    owner_rao: int
    miners_rao: int
    validators_rao: int
    root_rao: int
    """Root dividends; recycled unless the prices of all subnets add up to more than 1."""

    @property
    def total_rao(self) -> int:
        """Sum of the parts, up to three rao less than what was to be split."""
        return self.owner_rao + self.miners_rao + self.validators_rao + self.root_rao


def subnet_terms(
    share: int,
    block_emission_rao: int,
    pool: Pool,
    *,
    alpha_issuance_rao: int,
    root: RootStake,
    chain_buy_cap: int | None = None,
) -> Terms:
    """Return the terms of a subnet with this share (U64F64) of the block's TAO.

    Args:
        share: part of the block's TAO.
        block_emission_rao: TAO that the block mints.
        pool: the subnet's pool before the block.
        alpha_issuance_rao: alpha in the pool and outside of it.
        root: stake on root, which limits how much alpha enters the pool.
        chain_buy_cap: most rao that the chain spends on alpha; what exceeds it is recycled. None sets no limit.
    """
    tao = block_emission_rao * (share >> 32)
    price = pool.price_bits >> 32
    minted = block_emission(alpha_issuance_rao)
    cap = root.proportion(alpha_issuance_rao) * minted
    alpha_in = (tao << 32) // price if price else 0
    tao_in = tao
    if alpha_in > cap:
        alpha_in, tao_in = cap, cap * price >> 32
    excess_rao = (tao - tao_in) >> 32
    if chain_buy_cap is not None:
        excess_rao = min(excess_rao, chain_buy_cap)
    return Terms(tao_in >> 32, alpha_in >> 32, excess_rao, minted)


def split_alpha(alpha_out_rao: int, root_proportion: int, *, owner_cut: int = OWNER_CUT) -> Split:
    """Split new alpha between owner, miners, validators and root; `root_proportion` is bits of U96F32."""
    alpha = alpha_out_rao << 32
    owner = alpha * ((owner_cut << 32) // U16) >> 32
    rest = alpha - owner
    miners = rest // 2
    root = (root_proportion * rest >> 32) // 2
    return Split(owner >> 32, miners >> 32, (rest - miners - root) >> 32, root >> 32)


def chain_buy_limit(alpha_out_rao: int, miner_burned: int, pool: Pool, *, owner_cut: int = OWNER_CUT) -> int:
    """Return the documented limit of the chain's purchases, rao: half of what the owner leaves, at the pool's price.

    Not known to be in force, so nothing applies it unless asked to.
    """
    kept = RAO - min(miner_burned, RAO)
    rest = (alpha_out_rao << 32) - ((alpha_out_rao * owner_cut << 32) // U16)
    worth = rest * (pool.price_bits >> 32) >> 32
    return (worth * kept >> 32) // 2 >> 32
