"""Pending queries: one query to one miner, until its response arrives."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from subnets import Query, Response


@dataclass(eq=False, slots=True)
class QueryBatch:
    """One call of `Scheduler.query`; when the call ends, so does everything that runs for it."""

    query: Query
    packed: Any
    """The query as the pool packed it for its hosts."""
    runs: set[asyncio.Task[None]] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class PendingQuery:
    """One query to one miner, until its response arrives."""

    uid: int
    batch: QueryBatch
    rank: tuple[float, int]
    """Negated priority, then order of arrival; the smallest is served first."""
    response: asyncio.Future[Response]
    created: float
    """Time of the event loop's clock."""
    started: float | None = None
    """When it was given to its miner, or None; of several that a host serves in turn only the first has started."""
    limit: asyncio.Timeout | None = None
    """Ends its run if the host hangs; set while it waits for its turn on a host or has it."""
    died_alone: bool = False
    """True once a host or an engine has died while serving this query alone."""
    engine_down_since: float | None = None
    """When its engine was first seen reopening."""
    followers: list[PendingQuery] = field(default_factory=list)
    """Queries that are served after this one."""

    def __lt__(self, other: PendingQuery) -> bool:
        return self.rank < other.rank

    @property
    def answered(self) -> bool:
        """True once it has its response, or was cancelled."""
        return self.response.done()
