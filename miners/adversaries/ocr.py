"""The shotgun: a miner of pages that guesses instead of reading."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from pydantic import Field, PrivateAttr

from miners.miner import Miner
from subnets import SUBNETS, Cost, Query, spend
from subnets.ocr import MAX_SECTIONS, OCR, OCRAnswer, guesses


class Shotgun(Miner):
    """Answers every page with the same guesses at the contents of such pages, without looking at it."""

    honest = False
    description = "answers every page with the same guesses, never reading it"

    subnet: Annotated[OCR, *SUBNETS.field()] = Field(default_factory=OCR)
    """The pages that it expects: options of the OCR subnet."""
    count: int = Field(MAX_SECTIONS, ge=1, le=MAX_SECTIONS)
    """Maximum number of guesses."""

    _guesses: OCRAnswer | None = PrivateAttr(None)
    _making: asyncio.Lock = PrivateAttr(default_factory=asyncio.Lock)

    async def forward(self, query: Query) -> OCRAnswer:
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
        self._guesses = guesses(self.subnet, self.count, self.seed)
        return time.thread_time() - started
