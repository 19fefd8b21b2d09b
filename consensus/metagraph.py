"""A subnet at one block: who is there, what they own, what the last epoch gave them.

    graph = chain.metagraph(1)
    graph.save("sn1.csv"); Metagraph.load("sn1.csv") == graph

CSV has one line per neuron; JSON has the same columns as lists. Files from elsewhere need `hotkey`, `coldkey` and
`stake_rao` (or `stake`, in τ); every other column may be missing and counts as zero.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.chain_state import ChainState
from consensus.subnet import Subnet

U16 = 65535


@dataclass(frozen=True, slots=True, eq=False)
class Metagraph:
    """Arrays have shape (n,), one entry per uid. Shares are the chain's u16 divided by 65535."""

    netuid: int
    block: int
    hotkeys: tuple[str, ...]
    coldkeys: tuple[str, ...]
    stake_rao: NDArray[np.int64]
    stake_weight: NDArray[np.float64]
    consensus: NDArray[np.float64]
    incentive: NDArray[np.float64]
    dividends: NDArray[np.float64]
    validator_trust: NDArray[np.float64]
    emission_rao: NDArray[np.int64]
    active: NDArray[np.bool_]
    validator_permit: NDArray[np.bool_]
    last_update: NDArray[np.int64]
    registered_at: NDArray[np.int64]
    axons: tuple[str, ...]
    """`ip:port`, or empty."""

    @property
    def n(self) -> int:
        """Number of neurons."""
        return len(self.hotkeys)

    @classmethod
    def of(cls, state: ChainState, subnet: Subnet) -> "Metagraph":
        """The subnet as it is now."""
        ledger = state.ledger
        axons = (subnet.axons.get(uid) for uid in range(subnet.size))

        def share(column: list[int]) -> NDArray[np.float64]:
            return np.array(column, np.float64) / U16

        return cls(
            netuid=subnet.netuid,
            block=state.block,
            hotkeys=tuple(subnet.hotkeys),
            coldkeys=tuple(ledger.owners[hotkey] for hotkey in subnet.hotkeys),
            stake_rao=np.array([ledger.stake(hotkey) for hotkey in subnet.hotkeys], np.int64),
            stake_weight=share(subnet.stake_weight),
            consensus=share(subnet.consensus),
            incentive=share(subnet.incentive),
            dividends=share(subnet.dividends),
            validator_trust=share(subnet.validator_trust),
            emission_rao=np.array(subnet.emission, np.int64),
            active=np.array(subnet.active, np.bool_),
            validator_permit=np.array(subnet.validator_permit, np.bool_),
            last_update=np.array(subnet.last_update, np.int64),
            registered_at=np.array(subnet.registered_at, np.int64),
            axons=tuple(f"{axon.ip}:{axon.port}" if axon else "" for axon in axons),
        )
