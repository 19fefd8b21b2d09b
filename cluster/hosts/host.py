"""A host: the process that holds engines and serves the miners that share them.

A plain class: a pool runs it in this process, in a child process or as a Ray actor. Whatever a miner does
becomes a `Response`. Its latency is the plain time from being given the query to having answered. Time that
other miners of the host held the event loop meanwhile puts off its timeout, by as much again at most; it never
lowers the latency. Tasks that a miner starts are watched and metered with it.

    host = Host("io", {0: Echo()})
    await host.open()
    response = await host.serve(0, query)
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from time import perf_counter, thread_time
from typing import Any

from cluster.cpu import family_cpu_s, tree_cpu_s
from cluster.plan import find_victims, likeness
from cluster.said import plain
from miners import Miner, Pay, overhearing
from miners.errors import RefusedError
from subnets import Answer, Cost, Fault, MalformedAnswer, Meter, Query, Response
from subnets.cost import process_cpu_s

from .engine_supervisor import Engines

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 8_000_000
"""A longer answer is malformed, and is not carried anywhere."""
LINGER_S = 2.0
"""What a miner that was timed out has to end its work, before its place is given to the next."""
KEPT_ANSWERS = 256
"""Victims' answers that are kept for their copycats."""


@dataclass(frozen=True, slots=True)
class Served:
    """Responses of a host that came at the same time."""

    responses: tuple[Response, ...]
    cpu_s: float
    """CPU of the host's process so far, children that have ended included."""


@dataclass(frozen=True, slots=True)
class EngineLost(Response):
    """What comes of a query where an engine of the miner was gone: for the scheduler, that asks again."""

    opening: bool = False
    """Whether the miner was not given the query, as the engine was still being opened again."""


@dataclass(slots=True)
class _Turn:
    """One miner at one query."""

    uid: int
    query: Query
    host: Host
    meter: Meter
    started: float
    """When the miner was given the query."""
    others_before_s: float
    """Time that other miners had held the event loop by then, since the host was made."""
    ended: float | None = None
    others_s: float = 0.0
    """Time that other miners held the event loop between `started` and `ended`."""
    held_s: float = 0.0
    """Time that this miner held the event loop."""
    borrowed_s: float = 0.0
    """Time that a victim had already spent on an answer that was overheard."""


_serving: ContextVar[_Turn | None] = ContextVar("_serving", default=None)
"""The turn that this code, and every task started by it, is part of."""


class _Steps(Coroutine[Any, Any, Any]):
    """A task's work in a turn: notes how long its steps hold the event loop, and meters them unless `metered`."""

    def __init__(self, turn: _Turn, work: Coroutine[Any, Any, Any], *, metered: bool) -> None:
        self._turn, self._work, self._metered = turn, work, metered

    def send(self, value: Any) -> Any:
        return self._step(lambda: self._work.send(value))

    def throw(self, *error: Any) -> Any:
        return self._step(lambda: self._work.throw(*error))

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise TypeError("the work of a task is not awaited by itself")

    def _step(self, step: Callable[[], Any]) -> Any:
        cpu_s, started = thread_time(), perf_counter()
        try:
            return step()
        except (SystemExit, KeyboardInterrupt) as error:  # in a task of the miner's, it would end the host
            raise RuntimeError(f"{type(error).__name__}: {plain(error)}") from error
        finally:
            held_s = perf_counter() - started
            self._turn.held_s += held_s
            self._turn.host.held_s += held_s
            if not self._metered:
                self._turn.meter.cost += Cost(cpu_s=thread_time() - cpu_s)


