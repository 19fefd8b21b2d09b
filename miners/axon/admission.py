"""Admission: which requests are let in, and in which order they are served.

A request takes up room before its body is read, ranked by its caller's stake, so that slow or many requests of one
caller keep out nobody with more stake: when room runs out, the lowest request not yet served gives way. Turns go by
priority, then by arrival. A caller with a validator permit never waits for one without. The place that it leaves is
kept for others with a permit for a moment, because work started there would be ended by its next query.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from .protocol import Code, Refusal

KEEP_S = 0.25
"""Time that a place is kept: longer than a validator on the other side of the world takes to its next query."""


@dataclass(eq=False, slots=True)
class Visit:
    """One request, from its envelope to its reply."""

    caller: str
    priority: float
    permit: bool
    arrival: int = 0
    work: asyncio.Task[Any] | None = None
    """The task to cancel when the request has to give way."""
    evicted: str = ""
    """Reason for giving way."""
    turn: asyncio.Future[None] | None = field(default=None)
    served: bool = False

    @property
    def rank(self) -> tuple[float, int]:
        """Sort key; the greatest is served next."""
        return (self.priority, -self.arrival)

    def evict(self, reason: str) -> None:
        """Make the request give way."""
        self.evicted = reason
        if self.work is not None:
            self.work.cancel()


class Admission:
    """Room for waiting requests, and places to serve them."""

    def __init__(self, places: int, waiting: int, per_caller: int) -> None:
        self.places = places
        self._room, self._per_caller = places + waiting, per_caller
        self._inside: set[Visit] = set()
        self._by_caller: Counter[str] = Counter()
        self._arrivals = itertools.count()
        self._serving = 0
        self._kept: deque[float] = deque()
        """End of each kept place's time, by the event loop's clock."""

    def __len__(self) -> int:
        return len(self._inside)

    def enter(self, visit: Visit) -> None:
        """Let a request in; raises Refusal if there is no room."""
        if self._by_caller[visit.caller] >= self._per_caller:
            raise Refusal(Code.RATE, f"at most {self._per_caller} requests at once")
        visit.arrival = next(self._arrivals)
        if len(self._inside) >= self._room:
            lowest = min(
                (other for other in self._inside if not other.served), key=lambda other: other.rank, default=None
            )
            if lowest is None or lowest.rank >= visit.rank:
                raise Refusal(Code.BUSY, "no room; others of higher priority wait")
            lowest.evict("made room for a request of higher priority")
            self._forget(lowest)
        self._inside.add(visit)
        self._by_caller[visit.caller] += 1

    async def turn_of(self, visit: Visit) -> None:
        """Wait for a place, which the request keeps until `leave`."""
        visit.turn = asyncio.get_running_loop().create_future()
        self._start_next()
        if not visit.turn.done() and visit.permit:
            self._free_a_place_for(visit)
        await visit.turn

    def leave(self, visit: Visit) -> None:
        """Remove a request, whatever its outcome; its place goes to the next."""
        if visit.served:
            visit.served = False
            self._serving -= 1
            if visit.permit:
                loop = asyncio.get_running_loop()
                self._kept.append(loop.time() + KEEP_S)
                loop.call_later(KEEP_S, self._start_next)
        visit.turn = None
        self._forget(visit)
        self._start_next()

    def _free_a_place_for(self, visit: Visit) -> None:
        yielding = [
            other
            for other in self._inside
            if other.served and not other.evicted and not other.permit and other.rank < visit.rank
        ]
        if yielding:
            min(yielding, key=lambda other: other.rank).evict("gave way to a validator with a permit")

    def _start_next(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._kept and self._kept[0] <= now:
            self._kept.popleft()
        while self._serving < self.places:
            waiting = [visit for visit in self._inside if visit.turn is not None and not visit.turn.done()]
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
