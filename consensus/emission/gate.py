"""The gate: a subnet whose share lies below a bar gets less than its share, one above it nearly all.

    gate(w) = w / (1 + (bar / w)^3)

The bar is stored and set again every 360 blocks: at the share of rank 32, or where the largest shares together reach
a quantile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from consensus.errors import ParamsError

from .fixed_point import ONE, normalised, power, ratio

GATE_PERIOD = 360


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gate's settings and its stored bar, in bits of U64F64."""

    bar: int = 0
    """0 until it is first set."""
    rank: int = 32
    """Place of the subnet whose share becomes the bar; 0 sets it by the quantile."""
    quantile: int = ONE // 100 * 75
    exponent: int = 3

    def __post_init__(self) -> None:
        for name, low, high in (("bar", 0, ONE), ("rank", 0, 65535), ("quantile", 0, ONE), ("exponent", 0, 100)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ParamsError(f"gate {name}: {value!r}; allowed: a whole number from {low} to {high}")

    def at(self, block: int, shares: Mapping[int, int]) -> "Gate":
        """Return the gate with the bar of this block; `shares` are U64F64 by netuid and sum to 1."""
        if block % GATE_PERIOD and self.bar:
            return self
        return replace(self, bar=self._bar(sorted((share for share in shares.values() if share > 0), reverse=True)))

    def apply(self, shares: Mapping[int, int]) -> dict[int, int]:
        """Return the shares behind the gate; they are unchanged without a bar, and if the gate would leave nothing."""
        if not self.bar:
            return dict(shares)
        gated = normalised({netuid: self._passed(share) for netuid, share in shares.items()})
        return gated if any(gated.values()) else dict(shares)

    def opening(self, share: int) -> float:
        """Return the part of a share that passes, in [0, 1], before all are divided by their sum."""
        if not self.bar:
            return 1.0
        return self._passed(share) / share if share else 0.0

    def _passed(self, share: int) -> int:
        if share <= 0:
            return 0
        return ratio(share, ONE + (power(ratio(self.bar, share) >> 32, self.exponent) << 32))

    def _bar(self, ranked: list[int]) -> int:
        """Choose the bar among the positive shares, largest first."""
        if not ranked:
            return 0
        if self.rank:
            return ranked[min(self.rank, len(ranked)) - 1]
        reached = 0
        for share in ranked:
            reached += share
            if reached >= self.quantile:
                return share
        return ranked[-1]
