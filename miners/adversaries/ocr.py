"""Miners that want pay without work: what a grader must see through."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from pydantic import Field, PrivateAttr

from miners.miner import Miner, overhear
from miners.ocr import TesseractReader
from miners.registry import AnyMiner
from subnets import SUBNETS, Answer, Cost, Query, spend
from subnets.ocr import MAX_SECTIONS, OCR, OCRAnswer


class Copycat(Miner):
    """Relays what another miner of its host answers to the same query."""

    honest = False
    description = "relays another miner's answer as its own"
    needs_miners = ("victim",)

    victim: AnyMiner = Field(default_factory=TesseractReader)
    """Whose answer it relays: a miner of the run with the same options. Where there is none it does the work itself."""

    async def forward(self, query: Query) -> Answer | bytes:
        """Wait for the victim's answer and pass it on."""
        return await overhear(self.victim, query)


class Shotgun(Miner):
    """Answers every page with the same guesses at what such pages hold; never looks at one."""

    honest = False
    description = "answers every page with the same guesses, never reading it"

    subnet: Annotated[OCR, *SUBNETS.field()] = Field(default_factory=OCR)
    """The pages that it expects: options of the OCR subnet."""
    count: int = Field(MAX_SECTIONS, ge=1, le=MAX_SECTIONS)
    """Guesses at most."""

    _guesses: OCRAnswer | None = PrivateAttr(None)
    _making: asyncio.Lock = PrivateAttr(default_factory=asyncio.Lock)

    async def forward(self, query: Query) -> OCRAnswer:
        """Return the guesses; the first time they are made."""
        async with self._making:
            if self._guesses is not None:
                return self._guesses
            answer, cpu_s = await asyncio.to_thread(self._guess)
            spend(Cost(cpu_s=cpu_s))
            self._guesses = answer
            return answer

    def _guess(self) -> tuple[OCRAnswer, float]:
        from subnets.ocr.guesses import guesses

        started = time.thread_time()
        return guesses(self.subnet, self.count, self.seed), time.thread_time() - started
