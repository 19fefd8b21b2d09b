"""Powers of ratios to 18 decimals, on which the pool's prices rest."""

from decimal import Decimal, localcontext

UNIT = 10**18
"""One, in the pool's weights and powers."""
DIGITS = 80
"""Digits that a power is computed with: the largest error is far below one unit."""


def power_of_ratio(numerator: int, denominator: int, exponent: tuple[int, int]) -> int:
    """Return (numerator / denominator)^(a / b) for exponent (a, b) in units of 1e-18, rounded down.

    A power of 1 is exact. The chain's own routine may round another power differently by one unit.
    """
    above, below = exponent
    if above == below:
        return numerator * UNIT // denominator
    if numerator == denominator:
        return UNIT
    with localcontext(prec=DIGITS):
        base = Decimal(numerator) / Decimal(denominator)
        return int(base ** (Decimal(above) / Decimal(below)) * UNIT)
