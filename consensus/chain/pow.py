"""Proof of work for a registration: the chain's seal, its check and its solver.

seal = keccak256(sha256(nonce as 8 bytes, little-endian, + keccak256(block hash + hotkey))); it meets a difficulty if
the seal, read as a number, times the difficulty stays below 2^256. The chain's later code reads it little-endian;
the miner in `bittensor` up to 10 solves for big-endian.
"""

import hashlib
import itertools
from collections.abc import Iterable
from typing import Literal

from bittensor_wallet import Keypair
from Crypto.Hash import keccak

ByteOrder = Literal["little", "big"]


def seal(block_hash: bytes, hotkey: str, nonce: int) -> bytes:
    """Compute the seal of a nonce, 32 bytes."""
    return _seal(_target(block_hash, hotkey), nonce)


def meets(seal: bytes, difficulty: int, order: ByteOrder = "little") -> bool:
    """Return whether a seal meets the difficulty."""
    return int.from_bytes(seal, order) * difficulty < 2**256


def solve(
    block_hash: bytes,
    hotkey: str,
    difficulty: int,
    nonces: Iterable[int] | None = None,
    order: ByteOrder = "little",
) -> int | None:
    """Find the first nonce that meets the difficulty among 0, 1, 2, … or the given ones; None if those run out.

    About `difficulty` tries are needed; one core makes some 200,000 a second.
    """
    target = _target(block_hash, hotkey)
    limit = (2**256 - 1) // difficulty
    for nonce in itertools.count() if nonces is None else nonces:
        if int.from_bytes(_seal(target, nonce), order) <= limit:
            return nonce
    return None


def _target(block_hash: bytes, hotkey: str) -> bytes:
    public_key = Keypair(ss58_address=hotkey).public_key
    assert public_key is not None, "an address always holds its public key"
    return _keccak(block_hash + public_key)


def _seal(target: bytes, nonce: int) -> bytes:
    return _keccak(hashlib.sha256(nonce.to_bytes(8, "little") + target).digest())


def _keccak(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()
