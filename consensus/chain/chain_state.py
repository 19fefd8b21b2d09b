"""The state of a chain: the open block, the accounts and the subnets."""

from dataclasses import dataclass, field

from consensus.errors import CallRefused

from .genesis import Genesis
from .ledger import Ledger
from .subnet import Subnet


@dataclass(slots=True)
class ChainState:
    """A chain in memory; `block` is the open block, in which calls are carried out."""

    genesis: Genesis
    block: int = 1
    ledger: Ledger = field(default_factory=Ledger)
    subnets: dict[int, Subnet] = field(default_factory=dict)
    last_lock_rao: int = 0
    last_lock_block: int = 0
    block_hashes: dict[int, bytes] = field(default_factory=dict)
    """Hashes of the open block and the few before it."""

    def subnet(self, netuid: int) -> Subnet:
        """Return the subnet of this number, or refuse."""
        subnet = self.subnets.get(netuid) if type(netuid) is int else None
        if subnet is None:
            known = ", ".join(map(str, self.subnets)) or "none yet"
            raise CallRefused("subnet", f"no subnet {netuid!r}; there are: {known}")
        return subnet
