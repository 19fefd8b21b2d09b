"""Random numbers as in upstream's guarantee plots, so that a published line can be reproduced from its own draw.

Upstream uses Rust's `StdRng::seed_from_u64` (rand 0.8): ChaCha with 12 rounds (the block of RFC 8439, section 2.3,
with a 64-bit counter from 0) and a key that PCG32 derives from the seed. Normal numbers come from pairs of 16-bit
uniform numbers by the Box-Muller transform.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Words = NDArray[np.uint32]

_CONSTANTS = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574)
_COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
_DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def std_rng(seed: int, count: int) -> Words:
    """Return the first `count` 32-bit words of `StdRng::seed_from_u64(seed)`."""
    return chacha12(_key(seed), count)


def chacha12(key: Sequence[int], count: int) -> Words:
    """Return the first `count` words of ChaCha with 12 rounds, no nonce and a key of eight words."""
    blocks = -(-count // 16)
    start = np.zeros((16, blocks), np.uint32)
    start[:4] = np.array(_CONSTANTS, np.uint32)[:, None]
    start[4:12] = np.array(key, np.uint32)[:, None]
    counter = np.arange(blocks, dtype=np.uint64)
    start[12], start[13] = counter & 0xFFFFFFFF, counter >> 32
    state = start.copy()
    for _ in range(6):
        for a, b, c, d in (*_COLUMNS, *_DIAGONALS):
            for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                state[x] += state[y]
                mixed = state[z] ^ state[x]
                state[z] = mixed << bits | mixed >> (32 - bits)
    words: Words = (state + start).T.reshape(-1)[:count]
    return words


def normals(words: Words) -> Floats:
    """Turn words (..., 2 k) into standard normal numbers (..., k): the first half are radii, the second half angles."""
    uniform = (words.astype(np.uint64) * 65535 >> 32) / 65535 + 1e-6
    radii, angles = np.split(uniform, 2, axis=-1)
    drawn: Floats = np.sqrt(-2 * np.log(radii)) * np.cos(2 * np.pi * angles)
    return drawn


def _key(seed: int) -> list[int]:
    """Expand a seed into eight words of PCG32 (XSH-RR), each after one step, as rand_core 0.6 does."""
    key = []
    state = seed
    for _ in range(8):
        state = (state * 6364136223846793005 + 11634580027462260723) % 2**64
        mixed = ((state >> 18 ^ state) >> 27) % 2**32
        turn = state >> 59
        key.append((mixed >> turn | mixed << (32 - turn)) % 2**32)
    return key
