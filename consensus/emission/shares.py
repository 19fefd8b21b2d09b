"""Each subnet's share of a block's TAO.

    shares = subnet_shares(subnets, "2026-08", block=8_740_402, gate=Gate())
    shares.final[1]       # U64F64 bits

Under the rules of 2026-08 a share is the moving price, less what the owner withholds from miners, behind the gate;
subnets whose emission is disabled get nothing, and the others share their part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from consensus.errors import StateError

from .fixed_point import ONE, RAO, normalised, times
from .flow import Flow, flow_shares
from .gate import Gate
from .rules import ERAS, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareInput:
    """What decides one subnet's share."""

    moving_price: int = 0
    """Bits of I96F32; the chain counts a subnet without a pool of its own as 1."""
    miner_burned: int = 0
    """Part of the miners' pay that was withheld in the last tempo, bits of U96F32."""
    root_proportion: int = RAO
    """The root's part of the subnet's stake, bits of U96F32."""
    flow: Flow = field(default_factory=Flow)
    emission_enabled: bool = True
    """False for a subnet that gets no TAO; it still mints alpha."""
    first_emission_block: int | None = 0
    """Block from which it takes part; None until its owner starts it."""
    subtoken_enabled: bool = True
    registration_allowed: bool = True

    def __post_init__(self) -> None:
        for name in ("moving_price", "miner_burned", "root_proportion"):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value < 2**128:
                raise StateError(f"{name}: {value!r}; allowed: whole bits from 0 to 2^128 - 1")

    @property
    def eligible(self) -> bool:
        """True if the subnet takes part in emission at all."""
        return self.first_emission_block is not None and self.subtoken_enabled and self.registration_allowed


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares by netuid at each step, in bits of U64F64."""

    weighted: Mapping[int, int]
    """After price or flow and the factors of the rules; eligible subnets only."""
    final: Mapping[int, int]
    """Behind the gate and without disabled subnets."""
    gate: Gate
    """The gate, with the bar of this block."""

    def opening(self, netuid: int) -> float:
        """Return the part of a subnet's share that the gate let pass."""
        return self.gate.opening(self.weighted[netuid])


def subnet_shares(
    subnets: Mapping[int, ShareInput],
    rules: Rules = "2026-08",
    *,
    block: int = 0,
    gate: Gate | None = None,
    absent_share: int = 0,
    net_flow: bool = False,
) -> Shares:
    """Return each subnet's share of the TAO of a block.

    Args:
        subnets: by netuid, without root.
        rules: which of the chain's rules applies.
        block: number of the block, which says whether the gate's bar is set again.
        gate: settings and stored bar; of no effect under rules without a gate.
        absent_share: weighted share, U64F64, of disabled subnets that `subnets` lacks.
        net_flow: subtract the chain's own inflow under the rules of flow.
    """
    era = ERAS[rules]
    active = {netuid: subnet for netuid, subnet in subnets.items() if subnet.eligible}
    if era.basis == "equal":
        weighted = normalised(dict.fromkeys(active, 1))
    elif era.basis == "flow":
        weighted = flow_shares({netuid: subnet.flow for netuid, subnet in active.items()}, net=net_flow)
    else:
        weighted = normalised({netuid: subnet.moving_price for netuid, subnet in active.items()})
    if era.root_proportion:
        rooted = {netuid: times(share, active[netuid].root_proportion << 32) for netuid, share in weighted.items()}
        weighted = normalised(rooted) if any(rooted.values()) else weighted
    if era.miner_burn:
        kept = {netuid: times(share, _kept(active[netuid].miner_burned)) for netuid, share in weighted.items()}
        weighted = normalised(kept) if any(kept.values()) else weighted
    if absent_share:
        weighted = {netuid: times(share, ONE - absent_share) for netuid, share in weighted.items()}
    gate = (gate or Gate()).at(block, weighted) if era.gated else Gate()
    enabled = {
        netuid: share if active[netuid].emission_enabled else 0 for netuid, share in gate.apply(weighted).items()
    }
    return Shares(weighted, normalised(enabled), gate)


def _kept(miner_burned: int) -> int:
    """Return the part of a share that the withheld part of the miners' pay leaves, U64F64."""
    return ONE - (min(miner_burned, RAO) << 32)
