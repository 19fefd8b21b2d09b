"""Signed calls: the only way to change a chain's state.

A call says what to do; `sign_call` adds the signer, its nonce and the chain:

    signed = sign_call(key, Transfer(to=address, amount_rao=5), nonce=0, genesis_hash=chain.genesis_hash)

A coldkey signs for money and ownership; a hotkey signs for weights and endpoints.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self

import numpy as np

from consensus.errors import CallRefused, WeightsRefused


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move balance to another coldkey."""

    to: str
    amount_rao: int


@dataclass(frozen=True, slots=True)
class Faucet:
    """Mint balance for the signer; development chains only. None mints the chain's default amount."""

    amount_rao: int | None = None


@dataclass(frozen=True, slots=True)
class CreateSubnet:
    """Lock the cost of a subnet and own it. The hotkey, if one is given, becomes its uid 0, as on the real chain."""

    hotkey: str | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    """Values that differ from the defaults; development chains only."""


@dataclass(frozen=True, slots=True)
class SetHyperparameters:
    """Change some of a subnet's rules; its owner's coldkey signs."""

    netuid: int
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BurnedRegister:
    """Register a hotkey by burning the subnet's current price; the coldkey that will own it signs."""

    netuid: int
    hotkey: str


@dataclass(frozen=True, slots=True)
class PowRegister:
    """Register a hotkey by proof of work on a recent block; the coldkey that will own it signs."""

    netuid: int
    hotkey: str
    block: int
    work_nonce: int
    """The number that `consensus.chain.pow.solve` found."""


@dataclass(frozen=True, slots=True)
class AddStake:
    """Move balance into stake on a hotkey, the signer's own or somebody else's (delegation)."""

    hotkey: str
    amount_rao: int


@dataclass(frozen=True, slots=True)
class RemoveStake:
    """Move stake from a hotkey back to the signer's balance."""

    hotkey: str
    amount_rao: int


@dataclass(frozen=True, slots=True)
class SetTake:
    """Set the part of its delegators' earnings that a hotkey keeps, in 1/65535; its coldkey signs."""

    hotkey: str
    take: int


@dataclass(frozen=True, slots=True)
class SetWeights:
    """Set one validator's row; its hotkey signs. The values are u16; the chain scales the largest to 65535."""

    netuid: int
    uids: tuple[int, ...]
    values: tuple[int, ...]
    version: int = 0
    mechanism: int = 0

    @classmethod
    def of(cls, netuid: int, uids: Sequence[int], weights: Sequence[float], version: int = 0) -> Self:
        """Convert floats of any scale: the largest becomes 65535, zeros stay. Refuses NaN, infinity and negatives."""
        try:
            row, whole = np.asarray(weights, np.float64), tuple(map(int, uids))
        except (TypeError, ValueError, OverflowError) as error:
            raise WeightsRefused("value", f"uids and weights are not sequences of numbers: {error}") from None
        if row.ndim != 1:
            raise WeightsRefused("value", f"the weights have {row.ndim} dimensions; allowed: 1")
        bad = ~(np.isfinite(row) & (row >= 0))
        if bad.any():
            position = int(np.argmax(bad))
            uid = uids[position] if position < len(uids) else "?"
            raise WeightsRefused("value", f"weight of uid {uid} is {row[position]}; allowed: finite and not negative")
        top = row.max(initial=0.0)
        values = np.floor(row / top * 65535 + 0.5) if top > 0 else row
        return cls(netuid, whole, tuple(values.astype(np.int64).tolist()), version)


@dataclass(frozen=True, slots=True)
class CommitWeights:
    """Store the hash of a row that will be revealed later; the hotkey signs. `commit_hash` computes it."""

    netuid: int
    commit_hash: str


@dataclass(frozen=True, slots=True)
class RevealWeights:
    """Reveal the row behind a commit, with its salt, `commit_reveal_period` epochs later; the hotkey signs."""

    netuid: int
    uids: tuple[int, ...]
    values: tuple[int, ...]
    salt: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class ServeAxon:
    """Publish the address at which a neuron answers; the hotkey signs."""

    netuid: int
    ip: str
    port: int
    protocol: int = 4
    version: int = 0


Call = (
    Transfer
    | Faucet
    | CreateSubnet
    | SetHyperparameters
    | BurnedRegister
    | PowRegister
    | AddStake
    | RemoveStake
    | SetTake
    | SetWeights
    | CommitWeights
    | RevealWeights
    | ServeAxon
)
"""Every kind of call."""

CALLS: dict[str, type[Call]] = {
    call.__name__: call
    for call in (
        Transfer,
        Faucet,
        CreateSubnet,
        SetHyperparameters,
        BurnedRegister,
        PowRegister,
        AddStake,
        RemoveStake,
        SetTake,
        SetWeights,
        CommitWeights,
        RevealWeights,
        ServeAxon,
    )
}


class Signer(Protocol):
    """A key that can sign, such as a bittensor_wallet Keypair."""

    @property
    def ss58_address(self) -> str:
        """Address that verifies the signature."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the sr25519 signature of these bytes."""


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call with its signer, the signer's nonce, the chain it is for, and the signature of all that."""

    call: Call
    signer: str
    nonce: int
    genesis_hash: str
    signature: bytes

    @property
    def message(self) -> bytes:
        """The bytes that the signature covers."""
        return _message(self.call, self.signer, self.nonce, self.genesis_hash)


def sign_call(key: Signer, call: Call, *, nonce: int, genesis_hash: str) -> SignedCall:
    """Sign a call for one chain, with the signer's next nonce there."""
    signature = key.sign(_message(call, key.ss58_address, nonce, genesis_hash))
    return SignedCall(call, key.ss58_address, nonce, genesis_hash, signature)


def call_fields(call: Call) -> dict[str, Any]:
    """Return the call's fields, ready for JSON."""
    values = {entry.name: getattr(call, entry.name) for entry in fields(call)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def commit_hash(hotkey: str, call: SetWeights, salt: str) -> str:
    """Return the commit of a row and a secret salt: blake2b-256, hexadecimal."""
    secret = [hotkey, call.netuid, list(call.uids), list(call.values), salt, call.version]
    return hashlib.blake2b(json.dumps(secret).encode(), digest_size=32).hexdigest()


def _message(call: Call, signer: str, nonce: int, genesis_hash: str) -> bytes:
    content = [type(call).__name__, call_fields(call), signer, nonce, genesis_hash]
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CallRefused("form", f"{type(call).__name__} can't be written as JSON: {error}") from error
    return b"subnetlab call 1\n" + text.encode()
