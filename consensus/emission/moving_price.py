"""The moving price of a subnet, which decides its share of emission and, when the chain is full, whether it stays."""

from .fixed_point import ONE

RATE = 3 * ONE // 1_000_000
"""Largest part of the average that a block replaces, U64F64."""
HALVING_BLOCKS = 201_600
"""Age of a subnet at which the rate is half of that: 28 days."""


def next_moving_price(moving_price: int, spot: int, *, block: int, first_emission_block: int) -> int:
    """Return the moving price after a block, bits of I96F32.

    Args:
        moving_price: bits of I96F32.
        spot: the pool's price, bits of U64F64; it counts as 1 at most.
        block: the block that has just been paid.
        first_emission_block: the subnet's first.
    """
    age = block - (first_emission_block - 1)
    rate = RATE * age // (age + HALVING_BLOCKS) if age > 0 else 0
    return (rate * min(spot, ONE) + (ONE - rate) * (moving_price << 32)) >> 96
