"""Miners for tests, benchmarks and drills, whose behaviour is known exactly and costs next to nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Literal

from pydantic import Field

from miners.miner import Miner
from miners.registry import AnyMiner
from subnets import Answer, Query, Seed


class Echo(Miner):
    """Answers with the prompt's own text."""

    description = "answers with the prompt's own text"

    async def forward(self, query: Query) -> Answer:
        """Return the last user turn, up to the longest allowed answer."""
        return Answer(text=query.prompt.text[:100_000])


class Gone(Miner):
    """Refuses every query: it has left the subnet and keeps its uid until somebody takes it."""

    honest = False
    description = "has left, and refuses every query"

    def blacklist(self, query: Query) -> str:
        """Refuse every caller."""
        return "this miner has left the subnet"

    async def forward(self, query: Query) -> Answer:
        """Fail; no query gets here."""
        raise RuntimeError("this miner has left the subnet")


class Silent(Miner):
    """Accepts the query and never answers."""

    description = "never answers"

    async def forward(self, query: Query) -> Answer:
        """Wait until cancelled."""
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


class Slow(Miner):
    """Answers like another miner, but with a delay."""

    description = "answers as another miner does, after a delay"
    employs = ("miner",)

    miner: AnyMiner = Field(default_factory=Echo)
    """The miner that answers."""
    delay_s: float = Field(0.5, ge=0)
    """Delay beyond the time that the inner miner takes."""

    async def forward(self, query: Query) -> Answer | bytes:
        """Have the inner miner answer, then wait."""
        answer = await self.miner.forward(query)
        await asyncio.sleep(self.delay_s)
        return answer


class Crashing(Miner):
    """Fails, always or sometimes, by raising or by killing its whole process."""

    description = "fails, always or with a given probability"

    probability: float = Field(1.0, ge=0, le=1)
    """Probability of failing at a query, drawn from the query's id; otherwise it echoes."""
    how: Literal["raise", "exit", "kill"] = "raise"
    """"raise" raises an error; "exit" ends the process at once, and "kill" does so with a signal that can't be caught.
    Everything else in the process dies with it."""

    async def forward(self, query: Query) -> Answer:
        """Fail, or echo."""
        if Seed(self.seed).child("crash", query.id).rng().random() >= self.probability:
            return Answer(text=query.prompt.text[:100_000])
        if self.how == "exit":
            os._exit(70)
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise RuntimeError("this miner crashes on purpose")
