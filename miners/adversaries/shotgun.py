"""The shotgun: a miner that guesses instead of reading."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Annotated

from pydantic import Field, PrivateAttr

from miners.miner import Miner
from subnets import SUBNETS, Answer, Cost, Query, Subnet, spend


class Shotgun(Miner):
    """Answers every query with the same guesses at what such tasks ask for, without looking at it."""

    honest = False
    description = "answers every page with the same guesses, never reading it"

    subnet: Annotated[Subnet, *SUBNETS.field()] = Field(default_factory=partial(SUBNETS.load, "ocr"))
    """The tasks that it expects: a subnet with its options."""
    count: int = Field(2_000, ge=1, le=10_000)
    """Maximum number of guesses; an answer holds no more than its subnet allows."""

    _guesses: Answer | None = PrivateAttr(None)
    _making: asyncio.Lock = PrivateAttr(default_factory=asyncio.Lock)

    async def forward(self, query: Query) -> Answer:
        """Return the guesses, made at the first query."""
        async with self._making:
            if self._guesses is None:
                cpu_s = await asyncio.to_thread(self._guess)
                spend(Cost(cpu_s=cpu_s))
            assert self._guesses is not None
            return self._guesses

    def _guess(self) -> float:
        """Make the guesses and return the CPU seconds that it took."""
        started = time.thread_time()
        self._guesses = self.subnet.guess(self.seed, self.count)
        return time.thread_time() - started
