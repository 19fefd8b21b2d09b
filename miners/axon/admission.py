"""Admission: who is let in, who waits, whose turn is next.

A request takes up room before its body is read, by its caller's stake, so that slow or many requests of one caller
keep out nobody of higher stake: where there is no room, the lowest of those that are not served yet gives way. Turns
go by priority, then by arrival. A caller with a validator permit never waits for the work of one without, and the
place that it leaves is kept for its like for a moment: else work would be begun that its next query ends.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from .protocol import Code, Refusal

KEEP_S = 0.25
"""How long a place is kept: more than a validator at the other end of the world takes to its next query."""


@dataclass(eq=False, slots=True)
class Visit:
    """One request, from its envelope to its reply."""

    caller: str
    priority: float
    permit: bool
    arrival: int = 0
    work: asyncio.Task[Any] | None = None
    """What ends when the visit has to give way."""
    evicted: str = ""
    """Why it had to."""
    turn: asyncio.Future[None] | None = field(default=None)
    served: bool = False

    @property
    def rank(self) -> tuple[float, int]:
        """The greatest is next."""
        return (self.priority, -self.arrival)

    def evict(self, reason: str) -> None:
        """End it."""
        self.evicted = reason
        if self.work is not None:
            self.work.cancel()


class Admission:
    """Room for requests, and places where they are served."""

    def __init__(self, places: int, waiting: int, per_caller: int) -> None:
        self.places = places
        self._room, self._per_caller = places + waiting, per_caller
        self._inside: set[Visit] = set()
        self._by_caller: Counter[str] = Counter()
        self._arrivals = itertools.count()
        self._serving = 0
        self._kept: deque[float] = deque()
        """Until when each kept place is, by the event loop's clock."""

    def __len__(self) -> int:
        return len(self._inside)

    def enter(self, visit: Visit) -> None:
        """Let a request in; raises Refusal where there is no room for it."""
        if self._by_caller[visit.caller] >= self._per_caller:
            raise Refusal(Code.RATE, f"at most {self._per_caller} requests at once")
        visit.arrival = next(self._arrivals)
        if len(self._inside) >= self._room:
            lowest = min((other for other in self._inside if not other.served), key=lambda v: v.rank, default=None)
            if lowest is None or lowest.rank >= visit.rank:
                raise Refusal(Code.BUSY, "no room; others of higher priority wait")
            lowest.evict("made room for a request of higher priority")
            self._forget(lowest)
        self._inside.add(visit)
        self._by_caller[visit.caller] += 1

    async def turn_of(self, visit: Visit) -> None:
        """Wait for a place; whoever gets one keeps it until `leave`."""
        visit.turn = asyncio.get_running_loop().create_future()
        self._next()
        if not visit.turn.done() and visit.permit:
            self._free_a_place_for(visit)
        await visit.turn

    def leave(self, visit: Visit) -> None:
        """Let a request out, whatever became of it; its place goes to the next."""
        if visit.served:
            visit.served = False
            self._serving -= 1
            if visit.permit:
                loop = asyncio.get_running_loop()
                self._kept.append(loop.time() + KEEP_S)
                loop.call_later(KEEP_S, self._next)
        visit.turn = None
        self._forget(visit)
        self._next()

    def _free_a_place_for(self, visit: Visit) -> None:
        yielding = [
            other
            for other in self._inside
            if other.served and not other.evicted and not other.permit and other.rank < visit.rank
        ]
        if yielding:
            min(yielding, key=lambda other: other.rank).evict("gave way to a validator with a permit")

    def _next(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._kept and self._kept[0] <= now:
            self._kept.popleft()
        while self._serving < self.places:
            waiting = [v for v in self._inside if v.turn is not None and not v.turn.done()]
            if self.places - self._serving <= len(self._kept):
                waiting = [visit for visit in waiting if visit.permit]
            if not waiting:
                return
            first = max(waiting, key=lambda visit: visit.rank)
            assert first.turn is not None
            first.turn.set_result(None)
            first.served = True
            self._serving += 1
            if first.permit and self._kept:
                self._kept.popleft()

    def _forget(self, visit: Visit) -> None:
        if visit in self._inside:
            self._inside.discard(visit)
            self._by_caller[visit.caller] -= 1
            if not self._by_caller[visit.caller]:
                del self._by_caller[visit.caller]