def watching(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """Make a task; where a miner asks for it, its steps count as that miner's."""
    turn = _serving.get()
    return asyncio.Task(work if turn is None else _Steps(turn, work, metered=False), loop=loop, **options)


@dataclass(slots=True)
class _Given:
    """The answer of a victim, or the time to wait for it."""

    done: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Answer | bytes | None = None
    after_s: float = 0.0


class Host:
    """Serves some miners with one instance of each engine that they need."""

    def __init__(self, name: str, miners: Mapping[int, Miner], threads: int = 0, *, owns_process: bool = False) -> None:
        """`owns_process`: whether the process does nothing else, so that all its children are the host's."""
        self.name = name
        self._cpu_s = family_cpu_s if owns_process else process_cpu_s
        self._threads = threads
        """Bound on the threads of OpenMP in what the host loads and starts; 0 sets none."""
        engines = {engine.key: engine for miner in miners.values() for engine in miner.engines()}
        self._engines = Engines(engines.values())
        self._keys = {uid: tuple(engine.key for engine in miner.engines()) for uid, miner in miners.items()}
        self._miners = {uid: miner.sharing(engines) for uid, miner in miners.items()}
        self._copied = {uid for victims in find_victims(miners).values() for uid in victims}
        self._alike: dict[str, list[int]] = {}
        for uid in sorted(self._copied):
            self._alike.setdefault(likeness(miners[uid]), []).append(uid)
        self._given: OrderedDict[tuple[str, int], _Given] = OrderedDict()
        self._owed: dict[int, Cost] = {}
        """What miners used since their last answer."""
        self.held_s = 0.0
        """Time that its miners held the event loop."""

    async def open(self) -> None:
        """Open the engines, one after another; raises what an engine raises."""
        if self._threads:
            os.environ["OMP_THREAD_LIMIT"] = str(self._threads)
        await self._engines.open()

    async def close(self) -> None:
        """Close the engines."""
        await self._engines.close()

    def paid(self, pays: Sequence[Mapping[int, Pay]], *, again: bool = False) -> None:
        """Tell the miners of this host, by uid, what each epoch brought them.

        What they make of it is part of the cost of their next answer, unless they are told `again`, on a new host.
        """
        for epoch in pays:
            for uid in epoch.keys() & self._miners.keys():
                cost = tell(uid, self._miners[uid], epoch[uid])
                if not again:
                    self._owed[uid] = self._owed.get(uid, Cost()) + cost

    def cpu_s(self) -> float:
        """CPU seconds of this process and all that descends from it."""
        return tree_cpu_s(os.getpid())

    async def serve_all(self, uids: Sequence[int], query: Query) -> AsyncIterator[Served]:
        """Give several miners the same query; yield responses as they come, those that are ready together."""
        waiting = {asyncio.create_task(self.serve(uid, query)) for uid in uids}
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if waiting:
                    await asyncio.sleep(0.001)
                    more, waiting = {task for task in waiting if task.done()}, {t for t in waiting if not t.done()}
                    done |= more
                yield Served(tuple(task.result() for task in done), process_cpu_s())
        finally:
            for task in waiting:
                task.cancel()

    async def serve(self, uid: int, query: Query) -> Response:
        """Give one miner the query; whatever comes of it is the response.

        An engine that died is opened again first, within the time of the query and at nobody's expense.
        """
        if down := await self._engines.ready(self._keys[uid], query.timeout_s):
            if self._engines.opening(self._keys[uid]):
                return EngineLost(uid, fault=Fault.LOST, reason=plain(down), opening=True)
            return Response(uid, fault=Fault.LOST, reason=plain(down))
        turn = _Turn(uid, own_copy(query), self, Meter(), perf_counter(), others_before_s=self.held_s)
        asyncio.get_running_loop().set_task_factory(watching)
        if uid in self._copied:
            self._expect(query.id, uid)
        task = asyncio.create_task(_Steps(turn, self._metered(turn), metered=True))
        try:
            while not task.done() and (left_s := self._left_s(turn)) > 0.0:
                await asyncio.wait({task}, timeout=left_s)
            late = self._left_s(turn) <= 0.0
            latency_s, others_s = (turn.ended or perf_counter()) - turn.started, self._others_s(turn)
            if late:
                task.cancel()
                await asyncio.wait({task}, timeout=LINGER_S)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._give(turn, None)
        if late:
            if task.done() and not task.cancelled():
                task.exception()  # its last words, that nobody waits for
            if others_s > query.timeout_s > latency_s - others_s:
                reason = f"other miners held the event loop for {others_s:.3g} s"
                response = Response(uid, fault=Fault.LOST, reason=reason)
            else:
                response = Response(uid, fault=Fault.TIMEOUT, reason=f"no answer within {query.timeout_s:g} s")
        elif task.cancelled():
            response = Response(uid, fault=Fault.ERROR, reason="CancelledError: the miner cancelled its own work")
        else:
            response = task.result()
        if response.fault in (Fault.ERROR, Fault.TIMEOUT) and (down := self._engines.down(self._keys[uid])):
            response = EngineLost(uid, fault=Fault.LOST, reason=plain(down))
        cost = turn.meter.cost + self._owed.pop(uid, Cost())
        return replace(response, latency_s=latency_s + turn.borrowed_s, cost=cost)

    async def bare(self, uid: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run one miner alone over the queries; the cost of each is all that the host used meanwhile.

        Engines' processes are part of it. None for a query that was not done because an engine died.
        """
        costs: list[Cost | None] = []
        for query in queries:
            if await self._engines.ready(self._keys[uid], query.timeout_s):
                costs.append(None)
                continue
            before = self._cpu_s()
            try:
                with Meter() as meter:
                    await self._miners[uid].forward(query)
            except Exception:
                if not self._engines.down(self._keys[uid]):
                    raise
                costs.append(None)
            else:
                costs.append(replace(meter.cost, cpu_s=self._cpu_s() - before))
        return costs

    async def _metered(self, turn: _Turn) -> Response:
        # Made once this is stepped: a task that is cancelled before would leave it unawaited.
        return await turn.meter.run(self._answer(turn))

    async def _answer(self, turn: _Turn) -> Response:
        miner = self._miners[turn.uid]
        turn.started, turn.others_before_s = perf_counter(), self.held_s - turn.held_s
        _serving.set(turn)
        try:
            overhearing.set(lambda victim, query: self._overhear(turn, victim, query))
            if refusal := miner.blacklist(turn.query):
                return Response(turn.uid, fault=Fault.REFUSED, reason=plain(refusal))
            answer = await miner.forward(turn.query)
        except asyncio.CancelledError:
            raise
        except RefusedError as refusal:
            return Response(turn.uid, fault=Fault.REFUSED, reason=plain(refusal))
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: a miner's exit ends no host
            said = plain(error)
            return Response(turn.uid, fault=Fault.ERROR, reason=type(error).__name__ + (f": {said}" if said else ""))
        finally:
            self._stop(turn)
        try:
            body = encode(answer)
        except MalformedAnswer as error:
            return Response(turn.uid, fault=Fault.MALFORMED, reason=plain(error))
        finally:
            self._stop(turn)
        if self._left_s(turn) > 0.0:
            self._give(turn, answer)
        return Response(turn.uid, body=body)

    def _stop(self, turn: _Turn) -> None:
        turn.ended = None
        turn.others_s, turn.ended = self._others_s(turn), perf_counter()

    def _others_s(self, turn: _Turn) -> float:
        """Time that other miners held the event loop in a turn, so far or until it ended."""
        return turn.others_s if turn.ended is not None else self.held_s - turn.held_s - turn.others_before_s

    def _left_s(self, turn: _Turn) -> float:
        """Time that a turn has left, or had left when it ended; negative once it is late.

        The credit is bounded, so that the caller knows when to give a host up.
        """
        credit_s = min(self._others_s(turn), turn.query.timeout_s)
        return turn.query.timeout_s + credit_s - ((turn.ended or perf_counter()) - turn.started)

    def _give(self, turn: _Turn, answer: Answer | bytes | None) -> None:
        """Let copycats have a victim's answer; None tells them that there will be none."""
        given = self._given.get((turn.query.id, turn.uid))
        if given is not None and not given.done.is_set():
            given.answer, given.after_s = answer, (turn.ended or perf_counter()) - turn.started
            given.done.set()

    def _expect(self, query_id: str, uid: int) -> None:
        self._given[query_id, uid] = _Given()
        while len(self._given) > KEPT_ANSWERS:
            self._given.popitem(last=False)

    async def _overhear(self, turn: _Turn, victim: Miner, query: Query) -> Answer | bytes:
        """Return what such a miner gave, or is giving, to the query on this host; else have its work done anew."""
        found = (self._given.get((turn.query.id, uid)) for uid in self._alike.get(likeness(victim), ()))
        given = next((given for given in found if given is not None), None)
        if given is None:
            return await victim.forward(query)
        if given.done.is_set():
            turn.borrowed_s = given.after_s
        await given.done.wait()
        if given.answer is None:
            raise LookupError("the victim gave no answer")
        return given.answer


def tell(uid: int, miner: Miner, pay: Pay) -> Cost:
    """Tell a miner what an epoch brought it; return what it used. One that fails at it has learnt nothing."""
    with Meter() as meter:
        try:
            miner.paid(pay)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the miner's own code
            logger.warning("miner %d does not take its pay: %s: %s", uid, type(error).__name__, plain(error))
    return meter.cost


def own_copy(query: Query) -> Query:
    """Copy a query down to its immutable parts: nothing that a miner does to it is seen by anyone else."""
    messages = tuple(replace(message) for message in query.prompt.messages)
    return replace(query, prompt=replace(query.prompt, messages=messages), caller=replace(query.caller))


def encode(answer: object) -> bytes:
    """Encode what a miner returned.

    Raises:
        MalformedAnswer: it is neither an Answer nor bytes, can't be encoded, or is too long to carry.
    """
    try:
        body = answer.body() if isinstance(answer, Answer) else answer
        if isinstance(body, bytes):
            body = bytes(body)
    except BaseException as error:  # no Unicode, values that the schema was talked past, an exit of the miner's
        raise MalformedAnswer(f"the answer can't be encoded: {type(error).__name__}: {plain(error)}") from error
    if not isinstance(body, bytes):
        raise MalformedAnswer(f"the miner returned {type(body).__name__}; an Answer or bytes are allowed")
    if len(body) > MAX_BODY_BYTES:
        raise MalformedAnswer(f"{len(body):,} bytes; at most {MAX_BODY_BYTES:,} are carried")
    return body
