"""The scheduler: which query goes to which host, and when; knows nothing of what a host is made of.

Queries wait by priority, then by arrival; each is given to the least busy host of its miner's group, a
copycat's to the host that served its victim, after it. Every query ends in exactly one response.

A host that dies or hangs is made anew. What it was doing is done again, apart from everything else and in halves
for as long as hosts die of it: so the miner that they die of is found and charged, and nobody else is harmed.
Charged is who was served alone when a host died, twice, the second time on a host that had served nobody before: a
kill from outside costs nothing, nor does what another miner left behind. So it is with an engine that dies.
A host that is retired, because its machine leaves, finishes what it has and is then made anew elsewhere.

    responses = await scheduler.query(query, uids=(0, 1, 2), parcel=query)
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cluster.errors import HostDied, NoRoom, PoolError
from cluster.hosts.host import EngineLost
from cluster.hosts.host_link import START_TIMEOUT_S, HostLink
from cluster.plan import Plan
from miners import Miner
from subnets import Fault, Query, Response

from .host_group import HostGroup, HostSlot, PendingQuery, QueryBatch, patience_s

logger = logging.getLogger(__name__)


class Scheduler:
    """Places queries on the hosts of a plan."""

    def __init__(
        self,
        plan: Plan,
        links: Mapping[str, Sequence[HostLink]],
        *,
        start: Callable[[HostLink], Awaitable[None]] = lambda link: link.start(),
        max_restarts: int = 3,
        backoff_s: float = 0.5,
        opening_s: float = START_TIMEOUT_S,
    ) -> None:
        """`links`: the started hosts of each group by its name.

        A host that can't be made anew, by `start`, in `max_restarts` attempts is given up. An engine that died may
        take `opening_s` to open again, before the queries that wait for it are lost.
        """
        self._start_host = start
        self._victims = plan.victims
        self._miners: dict[int, Miner] = {}
        self._crews: dict[int, HostGroup] = {}
        self._max_restarts, self._backoff_s, self._opening_s = max_restarts, backoff_s, opening_s
        self._arrivals = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._deaths = 0
        """Of hosts, and runs that an engine's death cut short: each gives a call without a deadline more time."""
        for group in plan.groups:
            crew = HostGroup(group.name, group.slots, [HostSlot(link, group.slots) for link in links[group.name]])
            for uid, miner in group.miners.items():
                self._miners[uid], self._crews[uid] = miner, crew

    async def query(
        self, query: Query, uids: Sequence[int], parcel: Any, deadline_s: float | None = None
    ) -> list[Response]:
        """Ask each miner once; return one response for each uid, in order.

        Without a deadline there is time for all that waits to take its whole timeout: no schedule that keeps
        its hosts busy takes longer than the sum of its work by the number of places, and the longest piece. Where
        hosts die meanwhile, there is as much time again; a group without hosts is waited for until it is given up.
        """
        if unknown := [uid for uid in uids if uid not in self._crews]:
            raise PoolError(f"no miner has uid {unknown[0]}; known: {', '.join(map(str, sorted(self._crews)))}")
        call = QueryBatch(query, parcel)
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
                    patience_s = max(crew.allowance_s(query) for crew in crews)
                _, pending = await asyncio.wait(pending, timeout=patience_s)
                waits = self._deaths > deaths or any(not crew.staffed and not crew.gone for crew in crews)
                waited_s, again = waited_s + patience_s, deadline_s is None and waits
        finally:
            if late := [ticket for ticket in tickets.values() if not ticket.done.done()]:
                self._end(call, late, waited_s)
        return [tickets[uid].done.result() for uid in uids]

    def retire(self, link: HostLink) -> None:
        """Give a host nothing new; with what it has finished, or dead, it is made anew, and nobody is charged."""
        for crew in set(self._crews.values()):
            for seat in crew.seats:
                if seat.link is link and seat.up:
                    seat.leaving = True
                    self._place(crew)

    async def settle(self) -> None:
        """Wait for what still runs though nobody waits for it: work that is cut off, signs of life, hosts made anew."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """End all work; what has no response yet is lost."""
        try:
            for crew in set(self._crews.values()):
                self._give_up(crew, "the pool was closed")
        finally:  # what is left running would start hosts anew, and so would what it starts as it is cancelled
            while self._tasks:
                for task in self._tasks:
                    task.cancel()
                await asyncio.wait(self._tasks)

    def crews(self) -> dict[str, HostGroup]:
        """Return the hosts of each group and what waits for them, by its name: to be looked at, not changed."""
        return {crew.name: crew for crew in self._crews.values()}

    def _ticket(self, uid: int, call: QueryBatch) -> PendingQuery:
        rank = (-priority(self._miners[uid], call.query), next(self._arrivals))
        loop = asyncio.get_running_loop()
        return PendingQuery(uid, call, rank, loop.create_future(), loop.time())

    def _admit(self, tickets: Mapping[int, PendingQuery]) -> None:
        """Queue tickets, each copycat behind the first of its victims that is asked too."""
        for uid, ticket in tickets.items():
            victim = next((tickets[v] for v in self._victims.get(uid, ()) if v in tickets and v != uid), None)
            if victim is not None:
                victim.followers.append(ticket)
            else:
                heapq.heappush(self._crews[uid].waiting, ticket)
        for crew in {self._crews[uid] for uid in tickets}:
            self._place(crew)

    def _end(self, call: QueryBatch, late: list[PendingQuery], deadline_s: float) -> None:
        """Finish the tickets of a call that have no response, and cancel what runs for it."""
        for ticket in late:
            self._finish(ticket, self._cut_off(ticket, deadline_s))
        for crew in {self._crews[ticket.uid] for ticket in late}:
            crew.forget_done()
        for run in call.runs:
            asyncio.get_running_loop().call_soon(run.cancel)  # after its first step, so that it frees its places

    def _place(self, crew: HostGroup) -> None:
        """Start everything that a free place can be found for."""
        if crew.gone:
            return self._give_up(crew, crew.gone)
        for seat, batch in crew.deal():
            self._start(crew, seat, batch)
        for seat in crew.emptied():
            self._revive(crew, seat, seat.life, "its machine leaves")
        return None

    def _start(self, crew: HostGroup, seat: HostSlot, batch: list[PendingQuery]) -> None:
        for ticket in batch:
            ticket.started = asyncio.get_running_loop().time()
        seat.free -= len(batch)
        crew.running.update(batch)
        run = self._background(self._run(crew, seat, batch, seat.life, seat.fresh))
        seat.fresh = False
        batch[0].call.runs.add(run)
        run.add_done_callback(batch[0].call.runs.discard)

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, crew: HostGroup, seat: HostSlot, batch: list[PendingQuery], life: int, fresh: bool) -> None:
        """Have one host, in one of its lives, serve some tickets of one call."""
        open_tickets = {ticket.uid: ticket for ticket in batch}
        call, apart = batch[0].call, seat.apart
        alone = len(batch) == 1 and (apart or crew.slots == 1)
        fault, reason, again = Fault.LOST, "the host gave no response", False
        bereft: list[PendingQuery] = []
        waiting: list[PendingQuery] = []
        try:
            async with asyncio.timeout(patience_s(call.query)):
                async for responses in seat.link.serve(list(open_tickets), call.parcel):
                    for response in responses:
                        if (ticket := open_tickets.pop(response.uid, None)) is None:
                            continue
                        if not isinstance(response, EngineLost):
                            self._release(crew, seat, ticket, response)
                        elif (judged := self._judge(ticket, response, alone)) is not None:
                            self._release(crew, seat, ticket, judged)
                        else:
                            ticket.started = None  # a deadline finds it waiting to be asked again, not at work
                            (waiting if response.opening else bereft).append(ticket)
                    self._place(crew)
        except TimeoutError:
            fault, again = Fault.TIMEOUT, seat.leaving or not alone
            reason = f"no answer within {call.query.timeout_s:g} s, and host {seat.link.name} hung"
            self._revive(crew, seat, life, "it hung")
        except HostDied as error:
            again = seat.leaving or not (alone and fresh and batch[0].died_alone)
            if not seat.leaving:
                batch[0].died_alone = alone
            fault, reason = Fault.ERROR, "its host died while it alone was served"
            self._revive(crew, seat, life, str(error))
        except asyncio.CancelledError:  # at a deadline, or nobody waits for it any more
            if not (seat.probed or crew.gone):
                seat.probed = True
                self._background(self._probe(crew, seat, life, crew.silence_s()))
            raise
        except Exception as error:  # the link itself: no miner is charged, and the host stays
            logger.exception("host %s: a query could not be delivered", seat.link.name)
            reason = f"host {seat.link.name}: {type(error).__name__}: {error}"[:400]
        finally:
            if apart:
                seat.apart = False
            self._deaths += bool(bereft or waiting)
            crew.suspect(seat, bereft)
            crew.suspect(seat, waiting, together=True)
            if again:
                crew.suspect(seat, list(open_tickets.values()))
            else:
                for ticket in open_tickets.values():
                    self._release(crew, seat, ticket, Response(ticket.uid, fault=fault, reason=reason))
            self._place(crew)

    async def _probe(self, crew: HostGroup, seat: HostSlot, life: int, patience_s: float) -> None:
        """Have a host made anew that gives no sign of life: of what was cancelled there, nobody hears that it hangs."""
        try:
            async with asyncio.timeout(patience_s):
                await seat.link.paid((), again=False)
        except (HostDied, TimeoutError) as error:
            self._revive(crew, seat, life, str(error) or "it hung")
        finally:
            seat.probed = False

    def _judge(self, ticket: PendingQuery, lost: EngineLost, alone: bool) -> Response | None:
        """Return the response of a miner whose engine was gone; None where it is to be asked again."""
        if lost.opening:
            now = asyncio.get_running_loop().time()
            ticket.waits_since = now if ticket.waits_since is None else ticket.waits_since
            if now - ticket.waits_since < self._opening_s:
                return None
            return Response(lost.uid, None, lost.fault, lost.reason)
        ticket.waits_since = None
        if not (alone and ticket.died_alone):
            ticket.died_alone = alone
            return None
        reason = f"its engine died while it alone was served: {lost.reason}"
        return Response(lost.uid, fault=Fault.ERROR, reason=reason, latency_s=lost.latency_s, cost=lost.cost)

    def _release(self, crew: HostGroup, seat: HostSlot, ticket: PendingQuery, response: Response) -> None:
        """Finish a ticket that ran, and free its place; its copycats go where it was."""
        seat.free += 1
        crew.running.discard(ticket)
        self._finish(ticket, response, seat if seat.up else None)

    def _finish(self, ticket: PendingQuery, response: Response, seat: HostSlot | None = None) -> None:
        if not ticket.done.done():
            left = ticket.started if ticket.started is not None else asyncio.get_running_loop().time()
            ticket.done.set_result(replace(response, waited_s=left - ticket.created))
        followers, ticket.followers = ticket.followers, []
        for follower in followers:
            heapq.heappush(seat.pinned if seat is not None else self._crews[ticket.uid].waiting, follower)

    def _cut_off(self, ticket: PendingQuery, deadline_s: float) -> Response:
        """Judge a ticket at the deadline: only a miner that had its whole time is to blame."""
        timeout_s = ticket.call.query.timeout_s
        if ticket.started is None:
            return Response(ticket.uid, fault=Fault.LOST, reason=f"not started within {deadline_s:g} s")
        ran_s = asyncio.get_running_loop().time() - ticket.started
        if ran_s < timeout_s:
            reason = f"cut off after {ran_s:.3g} of its {timeout_s:g} s, at the deadline of {deadline_s:g} s"
            return Response(ticket.uid, fault=Fault.LOST, reason=reason, latency_s=ran_s)
        return Response(ticket.uid, fault=Fault.TIMEOUT, reason=f"no answer within {timeout_s:g} s", latency_s=ran_s)

    def _revive(self, crew: HostGroup, seat: HostSlot, life: int, reason: str) -> None:
        """Take a host out of service until it has been made anew; what never started there waits for any."""
        if not seat.up or seat.life != life:
            return
        seat.up = False
        self._deaths += 1
        crew.free_pinned(seat)
        logger.warning("host %s is made anew: %s", seat.link.name, reason)
        self._background(self._restart(crew, seat, reason))

    async def _restart(self, crew: HostGroup, seat: HostSlot, reason: str) -> None:
        tries = 0
        while tries < self._max_restarts:
            await asyncio.sleep(self._backoff_s * tries)
            tries += 1
            try:
                await seat.link.close()
                await self._start_host(seat.link)
            except NoRoom as error:  # it has waited as long as it may
                reason = str(error)
                break
            except Exception as error:  # whatever keeps it from starting, it is tried again or given up
                reason = str(error) if isinstance(error, PoolError) else f"{type(error).__name__}: {error}"
                continue
            seat.up, seat.fresh, seat.leaving = True, True, False
            seat.life += 1
            return self._place(crew)
        after = f"after {tries} restart{'s' if tries != 1 else ''}"
        logger.error("host %s is given up %s: %s", seat.link.name, after, reason)
        crew.seats.remove(seat)
        if not crew.seats:
            self._give_up(crew, f"group {crew.name} has no host left, {after}: {reason}")

    def _give_up(self, crew: HostGroup, reason: str) -> None:
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
