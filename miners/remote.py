"""The remote miner: somebody else's miner, reached over HTTP.

[[miners]]
kind = "remote"
dendrite = {url = "https://miner.example:8091", hotkey = "5F...", wallet = "validator"}
"""

from __future__ import annotations

from pydantic import Field

from subnets import Query

from .axon.dendrite import Dendrite
from .miner import Miner


class Remote(Miner):
    """Forwards queries to somebody else's miner."""

    metered = False
    description = "asks somebody else's miner over HTTP"

    dendrite: Dendrite = Field(default_factory=Dendrite)
    """How the other miner is reached and trusted; docs/remote.md lists its keys."""

    async def forward(self, query: Query) -> bytes:
        """Return the answer that the miner signed."""
        return await self.dendrite.ask(query)
