"""The copycat: a miner that lets another one do its work."""

from __future__ import annotations

from pydantic import Field

from miners.miner import Miner, overhear
from miners.ocr import TesseractReader
from miners.registry import AnyMiner
from subnets import Answer, Query


class Copycat(Miner):
    """Relays the answer of another miner on its host to the same query."""

    honest = False
    description = "relays another miner's answer as its own"
    needs_miners = ("victim",)

    victim: AnyMiner = Field(default_factory=TesseractReader)
    """The miner to copy, one of the run with the same options. If the run has none, the copycat works itself."""

    async def forward(self, query: Query) -> Answer | bytes:
        """Wait for the victim's answer and pass it on."""
        return await overhear(self.victim, query)
