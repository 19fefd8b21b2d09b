"""Collateral of a registration: a part of its price is locked instead of burned, and earned back.

    collateral = register(price_rao=10 * TAO, lock_share=0.5).after_epoch(emission_rao=TAO)

Each epoch releases as much as the miner earned, times a factor; what is left when it is replaced is burned.
"""

from dataclasses import dataclass, replace

from consensus.errors import ParamsError


@dataclass(frozen=True, slots=True)
class Collateral:
    """What one registration has cost and still holds."""

    burned_rao: int
    locked_rao: int
    released_rao: int = 0

    def after_epoch(self, emission_rao: int, *, factor: float = 1.0, least_rao: int = 0) -> "Collateral":
        """Return the collateral after an epoch in which the miner earned so much.

        Args:
            emission_rao: what it earned.
            factor: rao released for each rao earned.
            least_rao: what stays locked as long as the miner is registered.
        """
        released = max(0, min(self.locked_rao - least_rao, int(emission_rao * factor)))
        return replace(self, locked_rao=self.locked_rao - released, released_rao=self.released_rao + released)

    def deregistered(self) -> "Collateral":
        """Return the collateral after the miner was replaced: the rest is burned."""
        return replace(self, burned_rao=self.burned_rao + self.locked_rao, locked_rao=0)


def register(price_rao: int, lock_share: float = 0.0, standing_rao: int = 0) -> Collateral:
    """Pay for a registration.

    Args:
        price_rao: the registration's price.
        lock_share: part of it that is locked, in [0, 1]; the chain's default is 0.
        standing_rao: what the miner has locked already, which counts towards it.
    """
    if not 0.0 <= lock_share <= 1.0:
        raise ParamsError(f"lock_share: {lock_share}; allowed: 0 to 1")
    locked = int(price_rao * lock_share)
    return Collateral(burned_rao=price_rao - locked, locked_rao=standing_rao + max(0, locked - standing_rao))
