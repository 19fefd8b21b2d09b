"""Miners that want pay without work: what a grader must see through."""

from __future__ import annotations

from pydantic import Field

from subnets import Answer, Query

from .miner import Miner, overhear
from .ocr import TesseractReader
from .registry import AnyMiner


class Copycat(Miner):
    """Relays what another miner of its host answers to the same query."""

    honest = False
    description = "relays another miner's answer as its own"

    victim: AnyMiner = Field(default_factory=TesseractReader)
    """Whose answer it relays: a miner of the run with the same options. Where there is none it does the work itself."""

    async def forward(self, query: Query) -> Answer | bytes:
        """Wait for the victim's answer and pass it on."""
        return await overhear(self.victim, query)
