"""A local chain: keys, stake, subnets, epochs and pay, in memory or in one file, driven from Python.

    chain = Chain.development()
    owner, miner = throwaway_key(7, "owner"), throwaway_key(7, "miner-0")
    netuid = chain.call(owner, CreateSubnet(hyperparameters=Hyperparameters.development().as_dict())).result
    chain.call(owner, BurnedRegister(netuid, miner.ss58_address))
    chain.step(10)[-1].payouts

Blocks pass only by `step`. Calls are carried out at once, in the open block; `step` confirms them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from consensus.chain.handlers import axon, balances, ownership, registration, weights
from consensus.errors import CallRefused, ChainError, NonceRefused, SignatureRefused, quoted

from . import emission
from .calls import (
    AddStake,
    BurnedRegister,
    Call,
    CommitWeights,
    CreateSubnet,
    Faucet,
    PowRegister,
    RemoveStake,
    RevealWeights,
    ServeAxon,
    SetHyperparameters,
    SetTake,
    SetWeights,
    SignedCall,
    Signer,
    Transfer,
    sign_call,
)
from .chain_state import ChainState
from .emission import Epoch
from .genesis import Genesis
from .hyperparameters import Hyperparameters
from .keys import verify
from .ledger import check_address, check_amount
from .metagraph import Metagraph
from .receipt import Receipt
from .subnet import Subnet

if TYPE_CHECKING:
    from consensus.chain.storage import Store

HANDLERS: dict[type[Call], Callable[[ChainState, str, Any], Any]] = {
    Transfer: balances.transfer,
    Faucet: balances.faucet,
    CreateSubnet: ownership.create_subnet,
    SetHyperparameters: ownership.set_hyperparameters,
    BurnedRegister: registration.burned_register,
    PowRegister: registration.pow_register,
    AddStake: balances.add_stake,
    RemoveStake: balances.remove_stake,
    SetTake: balances.set_take,
    SetWeights: weights.set_weights,
    CommitWeights: weights.commit_weights,
    RevealWeights: weights.reveal_weights,
    ServeAxon: axon.serve_axon,
}
"""The function that carries out each call. It refuses before it changes anything."""


MAX_STEP = 10_000_000
"""Maximum blocks of one step, almost four years of the real chain: each is hashed, a million in about a second."""


class Chain:
    """One chain. Use `create`, `open` or `development`; close it, or use it in a `with` block."""

    def __init__(self, state: ChainState, genesis_hash: bytes, store: "Store | None" = None) -> None:
        self._state = state
        self._genesis_hash = genesis_hash
        self._store = store
        self._calls: list[Receipt] = []
        self._digest = _hasher()
        """Hash of the open block's calls without their signatures, which differ each time the same key signs."""
        self._closed = False

    @classmethod
    def create(cls, where: str | PathLike[str] | None = None, genesis: Genesis | None = None) -> Self:
        """Create a chain in memory (None), at a file path or at an SQLAlchemy URL; refuses to replace one."""
        genesis = genesis or Genesis()
        state = ChainState(genesis)
        for address, amount_rao in genesis.balances.items():
            check_address(address)
            check_amount(amount_rao)
            state.ledger.mint(address, amount_rao)
        text = json.dumps(genesis.as_dict(), sort_keys=True)
        genesis_hash = _hasher(text.encode()).digest()
        state.block_hashes = {0: genesis_hash, 1: _next_hash(genesis_hash, 1, b"")}
        if where is None:
            return cls(state, genesis_hash)
        from consensus.chain.storage import Store  # SQLAlchemy: only for stored chains

        return cls(state, genesis_hash, Store.create(where, state, genesis_hash))

    @classmethod
    def open(cls, where: str | PathLike[str]) -> Self:
        """Open a stored chain at its last confirmed block. Raises a `StoreError` if that fails."""
        from consensus.chain.storage import Store

        store = Store.open(where)
        return cls(store.state, store.genesis_hash, store)

    @classmethod
    def development(
        cls, where: str | PathLike[str] | None = None, *, balances: Mapping[str, int] | None = None, **changes: Any
    ) -> Self:
        """Create a chain without friction: subnets lock nothing, and the epoch of every due subnet runs.

        `balances` funds addresses (rao); `changes` are other fields of `Genesis`.
        """
        defaults: dict[str, Any] = {"balances": dict(balances or {}), "min_lock_rao": 0, "max_epochs_per_block": 2**31}
        return cls.create(where, Genesis(**(defaults | changes)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file. Calls since the last `step` are lost with their block."""
        self._closed = True
        if self._store is not None:
            self._store.close()

    @property
    def genesis(self) -> Genesis:
        """The settings that the chain started with."""
        return self._state.genesis

    @property
    def genesis_hash(self) -> str:
        """The identity of this chain, which signed calls carry."""
        return self._genesis_hash.hex()

    @property
    def block(self) -> int:
        """Number of the open block, in which calls are carried out; the next `step` confirms it."""
        return self._state.block

    @property
    def block_hash(self) -> bytes:
        """Hash of the open block's parents; the input of a proof of work."""
        return self._state.block_hashes[self._state.block]

    @property
    def issuance_rao(self) -> int:
        """Sum of all balances, stakes, locks and pending emission; `supply` shows the parts."""
        return self._state.ledger.issuance_rao

    @property
    def netuids(self) -> tuple[int, ...]:
        """Numbers of all subnets."""
        return tuple(self._state.subnets)

    def supply(self) -> dict[str, int]:
        """Return the issuance, its parts and the recycled amount, in rao."""
        ledger, subnets = self._state.ledger, self._state.subnets.values()
        return {
            "balances": sum(ledger.balances.values()),
            "stake": sum(ledger.totals.values()),
            "locked": sum(subnet.locked_rao for subnet in subnets),
            "pending": sum(subnet.pending_rao for subnet in subnets),
            "issuance": ledger.issuance_rao,
            "recycled": ledger.recycled_rao,
        }

    def sign(self, key: Signer, call: Call) -> SignedCall:
        """Sign a call for this chain with the signer's next nonce."""
        return sign_call(key, call, nonce=self.nonce(key.ss58_address), genesis_hash=self.genesis_hash)

    def submit(self, signed: SignedCall) -> Receipt:
        """Check a signed call and carry it out in the open block; raises `CallRefused` with the reason.

        A refused call changes nothing and doesn't use up its nonce.
        """
        self._check_open()
        handler = HANDLERS.get(type(signed.call))
        if handler is None:
            raise CallRefused("form", f"{type(signed.call).__name__} is not a call of this chain")
        if type(signed.signature) is not bytes or type(signed.nonce) is not int or type(signed.signer) is not str:
            raise SignatureRefused("form", "a signed call has its signature as bytes, an address and a whole nonce")
        if type(signed.genesis_hash) is not str or signed.genesis_hash != self.genesis_hash:
            raise SignatureRefused("genesis", f"signed for another chain; this is {self.genesis_hash[:12]}…")
        message = signed.message
        if not verify(signed.signer, message, signed.signature):
            raise SignatureRefused("signature", f"the signature is not {signed.signer}'s for this call")
        expected = self.nonce(signed.signer)
        if signed.nonce != expected:
            fault = "already used" if signed.nonce < expected else "ahead of its turn"
            raise NonceRefused(
                "nonce", f"nonce {signed.nonce} of {signed.signer} is {fault}; the next one is {expected}"
            )
        result = handler(self._state, signed.signer, signed.call)
        self._state.ledger.use_nonce(signed.signer)
        self._digest.update(message)
        receipt = Receipt(self.block, len(self._calls), signed, result)
        self._calls.append(receipt)
        return receipt

    def call(self, key: Signer, call: Call) -> Receipt:
        """Sign and submit a call."""
        return self.submit(self.sign(key, call))

    def register(self, coldkey: Signer, netuid: int, hotkeys: Iterable[str]) -> tuple[int, ...]:
        """Register many hotkeys by burn, each with a signed call, and return their uids."""
        return tuple(self.call(coldkey, BurnedRegister(netuid, hotkey)).result for hotkey in hotkeys)

    def step(self, blocks: int = 1) -> tuple[Epoch, ...]:
        """Confirm the open block, let this many blocks pass and return the epochs that ran.

        Empty blocks cost next to nothing. Every other block is one transaction.
        """
        if type(blocks) is not int or not 1 <= blocks <= MAX_STEP:
            raise ChainError(f"step: {quoted(blocks)} blocks; allowed: 1 to {MAX_STEP:,} at once")
        self._check_open()
        target, epochs = self.block + blocks, []
        try:
            while self.block < target:
                epochs.extend(self._advance(min(target, self._next_event())))
        except BaseException:
            self.close()  # memory is ahead of the last confirmed block: only reopening is safe
            raise
        return tuple(epochs)

    def step_to_epoch(self, netuid: int) -> Epoch:
        """Let blocks pass until this subnet's next epoch has run, and return it."""
        self._state.subnet(netuid)
        while True:
            for epoch in self.step(self.next_epoch(netuid) - self.block):
                if epoch.netuid == netuid:
                    return epoch

    def next_epoch(self, netuid: int) -> int:
        """Return the block of the subnet's next epoch."""
        return emission.next_epoch(self._state.subnet(netuid), self.block, self.genesis.cadence)

    def metagraph(self, netuid: int) -> Metagraph:
        """Take a snapshot of the subnet's neurons."""
        return Metagraph.of(self._state, self._state.subnet(netuid))

    def subnet(self, netuid: int) -> Subnet:
        """Return the subnet itself: read it, don't write to it."""
        return self._state.subnet(netuid)

    def hyperparameters(self, netuid: int) -> Hyperparameters:
        """Return the subnet's rules."""
        return self._state.subnet(netuid).hyperparameters

    def balance(self, address: str) -> int:
        """Return the free balance, rao."""
        return self._state.ledger.balance(address)

    def stake(self, hotkey: str, coldkey: str | None = None) -> int:
        """Return the stake on a hotkey, everybody's or one coldkey's, rao."""
        return self._state.ledger.stake(hotkey, coldkey)

    def nonce(self, address: str) -> int:
        """Return the nonce that the address's next call must carry."""
        return self._state.ledger.nonces.get(address, 0)

    def owner(self, hotkey: str) -> str | None:
        """Return the coldkey that owns a hotkey, None if nobody does."""
        return self._state.ledger.owners.get(hotkey)

    def take(self, hotkey: str) -> int:
        """Return the part of its delegators' earnings that a hotkey keeps, in 1/65535."""
        return self._state.ledger.takes.get(hotkey, self.genesis.default_take)

    def lock_cost(self) -> int:
        """Return the rao that the next subnet locks."""
        return ownership.lock_cost(self._state)

    def burn_price(self, netuid: int) -> int:
        """Return the rao that the next registration burns."""
        return registration.burn_price(self._state.subnet(netuid), self.block)

    def difficulty(self, netuid: int) -> int:
        """Return the difficulty that a proof of work must meet."""
        return self._state.subnet(netuid).difficulty

    def _check_open(self) -> None:
        if self._closed:
            raise ChainError("this chain is closed; open it again")

    def _next_event(self) -> int:
        """Return the next block in which more happens than minting."""
        cadence = self.genesis.cadence
        soonest = self.block + 2**62
        for subnet in self._state.subnets.values():
            epoch = emission.next_epoch(subnet, self.block, cadence)
            soonest = min(soonest, epoch, max(self.block + 1, registration.next_adjustment(subnet)))
        return soonest

    def _advance(self, target: int) -> list[Epoch]:
        """Close the open block, skip empty ones, and open `target` as the chain does."""
        state = self._state
        closed, digest = self._calls, self._digest.digest() if self._calls else b""
        block, block_hash = state.block, state.block_hashes[state.block]
        while block < target:
            block += 1
            block_hash = _next_hash(block_hash, block, digest)
            digest = b""
            if target - block <= registration.POW_MAX_AGE:
                state.block_hashes[block] = block_hash
        for old in [number for number in state.block_hashes if number < target - registration.POW_MAX_AGE]:
            del state.block_hashes[old]
        emission.mint(state, target - state.block)
        state.block = target
        for subnet in state.subnets.values():
            if registration.next_adjustment(subnet) <= target:
                registration.adjust(subnet, target)
        epochs = emission.run_due_epochs(state)
        self._confirm(closed, epochs)
        self._calls, self._digest = [], _hasher()
        return epochs

    def _confirm(self, closed: list[Receipt], epochs: list[Epoch]) -> None:
        if self._store is not None:
            self._store.save(closed, epochs)
        ledger = self._state.ledger
        ledger.changed_accounts.clear()
        ledger.changed_hotkeys.clear()
        ledger.changed_stakes.clear()
        for subnet in self._state.subnets.values():
            subnet.changed = False
            subnet.changed_uids.clear()


def _hasher(content: bytes = b"") -> hashlib.blake2b:
    return hashlib.blake2b(content, digest_size=32)


def _next_hash(parent: bytes, block: int, calls: bytes) -> bytes:
    return _hasher(parent + block.to_bytes(8, "little") + calls).digest()
