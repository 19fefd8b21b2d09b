"""A host group: the hosts of a group, the queries that wait for them, and which query is served next where.

Quarantined queries go first, on a host of their own. Then come queries that must follow another one to its host, then
the rest by priority and arrival, on the least busy host.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cluster.hosts.host import LINGER_S
from cluster.hosts.host_link import HostLink
from cluster.status import State
from subnets import Query

from .blame import Quarantine
from .pending import PendingQuery

RESTART_ALLOWANCE_S = 30.0
"""Part of the default deadline that leaves time to restart a host."""
HUNG_S = 10.0
"""Silence beyond the longest time that a host may take for a query; then the host counts as hung."""
MIN_SILENCE_S = 60.0
"""Silence allowed to a host on which no query waits: a caller's own deadline may be short."""


@dataclass(eq=False, slots=True)
class HostSlot:
    """A place for one host of a group; a restarted host keeps it."""

    link: HostLink
    free: int
    """Number of further queries that the host can take now."""
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

    @property
    def state(self) -> State:
        """State of the host for the status display."""
        return "restarting" if not self.up else "leaving" if self.leaving else "up"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Queries of one batch that one host starts to serve now."""

    slot: HostSlot
    queries: list[PendingQuery]


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

    @property
    def is_up(self) -> bool:
        """True if any of its hosts can serve."""
        return any(slot.up for slot in self.slots)

    @property
    def queued(self) -> int:
        """Number of queries that no host serves yet, without those that follow a running query."""
        queries = [*self.waiting, *self.quarantine, *(pending for slot in self.slots for pending in slot.pinned)]
        return sum(1 + len(pending.followers) for pending in queries)

    def dispatch(self) -> Iterator[Dispatch]:
        """Take out every query for which a host has room; start each dispatch before asking for the next."""
        while self.quarantine:
            idle = [slot for slot in self.slots if slot.up and not slot.leaving and slot.free == self.concurrency]
            if not idle:
                return  # nothing else starts meanwhile, so that a host becomes idle
            slot = max(idle, key=lambda slot: slot.fresh)
            slot.quarantined = True
            yield Dispatch(slot, self.quarantine.next())
        dispatches: dict[tuple[int, int], Dispatch] = {}
        free = {id(slot): slot.free for slot in self.slots if slot.up and not slot.quarantined}
        while able := [slot for slot in self.slots if free.get(id(slot), 0) > 0 and self._queue_of(slot)]:
            slot = max(able, key=lambda slot: (bool(slot.pinned), not slot.probed, free[id(slot)]))
            pending = heapq.heappop(self._queue_of(slot))
            free[id(slot)] -= 1
            dispatches.setdefault((id(slot), id(pending.batch)), Dispatch(slot, [])).queries.append(pending)
        yield from dispatches.values()

    def _queue_of(self, slot: HostSlot) -> list[PendingQuery]:
        """Return the heap from which a host takes its next query; empty if it has nothing to do."""
        return slot.pinned or ([] if slot.leaving else self.waiting)

    def drained(self) -> list[HostSlot]:
        """Return the leaving hosts that have nothing left to do."""
        return [
            slot
            for slot in self.slots
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


def patience_s(query: Query) -> float:
    """Return how long a host may take for a query before it counts as hung.

    It may first wait for an engine, and a miner's time is doubled if another miner held the event loop.
    """
    return 3 * query.timeout_s + LINGER_S + HUNG_S
