"""The scheduler: which query goes to which host, and when. It knows nothing about how a host works.

Queries wait by priority, then by arrival; each goes to the least busy host of its miner's group. Affinity may make one
wait for another query and follow it to its host. Every query ends in exactly one response.

A host that dies or hangs is restarted. Its queries are retried in isolation, bisected until the one that kills hosts
is found (see `blame.py`). A host that is retired, because its machine leaves, finishes its queries and is then
restarted elsewhere.

    responses = await scheduler.query(query, uids=(0, 1, 2), packed=query)
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

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_incrementing

from cluster.errors import HostDied, NoRoom, PoolError
from cluster.hosts.host import EngineLost
from cluster.hosts.host_link import START_TIMEOUT_S, HostLink
from cluster.plan import Plan
from miners import Miner
from subnets import Fault, Query, Response

from .blame import blames_for_host, judge_engine_loss
from .host_group import Dispatch, HostGroup, HostSlot
from .pending import PendingQuery, QueryBatch
from .turns import patience_s

logger = logging.getLogger(__name__)


class Scheduler:
    """Assigns queries to the hosts of a plan."""

    def __init__(
        self,
        plan: Plan,
        links: Mapping[str, Sequence[HostLink]],
        *,
        start: Callable[[HostLink], Awaitable[None]] = lambda link: link.start(),
        max_restarts: int = 3,
        backoff_s: float = 0.5,
        reopening_s: float = START_TIMEOUT_S,
        max_ahead: int = 0,
        isolate: bool = False,
    ) -> None:
        """Take over the started hosts of each group, by the group's name.

        A host that `start` can't restart in `max_restarts` attempts is given up. An engine that died may take
        `reopening_s` to open again before the queries that wait for it are lost. A host that serves one at a time is
        given up to `max_ahead` queries more, which it has to serve in the order given. With `isolate`, no code of a
        foreign class runs in this process: queries to its miners are ranked by the caller's stake.
        """
        self._start_host = start
        self._affinity = plan.affinity
        self._ranked_by_stake: set[int] = set()
        self._miners: dict[int, Miner] = {}
        self._groups: dict[int, HostGroup] = {}
        self._max_restarts, self._backoff_s, self._reopening_s = max_restarts, backoff_s, reopening_s
        self._arrivals = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._runs: set[asyncio.Task[None]] = set()
        """Those tasks in which a host serves queries."""
        self._deaths = 0
        """Deaths of hosts, and runs that an engine's death cut short; each extends the default deadline."""
        for group in plan.groups:
            slots = [HostSlot(link, group.slots) for link in links[group.name]]
            host_group = HostGroup(group.name, group.slots, slots, max_ahead=max_ahead)
            for uid, miner in group.miners.items():
                self._miners[uid], self._groups[uid] = miner, host_group
                if isolate and miner.foreign_classes():
                    self._ranked_by_stake.add(uid)

    async def query(
        self, query: Query, uids: Sequence[int], packed: Any, deadline_s: float | None = None
    ) -> list[Response]:
        """Ask each miner once; return one response for each uid, in order.

        The default deadline lets everything that waits take its whole timeout: a schedule that keeps its hosts busy
        takes at most the sum of its work divided by the number of slots, plus the longest piece. If hosts die
        meanwhile, the same time is granted again. A group whose hosts restart is waited for until it is given up.
        """
        if unknown := [uid for uid in uids if uid not in self._groups]:
            raise PoolError(f"no miner has uid {unknown[0]}; known: {', '.join(map(str, sorted(self._groups)))}")
        batch = QueryBatch(query, packed)
        queries = {uid: self._pending(uid, batch) for uid in uids}
        if not queries:
            return []
        self._admit(queries)
        groups = {self._groups[uid] for uid in queries}
        unanswered = {pending.response for pending in queries.values()}
        waited_s, extended = 0.0, True
        try:
            while unanswered and extended:
                timeout_s, deaths = deadline_s, self._deaths
                if timeout_s is None:
                    timeout_s = max(group.default_deadline_s(query) for group in groups)
                _, unanswered = await asyncio.wait(unanswered, timeout=timeout_s)
                disturbed = self._deaths > deaths or any(not group.is_up and not group.given_up for group in groups)
                waited_s, extended = waited_s + timeout_s, deadline_s is None and disturbed
        finally:
            if late := [pending for pending in queries.values() if not pending.answered]:
                self._end(batch, late, waited_s)
        return [queries[uid].response.result() for uid in uids]

    def retire(self, link: HostLink) -> None:
        """Give a host no new queries; once it has finished or died, restart it and blame nobody."""
        for group in set(self._groups.values()):
            for slot in group.slots:
                if slot.link is link and slot.up:
                    slot.leaving = True
                    self._place(group)

    async def settle(self, *, queries: bool = True) -> None:
        """Wait for all background work: cancelled work, probes of hosts, restarts.

        `queries=False` waits for no query, as there may always be another one while customers ask.
        """
        while tasks := self._tasks if queries else self._tasks - self._runs:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """End all work; queries without a response are lost."""
        try:
            for group in set(self._groups.values()):
                self._give_up(group, "the pool was closed")
        finally:  # remaining tasks would restart hosts, and so would the tasks that they start when cancelled
            while self._tasks:
                for task in self._tasks:
                    task.cancel()
                await asyncio.wait(self._tasks)

    def host_groups(self) -> dict[str, HostGroup]:
        """Return the host groups by name; read them, don't change them."""
        return {group.name: group for group in self._groups.values()}

    def _pending(self, uid: int, batch: QueryBatch) -> PendingQuery:
        foreign = uid in self._ranked_by_stake
        value = batch.query.caller.stake if foreign else priority(self._miners[uid], batch.query)
        rank = (-value, next(self._arrivals))
        loop = asyncio.get_running_loop()
        return PendingQuery(uid, batch, rank, loop.create_future(), loop.time())

    def _admit(self, queries: Mapping[int, PendingQuery]) -> None:
        """Queue queries, each behind the first query that it must follow."""
        for uid, pending in queries.items():
            others = self._affinity.after.get(uid, ())
            earlier = next((queries[other] for other in others if other in queries and other != uid), None)
            if earlier is not None:
                earlier.followers.append(pending)
            else:
                heapq.heappush(self._groups[uid].waiting, pending)
        for group in {self._groups[uid] for uid in queries}:
            self._place(group)

    def _end(self, batch: QueryBatch, late: list[PendingQuery], deadline_s: float) -> None:
        """Finish the queries of a batch that have no response, and cancel what runs for it."""
        for pending in late:
            self._finish(pending, self._cut_off(pending, deadline_s))
        for group in {self._groups[pending.uid] for pending in late}:
            group.drop_answered()
        for run in batch.runs:
            asyncio.get_running_loop().call_soon(run.cancel)  # after its first step, so that it frees its slots

    def _place(self, group: HostGroup, freed: HostSlot | None = None) -> None:
        """Start every query for which a host has room; only the one that was `freed`, if a host is given."""
        if group.given_up:
            return self._give_up(group, group.given_up)
        if freed is not None and not group.has_work_for(freed):
            return None
        for dispatch in group.dispatch(freed):
            self._start(group, dispatch)
        for slot in group.drained(freed):
            self._revive(group, slot, slot.restarts, "its machine leaves")
        return None

    def _start(self, group: HostGroup, dispatch: Dispatch) -> None:
        slot, queries = dispatch.slot, dispatch.queries
        if group.in_turn:
            slot.turns.add(queries)
        else:
            for pending in queries:
                pending.started = asyncio.get_running_loop().time()
        slot.free -= len(queries)
        group.running.update(queries)
        run = self._background(self._run(group, dispatch, slot.restarts, slot.fresh))
        slot.fresh = False
        batch = queries[0].batch
        batch.runs.add(run)
        run.add_done_callback(batch.runs.discard)
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, group: HostGroup, dispatch: Dispatch, restarts: int, fresh: bool) -> None:
        """Have one host serve some queries of one batch, between two restarts."""
        slot, queries = dispatch.slot, dispatch.queries
        running = {pending.uid: pending for pending in queries}
        batch, quarantined = queries[0].batch, slot.quarantined
        in_turn, undisturbed = group.in_turn, False
        alone = in_turn or (quarantined and len(queries) == 1)
        fault, reason, retried = Fault.LOST, "the host gave no response", False
        lost: list[PendingQuery] = []
        reopening: list[PendingQuery] = []
        try:
            async with asyncio.timeout(None if in_turn else patience_s(batch.query)) as limit:
                if in_turn:
                    slot.turns.limit(queries, limit)
                try:
                    async for responses in slot.link.serve(list(running), batch.packed):
                        for response in responses:
                            if (pending := running.pop(response.uid, None)) is None:
                                continue
                            slot.turns.skip_to(pending)
                            verdict = self._judge(pending, response, alone)
                            if verdict is not None:
                                group.note_service(verdict)
                                self._release(group, slot, pending, verdict)
                                continue
                            slot.turns.end(pending)
                            pending.started = None  # at a deadline it counts as waiting, not as running
                            assert isinstance(response, EngineLost)
                            (reopening if response.opening else lost).append(pending)
                        self._place(group, slot)
                    undisturbed = not (quarantined or running or lost or reopening)
                finally:
                    slot.turns.limit(queries, None)
        except TimeoutError:
            fault, retried = Fault.TIMEOUT, slot.leaving or not alone
            reason = f"no answer within {batch.query.timeout_s:g} s, and host {slot.link.name} hung"
            self._revive(group, slot, restarts, "it hung")
            self._requeue_unbegun(group, slot, running)
        except HostDied as error:
            self._revive(group, slot, restarts, str(error))
            self._requeue_unbegun(group, slot, running)
            fault, reason = Fault.ERROR, "its host died while serving it alone"
            for pending in running.values() if in_turn else queries[:1]:
                fresh = fresh and pending is queries[0]
                retried = slot.leaving or not blames_for_host(pending, alone=alone, fresh=fresh)
        except asyncio.CancelledError:  # at a deadline, or its caller is gone
            if not (slot.probed or group.given_up):
                slot.probed = True
                self._background(self._probe(group, slot, restarts, group.max_silence_s()))
            raise
        except Exception as error:  # the link itself: no miner is blamed, and the host stays
            logger.exception("host %s: a query could not be delivered", slot.link.name)
            reason = f"host {slot.link.name}: {type(error).__name__}: {error}"[:400]
        finally:
            if quarantined:
                slot.quarantined = False
            if lost or reopening:
                self._deaths += 1
                group.retry(slot, lost)
                group.retry(slot, reopening, bisect=False)
            if retried:
                for pending in running.values():
                    slot.turns.end(pending)
                group.retry(slot, list(running.values()))
            else:
                for pending in running.values():
                    self._release(group, slot, pending, Response(pending.uid, fault=fault, reason=reason))
            if not undisturbed:
                self._place(group)

    def _requeue_unbegun(self, group: HostGroup, slot: HostSlot, running: dict[int, PendingQuery]) -> None:
        """Let those queries of a run wait again whose turn on the host never came."""
        if group.in_turn:
            unbegun = [pending for pending in running.values() if pending is not slot.turns.struck]
            for pending in unbegun:
                del running[pending.uid]
                slot.turns.end(pending)
            group.requeue(slot, unbegun)

    async def _probe(self, group: HostGroup, slot: HostSlot, restarts: int, timeout_s: float) -> None:
        """Restart a host that gives no sign of life: cancelled work does not report that its host hangs."""
        try:
            async with asyncio.timeout(timeout_s):
                await slot.link.paid((), again=False)
        except (HostDied, TimeoutError) as error:
            self._revive(group, slot, restarts, str(error) or "it hung")
        finally:
            slot.probed = False

    def _judge(self, pending: PendingQuery, response: Response, alone: bool) -> Response | None:
        """Return the response that counts; None if the query is retried because an engine was gone."""
        if not isinstance(response, EngineLost):
            return response
        now = asyncio.get_running_loop().time()
        return judge_engine_loss(pending, response, alone=alone, now=now, reopening_s=self._reopening_s)

    def _release(self, group: HostGroup, slot: HostSlot, pending: PendingQuery, response: Response) -> None:
        """Finish a query that ran, and free its slot."""
        slot.turns.end(pending)
        slot.free += 1
        group.running.discard(pending)
        self._finish(pending, response, slot if slot.up else None)

    def _finish(self, pending: PendingQuery, response: Response, slot: HostSlot | None = None) -> None:
        """Set the response of a query, and queue its followers, on the same host if affinity demands it."""
        if not pending.answered:
            now = asyncio.get_running_loop().time()
            # A host that serves in turn may have begun before the answer to the previous query arrived here.
            began = now if pending.started is None else min(pending.started, now - response.latency_s)
            pending.response.set_result(replace(response, waited_s=max(0.0, began - pending.created)))
        followers, pending.followers = pending.followers, []
        for follower in followers:
            group = self._groups[follower.uid]
            if slot is not None and pending.uid in self._affinity.same_host.get(follower.uid, ()):
                heapq.heappush(slot.pinned, follower)
                continue
            heapq.heappush(group.waiting, follower)
            if group is not self._groups[pending.uid]:
                self._place(group)

    def _cut_off(self, pending: PendingQuery, deadline_s: float) -> Response:
        """Return the response of a query at the deadline: only a miner that had its whole time is to blame."""
        uid, timeout_s = pending.uid, pending.batch.query.timeout_s
        if pending.started is None:
            return Response(uid, fault=Fault.LOST, reason=f"not started within {deadline_s:g} s")
        ran_s = asyncio.get_running_loop().time() - pending.started
        if ran_s < timeout_s:
            reason = f"cut off after {ran_s:.3g} of its {timeout_s:g} s, at the deadline of {deadline_s:g} s"
            return Response(uid, fault=Fault.LOST, reason=reason, latency_s=ran_s)
        return Response(uid, fault=Fault.TIMEOUT, reason=f"no answer within {timeout_s:g} s", latency_s=ran_s)

    def _revive(self, group: HostGroup, slot: HostSlot, restarts: int, reason: str) -> None:
        """Take a host out of service until it has restarted, unless it has been restarted since."""
        if not slot.up or slot.restarts != restarts:
            return
        slot.up = False
        slot.turns.strike()
        self._deaths += 1
        group.unpin(slot)
        logger.warning("restarting host %s: %s", slot.link.name, reason)
        self._background(self._restart(group, slot))

    async def _restart(self, group: HostGroup, slot: HostSlot) -> None:
        attempts = AsyncRetrying(
            stop=stop_after_attempt(self._max_restarts),
            wait=wait_incrementing(self._backoff_s, self._backoff_s),
            # A host without room has already waited as long as it may.
            retry=retry_if_exception(lambda error: isinstance(error, Exception) and not isinstance(error, NoRoom)),
            reraise=True,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    await slot.link.close()
                    await self._start_host(slot.link)
        except Exception as error:  # anything may keep a host from starting
            reason = str(error) if isinstance(error, PoolError) else f"{type(error).__name__}: {error}"
            tries = attempts.statistics["attempt_number"]
            after = f"after {tries} restart{'s' if tries != 1 else ''}"
            logger.error("giving up host %s %s: %s", slot.link.name, after, reason)
            group.slots.remove(slot)
            if not group.slots:
                self._give_up(group, f"group {group.name} has no host left, {after}: {reason}")
        else:
            slot.up, slot.fresh, slot.leaving = True, True, False
            slot.restarts += 1
            self._place(group)

    def _give_up(self, group: HostGroup, reason: str) -> None:
        group.given_up = reason
        while group.waiting or group.quarantine:
            if group.quarantine:
                group.waiting += group.quarantine.next()
            pending = group.waiting.pop()
            self._finish(pending, Response(pending.uid, fault=Fault.LOST, reason=reason))


def priority(miner: Miner, query: Query) -> float:
    """Return the priority that a miner gives a query; 0 where that is not a finite number."""
    try:
        value = float(miner.priority(query))
    except BaseException:  # the miner's own code, in the pool's process
        return 0.0
    return value if math.isfinite(value) else 0.0
