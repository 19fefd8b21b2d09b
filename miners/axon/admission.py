"""Admission: which requests are let in, and in which order they are served.

A request takes up room before its body is read. When room runs out, the waiting request of the caller with the lowest
stake gives way, so slow or numerous requests of one caller keep out nobody with more stake. Slots go by priority, then
by arrival. A caller with a validator permit never waits for one without. The slot that it leaves stays reserved for
callers with a permit for a moment, because its next query would evict any other work started there.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from .protocol import Code, Refusal

RESERVED_S = 0.25
"""Time for which a slot stays reserved: longer than a validator on the other side of the world needs to ask again."""


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
    """Room for waiting requests, and slots to serve them."""

    def __init__(self, slots: int, waiting: int, per_caller: int) -> None:
        self.slots = slots
        self._room, self._per_caller = slots + waiting, per_caller
        self._inside: set[Visit] = set()
        self._by_caller: Counter[str] = Counter()
        self._arrivals = itertools.count()
        self._serving = 0
        self._reserved: deque[float] = deque()
        """When each reservation ends, by the event loop's clock."""

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
        """Wait for a slot, which the request keeps until `leave`."""
        visit.turn = asyncio.get_running_loop().create_future()
        self._start_next()
        if not visit.turn.done() and visit.permit:
            self._free_a_place_for(visit)
        await visit.turn

    def leave(self, visit: Visit) -> None:
        """Remove a request, whatever its outcome; its slot goes to the next."""
        if visit.served:
            visit.served = False
            self._serving -= 1
            if visit.permit:
                loop = asyncio.get_running_loop()
                self._reserved.append(loop.time() + RESERVED_S)
                loop.call_later(RESERVED_S, self._start_next)
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
        while self._reserved and self._reserved[0] <= now:
            self._reserved.popleft()
        while self._serving < self.slots:
            waiting = [visit for visit in self._inside if visit.turn is not None and not visit.turn.done()]
            if self.slots - self._serving <= len(self._reserved):
                waiting = [visit for visit in waiting if visit.permit]
            if not waiting:
                return
            first = max(waiting, key=lambda visit: visit.rank)
            assert first.turn is not None
            first.turn.set_result(None)
            first.served = True
            self._serving += 1
            if first.permit and self._reserved:
                self._reserved.popleft()

    def _forget(self, visit: Visit) -> None:
        if visit in self._inside:
            self._inside.discard(visit)
            self._by_caller[visit.caller] -= 1
            if not self._by_caller[visit.caller]:
                del self._by_caller[visit.caller]
