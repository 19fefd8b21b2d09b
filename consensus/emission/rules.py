"""The rules by which the chain has divided a block's TAO between subnets, named by the month they came into force.

ERAS["2026-08"].gated      # True
"""

from dataclasses import dataclass
from typing import Literal

Rules = Literal["2026-08", "2026-06", "2025-11", "2025-02", "2023"]
Basis = Literal["price", "flow", "equal"]


@dataclass(frozen=True, slots=True)
class Era:
    """What decides a subnet's share."""

    basis: Basis
    """Share in proportion to the moving price, to the smoothed inflow of TAO, or the same for all."""
    root_proportion: bool = False
    """True where the share is multiplied by the root's part of the subnet's stake."""
    miner_burn: bool = False
    """True where a subnet loses the part of its share that its owner withholds from miners."""
    gated: bool = False
    """True where small shares are cut further by the gate."""

    @property
    def has_alpha(self) -> bool:
        """True if subnets have tokens of their own."""
        return self.basis != "equal"


ERAS: dict[Rules, Era] = {
    "2026-08": Era("price", miner_burn=True, gated=True),
    "2026-06": Era("price", root_proportion=True, miner_burn=True),
    "2025-11": Era("flow"),
    "2025-02": Era("price"),
    "2023": Era("equal"),
}
