"""Ownership of subnets: their cost, their creation, and their rules."""

from collections.abc import Mapping
from typing import Any

from consensus.chain.calls import CreateSubnet, SetHyperparameters
from consensus.chain.chain_state import ChainState
from consensus.chain.hyperparameters import Hyperparameters
from consensus.chain.subnet import Subnet
from consensus.errors import CallRefused, NotAllowed

from .registration import burn_price, start_price


def lock_cost(state: ChainState) -> int:
    """Return the rao that the next subnet locks: twice the last lock, less one lock per reduction interval."""
    genesis, last = state.genesis, state.last_lock_rao
    if state.last_lock_block == 0:
        return genesis.min_lock_rao
    decrease = last // genesis.lock_reduction_interval * (state.block - state.last_lock_block)
    return max(genesis.min_lock_rao, 2 * last - decrease)


def create_subnet(state: ChainState, signer: str, call: CreateSubnet) -> int:
    """Lock the cost, open the next netuid and return it."""
    genesis = state.genesis
    if call.hyperparameters and not genesis.development:
        raise CallRefused("development", "only a development chain creates a subnet with its hyperparameters set")
    hyperparameters = Hyperparameters().change(call.hyperparameters)
    hyperparameters.validate(development=genesis.development)
    if call.hotkey is not None:
        state.ledger.check_owner(call.hotkey, signer)
    elif not genesis.development:
        raise CallRefused("hotkey", "a subnet needs its owner's hotkey; only a development chain allows one without")
    cost = lock_cost(state)
    state.ledger.debit(signer, cost, "the lock costs")
    netuid = max(state.subnets, default=0) + 1
    subnet = Subnet(netuid, signer, call.hotkey, state.block, hyperparameters, locked_rao=cost)
    subnet.last_epoch_block = subnet.adjusted_at = state.block
    start_price(subnet, state.block)
    state.subnets[netuid] = subnet
    state.last_lock_rao, state.last_lock_block = cost, state.block
    if call.hotkey is not None:
        state.ledger.own(call.hotkey, signer)
        subnet.append(call.hotkey, state.block)
    return netuid


def set_hyperparameters(state: ChainState, signer: str, call: SetHyperparameters) -> Mapping[str, Any]:
    """Change the rules and return what changed."""
    subnet = state.subnet(call.netuid)
    if signer != subnet.owner:
        raise NotAllowed("owner", f"subnet {call.netuid} belongs to {subnet.owner}; {signer} can't change its rules")
    rules = subnet.hyperparameters.change(call.changes)
    rules.validate(development=state.genesis.development)
    if rules.max_allowed_uids < subnet.size:
        raise CallRefused(
            "hyperparameter", f"max_allowed_uids: {rules.max_allowed_uids}; subnet {call.netuid} has {subnet.size}"
        )
    price = burn_price(subnet, state.block)
    if rules.registration_rule != subnet.hyperparameters.registration_rule:
        subnet.adjusted_at = state.block
        subnet.burns_this_interval = subnet.pows_this_interval = 0
    subnet.hyperparameters = rules
    start_price(subnet, state.block, price)
    subnet.touch()
    return dict(call.changes)
