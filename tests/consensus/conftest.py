"""A small development chain that chain tests start from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from bittensor_wallet import Keypair

from consensus import TAO, Chain, throwaway_key
from consensus.chain.calls import AddStake, CreateSubnet, Faucet
from consensus.chain.hyperparameters import Hyperparameters


@dataclass
class World:
    """A chain, one subnet, an owner outside it, a bank that owns all hotkeys: validators first, then miners."""

    chain: Chain
    netuid: int
    owner: Keypair
    bank: Keypair
    validators: list[Keypair]
    miners: list[Keypair]

    @property
    def hotkeys(self) -> list[Keypair]:
        return self.validators + self.miners


@pytest.fixture(scope="session")
def world() -> Callable[..., World]:
    """Make a world: `world(validators=2, miners=3, tempo=5, ...)`; other keywords are hyperparameters."""

    def make(
        validators: int = 2,
        miners: int = 3,
        *,
        stakes: tuple[int, ...] = (),
        chain: Chain | None = None,
        genesis: dict[str, Any] | None = None,
        permits: bool = True,
        **rules: Any,
    ) -> World:
        chain = chain or Chain.development(**(genesis or {}))
        owner, bank = throwaway_key(1, "owner"), throwaway_key(1, "bank")
        chain.call(bank, Faucet(10**6 * TAO))
        chain.call(owner, Faucet(10**4 * TAO))
        hyperparameters = Hyperparameters.development(**({"tempo": 5, "max_allowed_validators": validators} | rules))
        netuid = chain.call(owner, CreateSubnet(hyperparameters=hyperparameters.as_dict())).result
        keys = [throwaway_key(1, f"hotkey-{uid}") for uid in range(validators + miners)]
        chain.register(bank, netuid, [key.ss58_address for key in keys])
        for key, stake in zip(keys, stakes or (100,) * validators, strict=False):
            chain.call(bank, AddStake(key.ss58_address, stake * TAO))
        if permits:
            chain.step_to_epoch(netuid)
        return World(chain, netuid, owner, bank, keys[:validators], keys[validators:])

    return make
