"""A host group: the hosts of a group, the queries that wait for them, and which query is served next where.

Quarantined queries go first, on a host of their own. Then come queries that must follow another one to its host, then
the rest by priority and arrival, on the least busy host.

A host with one slot serves in turn. It is given a few queries ahead, so that it need not wait for the next one, unless
so few are left that another host might be idle before it gets to them.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cluster.hosts.host import LINGER_S
from cluster.hosts.host_link import HostLink
from cluster.status import State
from subnets import Query, Response

from .blame import Quarantine
from .pending import PendingQuery
from .turns import HUNG_S, Turns, patience_s

RESTART_ALLOWANCE_S = 30.0
"""Part of the default deadline that leaves time to restart a host."""
AHEAD_S = 0.02
"""Work that a host is given ahead: several times what a query takes from here to the host, and less than anyone minds
that a query of higher priority waits for others."""
MIN_SILENCE_S = 60.0
"""Silence allowed to a host on which no query waits: a caller's own deadline may be short."""


@dataclass(eq=False, slots=True)
class HostSlot:
    """A place for one host of a group; a restarted host keeps it."""

    link: HostLink
    free: int
    """Number of further queries that the host can serve now; negative if it has been given queries ahead."""
    up: bool = True
    restarts: int = 0
    fresh: bool = True
    """True until the host serves its first query after a start."""
    quarantined: bool = False
    """True while reserved for quarantined queries."""
    leaving: bool = False
    """True while the host takes no new queries because it will be restarted on another machine."""
    probed: bool = False
    """True while the host is asked for a sign of life."""
    pinned: list[PendingQuery] = field(default_factory=list)
    """A heap of queries that must be served on this very host."""
    turns: Turns = field(default_factory=Turns)
    """The queries that it serves in turn; none if it serves several at once."""

    @property
    def state(self) -> State:
        """State of the host for the status display."""
        return "restarting" if not self.up else "leaving" if self.leaving else "up"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Queries of one batch that one host starts to serve now."""

    slot: HostSlot
    queries: list[PendingQuery]


class _Room(NamedTuple):
    """Room on a host; the smallest is filled first."""

    unpinned: bool
    probed: bool
    taken: int
    number: int
    slot: HostSlot

    @classmethod
    def of(cls, slot: HostSlot, free: int, number: int) -> _Room:
        """Rank hosts with pinned queries first, then those that are not suspected to hang, then the least busy."""
        return cls(not slot.pinned, slot.probed, -free, number, slot)

    @property
    def free(self) -> int:
        """Number of further queries that the host can serve."""
        return -self.taken


@dataclass(eq=False, slots=True)
class HostGroup:
    """The hosts of a group, and the queries that wait for them."""

    name: str
    concurrency: int
    """Maximum concurrent queries of one host."""
    slots: list[HostSlot]
    waiting: list[PendingQuery] = field(default_factory=list)
    """A heap."""
    quarantine: Quarantine = field(default_factory=Quarantine)
    running: set[PendingQuery] = field(default_factory=set)
    given_up: str = ""
    """Why no host is left; empty while there are hosts."""
    max_ahead: int = 0
    """Maximum number of queries that a host may be given ahead."""
    service_s: float = AHEAD_S
    """Moving average of the time that a host takes for a query."""

    @property
    def is_up(self) -> bool:
        """True if any of its hosts can serve."""
        return any(slot.up for slot in self.slots)

    @property
    def in_turn(self) -> bool:
        """True if its hosts serve one query after another."""
        return self.concurrency == 1

    @property
    def ahead(self) -> int:
        """Number of queries that a host may be given ahead now."""
        if not (self.max_ahead and self.in_turn):
            return 0
        return max(1, min(self.max_ahead, int(AHEAD_S / max(self.service_s, 1e-6))))

    @property
    def queued(self) -> int:
        """Number of queries that no host serves yet, without those that follow a running query."""
        queries = [*self.waiting, *self.quarantine, *(pending for slot in self.slots for pending in slot.pinned)]
        ahead = sum(max(0, -slot.free) for slot in self.slots)
        return ahead + sum(1 + len(pending.followers) for pending in queries)

    def has_work_for(self, freed: HostSlot) -> bool:
        """Return whether anything is to be done, now that one host has been freed."""
        return bool(self.waiting or freed.pinned or freed.leaving or self.quarantine)

    def dispatch(self, freed: HostSlot | None = None) -> Iterator[Dispatch]:
        """Take out every query for which a host has room; start each dispatch before asking for the next.

        If only one host has been `freed` since the last time, the others need not be looked at.
        """
        if self.quarantine:
            freed = None  # the others have been held up
        while self.quarantine:
            idle = [slot for slot in self.slots if slot.up and not slot.leaving and slot.free == self.concurrency]
            if not idle:
                return  # nothing else starts meanwhile, so that a host becomes idle
            slot = max(idle, key=lambda slot: slot.fresh)
            slot.quarantined = True
            yield Dispatch(slot, self.quarantine.next())
        slots = self.slots if freed is None else [freed]
        if not (self.waiting or any(slot.pinned for slot in slots)):
            return
        dispatches: dict[tuple[int, int], Dispatch] = {}
        ahead = self.ahead
        able = [
            _Room.of(slot, slot.free, number)
            for number, slot in enumerate(slots)
            if slot.up and not slot.quarantined and slot.free > -ahead
        ]
        heapq.heapify(able)
        while able:
            slot, free = able[0].slot, able[0].free
            if not (queue := self._queue_of(slot, free)):
                heapq.heappop(able)
                continue
            pending = heapq.heappop(queue)
            dispatches.setdefault((id(slot), id(pending.batch)), Dispatch(slot, [])).queries.append(pending)
            if free - 1 > -ahead:
                heapq.heapreplace(able, _Room.of(slot, free - 1, able[0].number))
            else:
                heapq.heappop(able)
        yield from dispatches.values()

    def _queue_of(self, slot: HostSlot, free: int) -> list[PendingQuery]:
        """Return the heap from which a host takes its next query; empty if it has nothing to do."""
        if slot.pinned:
            return slot.pinned
        return self.waiting if not slot.leaving and (free > 0 or len(self.waiting) > len(self.slots)) else []

    def drained(self, freed: HostSlot | None = None) -> list[HostSlot]:
        """Return the leaving hosts that have nothing left to do, if only one was `freed` that one at most."""
        return [
            slot
            for slot in (self.slots if freed is None else [freed])
            # Any host may serve pinned queries that the quarantine holds up.
            if slot.leaving and slot.up and slot.free == self.concurrency and (self.quarantine or not slot.pinned)
        ]

    def unpin(self, slot: HostSlot) -> None:
        """Let any host serve the queries that were pinned to one."""
        for pending in slot.pinned:
            heapq.heappush(self.waiting, pending)
        slot.pinned.clear()

    def retry(self, slot: HostSlot, queries: Sequence[PendingQuery], *, bisect: bool = True) -> None:
        """Quarantine queries that were running on a host or an engine that died."""
        slot.free += len(queries)
        self.running.difference_update(queries)
        self.quarantine.add(queries, bisect=bisect)

    def requeue(self, slot: HostSlot, queries: Sequence[PendingQuery]) -> None:
        """Let queries wait again that were given to a host ahead, and that it never began."""
        slot.free += len(queries)
        self.running.difference_update(queries)
        for pending in queries:
            pending.started = None
            if not pending.answered:
                heapq.heappush(self.waiting, pending)

    def note_service(self, response: Response) -> None:
        """Learn from a response how long its miner took."""
        self.service_s += 0.1 * (response.latency_s - self.service_s)

    def drop_answered(self) -> None:
        """Drop waiting queries that have their response."""
        for heap in (self.waiting, *(slot.pinned for slot in self.slots)):
            heap[:] = [pending for pending in heap if not pending.answered]
            heapq.heapify(heap)
        self.quarantine.drop_answered()

    def default_deadline_s(self, query: Query) -> float:
        """Return how long a new batch may take if everything before it takes its whole timeout."""
        concurrency = max(1, sum(self.concurrency for slot in self.slots if slot.up))
        waiting = [*self.waiting, *(pending for slot in self.slots for pending in slot.pinned)]
        waiting += [follower for pending in waiting for follower in pending.followers]
        earlier: list[PendingQuery] = [*waiting, *self.running, *self.quarantine]
        longest_s = max([query.timeout_s, *(pending.batch.query.timeout_s for pending in earlier)]) + LINGER_S
        quarantine_s = len(self.quarantine) * (3 * longest_s + HUNG_S)
        rounds = math.ceil((len(waiting) + len(self.running)) / concurrency)
        # Twice the longest: a follower starts only when the query before it has ended.
        return rounds * longest_s + 2 * longest_s + quarantine_s + RESTART_ALLOWANCE_S

    def max_silence_s(self) -> float:
        """Return how long a living host may be silent while miners block its event loop within their time limits.

        Each query counts with its full `patience_s`, as others may have held the host before it.
        """
        now = asyncio.get_running_loop().time()
        left = [
            pending.started + patience_s(pending.batch.query) - now
            for pending in self.running
            if pending.started is not None
        ]
        return max([MIN_SILENCE_S + LINGER_S + HUNG_S, *left])
