"""TAO flow: how much TAO enters or leaves a subnet's pool, smoothed; it decided the shares from 2025-11 to 2026-06."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .fixed_point import ONE, ratio, times

SMOOTHING = (29_597_889_189_277 << 64) // (2**63 - 1)
"""Part of the average that a block replaces, U64F64: its half-life is 216,000 blocks, 30 days."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Moving averages of a subnet's net inflow, in bits of I64F64 (rao a block)."""

    user: int = 0
    """TAO that people bring in by buying, less what they take out by selling."""
    protocol: int = 0
    """TAO that the chain itself brings in."""

    def after(self, user_rao: int, protocol_rao: int = 0) -> "Flow":
        """Return the averages after a block with these inflows."""
        return replace(self, user=_smoothed(self.user, user_rao), protocol=_smoothed(self.protocol, protocol_rao))


def flow_shares(flows: Mapping[int, Flow], *, net: bool = False, cutoff_rao: int = 0) -> dict[int, int]:
    """Return each subnet's share, U64F64; all are 0 if no inflow exceeds the cutoff.

    Args:
        flows: averages by netuid.
        net: subtract the chain's own inflow, scaled so that in sum it takes no more than users bring (since 2026-05).
        cutoff_rao: rao a block that an inflow must exceed.
    """
    values = {netuid: flow.user for netuid, flow in flows.items()}
    if net:
        brought = sum(max(flow.user, 0) for flow in flows.values())
        scale = min(ONE, ratio(brought, sum(max(flow.protocol, 0) for flow in flows.values())))
        values = {
            netuid: flow.user - times(scale, max(flow.protocol, 0)) - min(flow.protocol, 0)
            for netuid, flow in flows.items()
        }
    floor = max(cutoff_rao * ONE, min((min(value, 0) for value in values.values()), default=0))
    above = {netuid: max(value - floor, 0) for netuid, value in values.items()}
    total = sum(above.values())
    return {netuid: ratio(value, total) for netuid, value in above.items()}


def _smoothed(average: int, rao: int) -> int:
    return times(ONE - SMOOTHING, average) + times(SMOOTHING, rao * ONE)
