"""Block emission: one token a block, halved each time that half of what was left has been issued.

    block_emission(10_500_000 * TAO)      # 500_000_000 rao

The same function of a subnet's alpha issuance gives the alpha that it mints a block.
"""

from consensus.amounts import TAO
from consensus.errors import ParamsError

SUPPLY_RAO = 21_000_000 * TAO
"""Number of rao that will ever be issued, of TAO and of each alpha."""


def block_emission(issuance_rao: int) -> int:
    """Return the rao that a block mints at this issuance; raises `ParamsError` if it is negative."""
    if issuance_rao < 0:
        raise ParamsError(f"issuance: {issuance_rao} rao; allowed: 0 or more")
    if issuance_rao >= SUPPLY_RAO:
        return 0
    emission, part = TAO, 2
    # I >= S - S/part, in whole numbers: the logarithm of the chain's formula steps at exactly these issuances.
    while issuance_rao * part >= SUPPLY_RAO * (part - 1):
        emission //= 2
        part *= 2
    return emission
