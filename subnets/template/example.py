"""The template's own example, in its shape: doubling a number."""

from __future__ import annotations

import random
from typing import Any

from .loading import bittensor

bt: Any = bittensor()


class Doubling(bt.Synapse):  # type: ignore[misc]
    """Asks for twice a number."""

    dummy_input: int
    dummy_output: int | None = None

    def deserialize(self) -> int | None:
        """Return the answer."""
        return self.dummy_output


class Doubler:
    """A miner that doubles."""

    async def forward(self, synapse: Doubling) -> Doubling:
        """Fill in the answer."""
        synapse.dummy_output = 2 * synapse.dummy_input
        return synapse

    async def blacklist(self, synapse: Doubling) -> tuple[bool, str]:
        """Serve everybody."""
        return False, "everybody is served"

    async def priority(self, synapse: Doubling) -> float:
        """Serve everybody alike."""
        return 0.0


def make_task(seed: int) -> tuple[Doubling, int]:
    """Return a question, and what `reward` gets as its query."""
    number = random.Random(seed).randrange(1, 1_000_000)
    return Doubling(dummy_input=number), number


def answer(query: int) -> Doubling:
    """Return the right answer."""
    return Doubling(dummy_input=query, dummy_output=2 * query)


def reward(query: int, response: int | None) -> float:
    """Pay for the right number and nothing else."""
    return 1.0 if response == 2 * query else 0.0
