"""A crew: the hosts of a group, what waits for them, and who is served next where.

Copycats that wait where their victims were served come first, then the rest by priority and arrival, on the least busy
host. What is suspected of having killed a host is served apart, before all else.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.hosts.host import LINGER_S
from cluster.hosts.host_link import HostLink
from cluster.status import State
from subnets import Query, Response

SPARE_S = 30.0
"""Of a deadline that nobody set: room for a host that is made anew."""
HUNG_S = 10.0
"""Silence beyond the longest time that a host may take for a query, before it is given up."""
HELD_S = 60.0
"""Silence that a host is allowed at least where no query waits for it: a caller's own patience may be short."""


@dataclass(eq=False, slots=True)
class PendingQuery:
    """One query to one miner, until its response is there."""

    uid: int
    call: QueryBatch
    rank: tuple[float, int]
    """Priority, negated, and arrival: the smallest goes first."""
    done: asyncio.Future[Response]
    created: float
    """By the event loop's clock."""
    started: float | None = None
    died_alone: bool = False
    """Whether a host or an engine has died while it served this and nothing else."""
    waits_since: float | None = None
    """When it was first found that its engine was being opened again."""
    followers: list[PendingQuery] = field(default_factory=list)
    """Copycats that wait for this answer."""

    def __lt__(self, other: PendingQuery) -> bool:
        return self.rank < other.rank


@dataclass(eq=False, slots=True)
class QueryBatch:
    """One call of `Scheduler.query`: everything that was asked in it ends with it."""

    query: Query
    parcel: Any
    runs: set[asyncio.Task[None]] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class HostSlot:
    """One host of a crew."""

    link: HostLink
    free: int
    up: bool = True
    life: int = 0
    """How often it was made anew."""
    fresh: bool = True
    """Whether it has served nobody in this life."""
    apart: bool = False
    """Whether it serves suspects, and takes nothing else."""
    leaving: bool = False
    """Whether it takes nothing new, to be made anew elsewhere."""
    probed: bool = False
    """Whether it is being asked for a sign of life."""
    pinned: list[PendingQuery] = field(default_factory=list)
    """A heap: copycats whose victims were served here."""

    @property
    def state(self) -> State:
        """How it is, for those who look on."""
        return "being made anew" if not self.up else "leaving" if self.leaving else "up"


@dataclass(eq=False, slots=True)
class HostGroup:
    """The hosts of a group, and what waits for them."""

    name: str
    slots: int
    seats: list[HostSlot]
    waiting: list[PendingQuery] = field(default_factory=list)
    """A heap."""
    suspects: list[list[PendingQuery]] = field(default_factory=list)
    """Each to be served apart: what was in flight on hosts that died, by call; the last is next."""
    running: set[PendingQuery] = field(default_factory=set)
    gone: str = ""
    """Why there are no hosts left."""

    @property
    def staffed(self) -> bool:
        """Whether any of its hosts can serve."""
        return any(seat.up for seat in self.seats)

    @property
    def queued(self) -> int:
        """Queries that are on no host, copycats that wait for a running victim left out."""
        batches = (self.waiting, *self.suspects, *(seat.pinned for seat in self.seats))
        return sum(1 + len(ticket.followers) for batch in batches for ticket in batch)

    def deal(self) -> Iterator[tuple[HostSlot, list[PendingQuery]]]:
        """Take out all that a free place can be found for, by host and call; each is to be started before the next."""
        while self.suspects:
            idle = [seat for seat in self.seats if seat.up and not seat.leaving and seat.free == self.slots]
            if not idle:
                return  # no other work meanwhile, so that one will be
            seat = max(idle, key=lambda seat: seat.fresh)
            seat.apart = True
            yield seat, self.suspects.pop()
        batches: dict[tuple[int, int], tuple[HostSlot, list[PendingQuery]]] = {}
        free = {id(seat): seat.free for seat in self.seats if seat.up and not seat.apart}
        while able := [seat for seat in self.seats if free.get(id(seat), 0) > 0 and self._next(seat)]:
            seat = max(able, key=lambda seat: (bool(seat.pinned), not seat.probed, free[id(seat)]))
            ticket = heapq.heappop(self._next(seat))
            free[id(seat)] -= 1
            batches.setdefault((id(seat), id(ticket.call)), (seat, []))[1].append(ticket)
        yield from batches.values()

    def _next(self, seat: HostSlot) -> list[PendingQuery]:
        """Return what a host may take from now, a heap; empty where there is nothing for it."""
        return seat.pinned or ([] if seat.leaving else self.waiting)

    def emptied(self) -> list[HostSlot]:
        """Return the hosts that leave and have nothing left to do."""
        return [
            seat
            for seat in self.seats
            # Copycats that wait here for a turn that suspects hold up may wait anywhere.
            if seat.leaving and seat.up and seat.free == self.slots and (self.suspects or not seat.pinned)
        ]

    def free_pinned(self, seat: HostSlot) -> None:
        """Let what waits for one host wait for any."""
        for ticket in seat.pinned:
            heapq.heappush(self.waiting, ticket)
        seat.pinned.clear()

    def suspect(self, seat: HostSlot, tickets: Sequence[PendingQuery], *, together: bool = False) -> None:
        """Have what ran on a host or an engine that died done again, apart from all else, in two halves or together."""
        seat.free += len(tickets)
        self.running.difference_update(tickets)
        tickets = [ticket for ticket in tickets if not ticket.done.done()]
        for ticket in tickets:
            ticket.started = None
        half = 0 if together else len(tickets) // 2
        self.suspects += [list(part) for part in (tickets[:half], tickets[half:]) if part]

    def forget_done(self) -> None:
        """Drop what waits and has its response already."""
        for heap in (self.waiting, *(seat.pinned for seat in self.seats)):
            heap[:] = [ticket for ticket in heap if not ticket.done.done()]
            heapq.heapify(heap)
        self.suspects = [left for batch in self.suspects if (left := [t for t in batch if not t.done.done()])]

    def allowance_s(self, query: Query) -> float:
        """Return what a call may take, with all that runs or waits before it taking its whole timeout."""
        places = max(1, sum(self.slots for seat in self.seats if seat.up))
        waiting = [*self.waiting, *(ticket for seat in self.seats for ticket in seat.pinned)]
        waiting += [follower for ticket in waiting for follower in ticket.followers]
        before = [*waiting, *self.running, *(ticket for batch in self.suspects for ticket in batch)]
        longest_s = max([query.timeout_s, *(ticket.call.query.timeout_s for ticket in before)]) + LINGER_S
        suspects_s = len(self.suspects) * (3 * longest_s + HUNG_S)
        # Twice the longest: a copycat starts when its victim has ended.
        return math.ceil((len(waiting) + len(self.running)) / places) * longest_s + 2 * longest_s + suspects_s + SPARE_S

    def silence_s(self) -> float:
        """Return how long a host that lives may be silent from now: while miners hold it in the time that they have.

        Each has the whole patience of its query, as others may have held the host before it.
        """
        now = asyncio.get_running_loop().time()
        left = [t.started + patience_s(t.call.query) - now for t in self.running if t.started is not None]
        return max([HELD_S + LINGER_S + HUNG_S, *left])


def patience_s(query: Query) -> float:
    """Return what a host may take for a query before it is taken for hung.

    It may first wait for an engine, and double a miner's time where another one held its loop.
    """
    return 3 * query.timeout_s + LINGER_S + HUNG_S
