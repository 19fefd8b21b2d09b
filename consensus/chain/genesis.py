"""The first block: initial balances, emission, and which of the chain's older rules apply."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from consensus.amounts import TAO


@dataclass(frozen=True, slots=True)
class Genesis:
    """Settings of a chain that can never change."""

    name: str = "local"
    development: bool = True
    """Allow a faucet, tempos below 360, and the creation of subnets with chosen hyperparameters."""
    balances: Mapping[str, int] = field(default_factory=dict)
    """Initial balances in rao, by address."""
    emission_per_block_rao: int = TAO
    """Amount minted in each block and split equally between the subnets."""
    pay_to: Literal["stake", "balance"] = "stake"
    """Where emission goes: "stake" adds it to the hotkey that earned it, as the chain does; "balance" leaves stakes as
    they are."""
    cadence: Literal["stateful", "legacy"] = "stateful"
    """stateful: an epoch once `tempo` blocks have passed (since 2026). legacy: every tempo + 1 blocks, by netuid."""
    max_epochs_per_block: int = 2
    faucet_rao: int = 300 * TAO
    min_lock_rao: int = 1000 * TAO
    lock_reduction_interval: int = 100_800
    """Blocks in which the price of a subnet falls by one lock: 14 days."""
    default_take: int = 11796
    """Part of its delegators' earnings that a validator keeps, in 1/65535: 18 %."""
    max_take: int = 11796

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as they are stored with the chain."""
        return {**asdict(self), "balances": dict(self.balances)}
