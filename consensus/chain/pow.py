"""Proof of work for a registration: the chain's seal, checking it and solving it.

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
    """The 32 bytes of one try."""
    return _seal(_target(block_hash, hotkey), nonce)


def meets(seal: bytes, difficulty: int, order: ByteOrder = "little") -> bool:
    """Whether a seal is good enough."""
    return int.from_bytes(seal, order) * difficulty < 2**256


def solve(
    block_hash: bytes,
    hotkey: str,
    difficulty: int,
    nonces: Iterable[int] | None = None,
    order: ByteOrder = "little",
) -> int | None:
    """The first nonce that meets the difficulty; tries 0, 1, 2, … or the ones given. None if those run out.

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
