"""Seeds: one number per run, from which every part gets its own.

    Seed(7).child("task", validator, round).integer()

Children of one seed are independent, and no child reveals its parent
(`numpy.random.SeedSequence` with a spawn key).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Seed:
    """A place in the tree of seeds."""

    entropy: int
    """Seed of the run, not negative."""
    key: tuple[int, ...] = ()

    def child(self, *path: int | str) -> Seed:
        """Return the seed at `path` below this one; words are hashed with CRC-32."""
        steps = tuple(zlib.crc32(step.encode()) if isinstance(step, str) else step for step in path)
        return Seed(self.entropy, self.key + steps)

    def integer(self) -> int:
        """Return 63 random bits, which fit a signed database integer."""
        return int(self._sequence().generate_state(1, np.uint64)[0] >> np.uint64(1))

    def rng(self) -> np.random.Generator:
        """Return a new generator in its initial state."""
        return np.random.default_rng(self._sequence())

    def _sequence(self) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.entropy, spawn_key=self.key)
