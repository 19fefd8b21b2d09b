"""Turns: the queries that a host which serves one at a time was given, in the order in which it serves them.

The clock of a query starts when its turn comes: when the answer to the one before it arrives.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cluster.hosts.host import LINGER_S
from subnets import Query

from .pending import PendingQuery

HUNG_S = 10.0
"""Silence beyond the longest time that a host may take for a query; then the host counts as hung."""


@dataclass(eq=False, slots=True)
class Turns:
    """The queries of one host whose turn has not ended."""

    queue: deque[PendingQuery] = field(default_factory=deque)
    struck: PendingQuery | None = None
    """The query whose turn it was when the host last died or hung."""

    def add(self, queries: Iterable[PendingQuery]) -> None:
        """Give the host more queries."""
        self.queue.extend(queries)
        self._begin()

    def limit(self, queries: Sequence[PendingQuery], limit: asyncio.Timeout | None) -> None:
        """Have a run of queries end if the host takes too long for one of them; None ends that."""
        for pending in queries:
            pending.limit = limit
            if limit is not None and pending.started is not None:
                limit.reschedule(pending.started + patience_s(pending.batch.query))

    def skip_to(self, answered: PendingQuery) -> None:
        """End the turns before that of a query with an answer: a host serves in order, so they get none."""
        if answered in self.queue:
            while self.queue[0] is not answered:
                self.queue.popleft()

    def end(self, pending: PendingQuery) -> None:
        """End the turn of a query, or take it out before its turn has come."""
        pending.limit = None
        if self.queue and self.queue[0] is pending:
            self.queue.popleft()
            self._begin()
        elif pending in self.queue:
            self.queue.remove(pending)

    def strike(self) -> None:
        """Note which query is served while the host dies."""
        self.struck = self.queue[0] if self.queue else None

    def _begin(self) -> None:
        if self.queue and (pending := self.queue[0]).started is None:
            pending.started = asyncio.get_running_loop().time()
            if pending.limit is not None:
                pending.limit.reschedule(pending.started + patience_s(pending.batch.query))


def patience_s(query: Query) -> float:
    """Return how long a host may take for a query before it counts as hung.

    It may first wait for an engine, and a miner's time is doubled if another miner held the event loop.
    """
    return 3 * query.timeout_s + LINGER_S + HUNG_S
