"""The scheduler: which query goes to which host, and when; knows nothing of what a host is made of.

Queries wait by priority, then by arrival; each is given to the least busy host of its miner's group, a
copycat's to the host that served its victim, after it. Every query ends in exactly one response.

A host that dies or hangs is made anew. What it was doing is done again, apart from everything else and in halves
for as long as hosts die of it: so the miner that they die of is found and charged, and nobody else is harmed.
Charged is who was served alone when a host died, twice, the second time on a host that had served nobody before: a
kill from outside costs nothing, nor does what another miner left behind. So it is with an engine that dies.

    responses = await scheduler.query(query, uids=(0, 1, 2), parcel=query)
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from miners import Miner
from subnets import Fault, Query, Response

from .errors import HostDied, PoolError
from .host import LINGER_S, EngineLost
from .link import Link
from .plan import Plan

logger = logging.getLogger(__name__)

SPARE_S = 30.0
"""Of a deadline that nobody set: room for a host that is made anew."""
HUNG_S = 10.0
"""Silence beyond the longest time that a host may take for a query, before it is given up."""
OPENING_S = 120.0
"""What an engine that died may take to open again, before the queries that wait for it are lost."""


@dataclass(eq=False, slots=True)
class _Ticket:
    """One query to one miner, until its response is there."""

    uid: int
    call: _Call
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
    followers: list[_Ticket] = field(default_factory=list)
    """Copycats that wait for this answer."""

    def __lt__(self, other: _Ticket) -> bool:
        return self.rank < other.rank


@dataclass(eq=False, slots=True)
class _Call:
    """One call of `query`: everything that was asked in it ends with it."""

    query: Query
    parcel: Any
    runs: set[asyncio.Task[None]] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class _Seat:
    """One host of a crew."""

    link: Link
    free: int
    up: bool = True
    life: int = 0
    """How often it was made anew."""
    fresh: bool = True
    """Whether it has served nobody in this life."""
    apart: bool = False
    """Whether it serves suspects, and takes nothing else."""
    pinned: list[_Ticket] = field(default_factory=list)
    """A heap: copycats whose victims were served here."""


@dataclass(eq=False, slots=True)
class _Crew:
    """The hosts of a group, and what waits for them."""

    name: str
    slots: int
    seats: list[_Seat]
    waiting: list[_Ticket] = field(default_factory=list)
    """A heap."""
    suspects: list[list[_Ticket]] = field(default_factory=list)
    """Each to be served apart: what was in flight on hosts that died, by call; the last is next."""
    running: int = 0
    gone: str = ""
    """Why there are no hosts left."""


class Scheduler:
    """Places queries on the hosts of a plan."""

    def __init__(
        self,
        plan: Plan,
        links: Mapping[str, Sequence[Link]],
        *,
        start: Callable[[Link], Awaitable[None]] = lambda link: link.start(),
        max_restarts: int = 3,
        backoff_s: float = 0.5,
    ) -> None:
        """`links`: the started hosts of each group by its name.

        A host that can't be made anew, by `start`, in `max_restarts` attempts is given up.
        """
        self._start_host = start
        self._victims = plan.victims
        self._miners: dict[int, Miner] = {}
        self._crews: dict[int, _Crew] = {}
        self._max_restarts, self._backoff_s = max_restarts, backoff_s
        self._arrivals = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._restarts: set[asyncio.Task[None]] = set()
        self._deaths = 0
        """Of hosts, and runs that an engine's death cut short: each gives a call without a deadline more time."""
        for group in plan.groups:
            crew = _Crew(group.name, group.slots, [_Seat(link, group.slots) for link in links[group.name]])
            for uid, miner in group.miners.items():
                self._miners[uid], self._crews[uid] = miner, crew

    async def query(
        self, query: Query, uids: Sequence[int], parcel: Any, deadline_s: float | None = None
    ) -> list[Response]:
        """Ask each miner once; return one response for each uid, in order.

        Without a deadline there is time for all that waits to take its whole timeout: no schedule that keeps
        its hosts busy takes longer than the sum of its work by the number of places, and the longest piece. Where
        hosts die meanwhile, there is as much time again.
        """
        if unknown := [uid for uid in uids if uid not in self._crews]:
            raise PoolError(f"no miner has uid {unknown[0]}; known: {', '.join(map(str, sorted(self._crews)))}")
        call = _Call(query, parcel)
        tickets = {uid: self._ticket(uid, call) for uid in uids}
        if not tickets:
            return []
        self._admit(tickets)
        crews = {self._crews[uid] for uid in tickets}
        pending = {ticket.done for ticket in tickets.values()}
        waited_s, again = 0.0, True
        try:
            while pending and again:
                patience_s, deaths = deadline_s, self._deaths
                if patience_s is None:
                    patience_s = max(self._allowance_s(crew, query) for crew in crews)
                _, pending = await asyncio.wait(pending, timeout=patience_s)
                waited_s, again = waited_s + patience_s, deadline_s is None and self._deaths > deaths
        finally:
            if late := [ticket for ticket in tickets.values() if not ticket.done.done()]:
                self._end(call, late, waited_s)
        return [tickets[uid].done.result() for uid in uids]

    async def settle(self) -> None:
        """Wait for the hosts that are being made anew."""
        while self._restarts:
            await asyncio.wait(self._restarts)

    async def close(self) -> None:
        """End all work; what has no response yet is lost."""
        try:
            for crew in set(self._crews.values()):
                self._give_up(crew, "the pool was closed")
        finally:  # what is left running would start hosts anew
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ticket(self, uid: int, call: _Call) -> _Ticket:
        rank = (-priority(self._miners[uid], call.query), next(self._arrivals))
        loop = asyncio.get_running_loop()
        return _Ticket(uid, call, rank, loop.create_future(), loop.time())

    def _admit(self, tickets: Mapping[int, _Ticket]) -> None:
        """Queue tickets, each copycat behind the first of its victims that is asked too."""
        for uid, ticket in tickets.items():
            victim = next((tickets[v] for v in self._victims.get(uid, ()) if v in tickets and v != uid), None)
            if victim is not None:
                victim.followers.append(ticket)
            else:
                heapq.heappush(self._crews[uid].waiting, ticket)
        for crew in {self._crews[uid] for uid in tickets}:
            self._place(crew)

    def _end(self, call: _Call, late: list[_Ticket], deadline_s: float) -> None:
        """Finish the tickets of a call that have no response, and cancel what runs for it."""
        for ticket in late:
            self._finish(ticket, self._cut_off(ticket, deadline_s))
        for crew in {self._crews[ticket.uid] for ticket in late}:
            for heap in (crew.waiting, *(seat.pinned for seat in crew.seats)):
                heap[:] = [ticket for ticket in heap if not ticket.done.done()]
                heapq.heapify(heap)
            crew.suspects = [left for batch in crew.suspects if (left := [t for t in batch if not t.done.done()])]
        for run in call.runs:
            asyncio.get_running_loop().call_soon(run.cancel)  # after its first step, so that it frees its places

    def _allowance_s(self, crew: _Crew, query: Query) -> float:
        places = max(1, sum(crew.slots for seat in crew.seats if seat.up))
        waiting = [*crew.waiting, *(ticket for seat in crew.seats for ticket in seat.pinned)]
        waiting += [follower for ticket in waiting for follower in ticket.followers]
        longest_s = max([query.timeout_s, *(ticket.call.query.timeout_s for ticket in waiting)]) + LINGER_S
        suspects_s = len(crew.suspects) * (3 * longest_s + HUNG_S)
        # Twice the longest: a copycat starts when its victim has ended.
        return math.ceil((len(waiting) + crew.running) / places) * longest_s + 2 * longest_s + suspects_s + SPARE_S

    def _place(self, crew: _Crew) -> None:
        """Start everything that a free place can be found for."""
        if crew.gone:
            return self._give_up(crew, crew.gone)
        while crew.suspects:
            idle = [seat for seat in crew.seats if seat.up and seat.free == crew.slots]
            if not idle:
                return None  # no other work meanwhile, so that one will be
            seat = max(idle, key=lambda seat: seat.fresh)
            seat.apart = True
            self._start(crew, seat, crew.suspects.pop())
        batches: dict[tuple[int, int], tuple[_Seat, list[_Ticket]]] = {}
        free = {id(seat): seat.free for seat in crew.seats if seat.up and not seat.apart}
        while True:
            able = [seat for seat in crew.seats if free.get(id(seat), 0) > 0 and (seat.pinned or crew.waiting)]
            if not able:
                break
            seat = max(able, key=lambda seat: (bool(seat.pinned), free[id(seat)]))
            ticket = heapq.heappop(seat.pinned or crew.waiting)
            free[id(seat)] -= 1
            batches.setdefault((id(seat), id(ticket.call)), (seat, []))[1].append(ticket)
        for seat, batch in batches.values():
            self._start(crew, seat, batch)
        return None

    def _start(self, crew: _Crew, seat: _Seat, batch: list[_Ticket]) -> None:
        for ticket in batch:
            ticket.started = asyncio.get_running_loop().time()
        seat.free -= len(batch)
        crew.running += len(batch)
        run = self._background(self._run(crew, seat, batch, seat.life, seat.fresh))
        seat.fresh = False
        batch[0].call.runs.add(run)
        run.add_done_callback(batch[0].call.runs.discard)

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, crew: _Crew, seat: _Seat, batch: list[_Ticket], life: int, fresh: bool) -> None:
        """Have one host, in one of its lives, serve some tickets of one call."""
        open_tickets = {ticket.uid: ticket for ticket in batch}
        call, apart = batch[0].call, seat.apart
        alone = len(batch) == 1 and (apart or crew.slots == 1)
        fault, reason, again = Fault.LOST, "the host gave no response", False
        bereft: list[_Ticket] = []
        waiting: list[_Ticket] = []
        try:
            # A host may first wait for an engine, and double a miner's time where another one held its loop.
            async with asyncio.timeout(3 * call.query.timeout_s + LINGER_S + HUNG_S):
                async for responses in seat.link.serve(list(open_tickets), call.parcel):
                    for response in responses:
                        if (ticket := open_tickets.pop(response.uid, None)) is None:
                            continue
                        if not isinstance(response, EngineLost):
                            self._release(crew, seat, ticket, response)
                        elif (judged := self._judge(ticket, response, alone)) is not None:
                            self._release(crew, seat, ticket, judged)
                        else:
                            (waiting if response.opening else bereft).append(ticket)
                    self._place(crew)
        except TimeoutError:
            fault, again = Fault.TIMEOUT, not alone
            reason = f"no answer within {call.query.timeout_s:g} s, and host {seat.link.name} hung"
            self._revive(crew, seat, life, "it hung")
        except HostDied as error:
            again = not (alone and fresh and batch[0].died_alone)
            fault, batch[0].died_alone = Fault.ERROR, alone
            reason = "its host died while it alone was served"
            self._revive(crew, seat, life, str(error))
        except Exception as error:  # the link itself: no miner is charged, and the host stays
            logger.exception("host %s: a query could not be delivered", seat.link.name)
            reason = f"host {seat.link.name}: {type(error).__name__}: {error}"[:400]
        finally:
            if apart:
                seat.apart = False
            self._deaths += bool(bereft or waiting)
            self._suspect(crew, seat, bereft)
            self._suspect(crew, seat, waiting, together=True)
            if again:
                self._suspect(crew, seat, list(open_tickets.values()))
            else:
                for ticket in open_tickets.values():
                    self._release(crew, seat, ticket, Response(ticket.uid, fault=fault, reason=reason))
            self._place(crew)

    def _judge(self, ticket: _Ticket, lost: EngineLost, alone: bool) -> Response | None:
        """Return the response of a miner whose engine was gone; None where it is to be asked again."""
        if lost.opening:
            now = asyncio.get_running_loop().time()
            ticket.waits_since = now if ticket.waits_since is None else ticket.waits_since
            return None if now - ticket.waits_since < OPENING_S else Response(lost.uid, None, lost.fault, lost.reason)
        ticket.waits_since = None
        if not (alone and ticket.died_alone):
            ticket.died_alone = alone
            return None
        reason = f"its engine died while it alone was served: {lost.reason}"
        return Response(lost.uid, fault=Fault.ERROR, reason=reason, latency_s=lost.latency_s, cost=lost.cost)

    def _suspect(self, crew: _Crew, seat: _Seat, tickets: list[_Ticket], *, together: bool = False) -> None:
        """Have what ran on a host or an engine that died done again, apart from all else, in two halves or together."""
        seat.free += len(tickets)
        crew.running -= len(tickets)
        tickets = [ticket for ticket in tickets if not ticket.done.done()]
        for ticket in tickets:
            ticket.started = None
        half = 0 if together else len(tickets) // 2
        crew.suspects += [part for part in (tickets[:half], tickets[half:]) if part]

    def _release(self, crew: _Crew, seat: _Seat, ticket: _Ticket, response: Response) -> None:
        """Finish a ticket that ran, and free its place; its copycats go where it was."""
        seat.free += 1
        crew.running -= 1
        self._finish(ticket, response, seat if seat.up else None)

    def _finish(self, ticket: _Ticket, response: Response, seat: _Seat | None = None) -> None:
        if not ticket.done.done():
            left = ticket.started if ticket.started is not None else asyncio.get_running_loop().time()
            ticket.done.set_result(replace(response, waited_s=left - ticket.created))
        followers, ticket.followers = ticket.followers, []
        for follower in followers:
            heapq.heappush(seat.pinned if seat is not None else self._crews[ticket.uid].waiting, follower)

    def _cut_off(self, ticket: _Ticket, deadline_s: float) -> Response:
        """Judge a ticket at the deadline: only a miner that had its whole time is to blame."""
        timeout_s = ticket.call.query.timeout_s
        if ticket.started is None:
            return Response(ticket.uid, fault=Fault.LOST, reason=f"not started within {deadline_s:g} s")
        ran_s = asyncio.get_running_loop().time() - ticket.started
        if ran_s < timeout_s:
            reason = f"cut off after {ran_s:.3g} of its {timeout_s:g} s, at the deadline of {deadline_s:g} s"
            return Response(ticket.uid, fault=Fault.LOST, reason=reason, latency_s=ran_s)
        return Response(ticket.uid, fault=Fault.TIMEOUT, reason=f"no answer within {timeout_s:g} s", latency_s=ran_s)

    def _revive(self, crew: _Crew, seat: _Seat, life: int, reason: str) -> None:
        """Take a host out of service until it has been made anew; what never started there waits for any."""
        if not seat.up or seat.life != life:
            return
        seat.up = False
        self._deaths += 1
        for ticket in seat.pinned:
            heapq.heappush(crew.waiting, ticket)
        seat.pinned.clear()
        logger.warning("host %s is made anew: %s", seat.link.name, reason)
        restart = self._background(self._restart(crew, seat, reason))
        self._restarts.add(restart)
        restart.add_done_callback(self._restarts.discard)

    async def _restart(self, crew: _Crew, seat: _Seat, reason: str) -> None:
        for attempt in range(self._max_restarts):
            await asyncio.sleep(self._backoff_s * attempt)
            try:
                await seat.link.close()
                await self._start_host(seat.link)
            except Exception as error:  # whatever keeps it from starting, it is tried again or given up
                reason = str(error) if isinstance(error, PoolError) else f"{type(error).__name__}: {error}"
                continue
            seat.up = seat.fresh = True
            seat.life += 1
            return self._place(crew)
        logger.error("host %s is given up after %d restarts: %s", seat.link.name, self._max_restarts, reason)
        crew.seats.remove(seat)
        if not crew.seats:
            self._give_up(crew, f"group {crew.name} has no host left, after {self._max_restarts} restarts: {reason}")

    def _give_up(self, crew: _Crew, reason: str) -> None:
        crew.gone = reason
        while crew.waiting or crew.suspects:
            crew.waiting += crew.suspects.pop() if crew.suspects else []
            ticket = crew.waiting.pop()
            self._finish(ticket, Response(ticket.uid, fault=Fault.LOST, reason=reason))


def priority(miner: Miner, query: Query) -> float:
    """Ask a miner how it ranks a query; what is no finite number counts as 0."""
    try:
        ranked = float(miner.priority(query))
    except BaseException:  # the miner's own code, in the pool's process
        return 0.0
    return ranked if math.isfinite(ranked) else 0.0
