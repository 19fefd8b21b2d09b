"""Money: transfers, the faucet, stake, and the part of its delegators' earnings that a validator keeps."""

from consensus.chain.calls import AddStake, Faucet, RemoveStake, SetTake, Transfer
from consensus.chain.chain_state import ChainState
from consensus.chain.ledger import check_address, check_amount
from consensus.errors import CallRefused, NotAllowed


def transfer(state: ChainState, signer: str, call: Transfer) -> int:
    """Move balance and return the receiver's new one."""
    check_address(call.to)
    check_amount(call.amount_rao)
    state.ledger.debit(signer, call.amount_rao, "the transfer takes")
    state.ledger.credit(call.to, call.amount_rao)
    return state.ledger.balance(call.to)


def faucet(state: ChainState, signer: str, call: Faucet) -> int:
    """Mint balance for the signer and return the new one."""
    if not state.genesis.development:
        raise CallRefused("development", "only a development chain has a faucet")
    amount = state.genesis.faucet_rao if call.amount_rao is None else call.amount_rao
    check_amount(amount)
    state.ledger.mint(signer, amount)
    return state.ledger.balance(signer)


def add_stake(state: ChainState, signer: str, call: AddStake) -> int:
    """Move balance into stake and return the signer's stake on that hotkey."""
    check_amount(call.amount_rao)
    check_address(call.hotkey)
    if call.hotkey not in state.ledger.owners:
        raise CallRefused("hotkey", f"hotkey {call.hotkey!r} was never registered; stake needs a registered one")
    state.ledger.debit(signer, call.amount_rao, "the stake takes")
    state.ledger.add_stake(call.hotkey, signer, call.amount_rao)
    return state.ledger.stake(call.hotkey, signer)


def remove_stake(state: ChainState, signer: str, call: RemoveStake) -> int:
    """Move stake into balance and return the remaining stake."""
    check_amount(call.amount_rao)
    check_address(call.hotkey)
    state.ledger.remove_stake(call.hotkey, signer, call.amount_rao)
    state.ledger.credit(signer, call.amount_rao)
    return state.ledger.stake(call.hotkey, signer)


def set_take(state: ChainState, signer: str, call: SetTake) -> int:
    """Set a hotkey's take and return it."""
    limit = state.genesis.max_take
    check_address(call.hotkey)
    if state.ledger.owners.get(call.hotkey) != signer:
        raise NotAllowed("owner", f"hotkey {call.hotkey!r} isn't owned by {signer}; its coldkey sets the take")
    if type(call.take) is not int or not 0 <= call.take <= limit:
        percent = f" ({call.take / 655.35:.1f} percent)" if type(call.take) is int and abs(call.take) < 2**64 else ""
        allowed = f"0 to {limit} in 1/65535, which is up to {limit / 655.35:.1f} percent"
        raise CallRefused("take", f"take {call.take!r}{percent}; allowed: {allowed}")
    state.ledger.takes[call.hotkey] = call.take
    state.ledger.changed_hotkeys.add(call.hotkey)
    return call.take
