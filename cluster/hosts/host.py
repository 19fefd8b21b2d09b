"""A host: the process that holds engines and serves the miners that share them.

A plain class: a pool runs it in this process, in a child process or on another machine. Whatever a miner does becomes
a `Response`. Its latency is the wall time from receiving the query to answering it. Time for which other miners
of the host held the event loop extends its timeout, by at most as much again; it never lowers the latency. Tasks that
a miner starts are timed and metered with it.

    host = Host("io", {0: Echo()})
    await host.open()
    response = await host.serve(0, query)
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from cluster.cpu import family_cpu_s, tree_cpu_s
from cluster.text import safe_text
from inference.pickling import pickled_by_position
from miners import Miner, Pay, overhearing
from miners.errors import ImageError, RefusedError
from subnets import Answer, Caller, Cost, Fault, MalformedAnswer, Message, Meter, Prompt, Query, Response
from subnets.cost import process_cpu_s

from .engine_supervisor import EngineSupervisor
from .overheard import OverheardAnswers
from .turn import LoopUse, Steps, Turn, create_task_in_turn, current_turn

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 8_000_000
"""A longer answer is malformed, and is not passed on."""
LINGER_S = 2.0
"""Time that a miner has after its timeout to end its work, before the next query takes its slot."""


@dataclass(frozen=True, slots=True)
class Served:
    """Responses that became ready on a host at the same time."""

    responses: tuple[Response, ...]
    cpu_s: float
    """CPU of the host's process so far, with the children that have ended."""


@pickled_by_position
@dataclass(frozen=True, slots=True)
class EngineLost(Response):
    """The outcome of a query for which an engine of the miner was gone; the scheduler retries it."""

    opening: bool = False
    """True if the miner was not given the query, as the engine was still reopening."""


class Host:
    """Serves some miners with one instance of each engine that they need."""

    def __init__(self, name: str, miners: Mapping[int, Miner], threads: int = 0, *, owns_process: bool = False) -> None:
        """Take miners by uid. `owns_process`: the process does nothing else, so all its children are the host's."""
        self.name = name
        self._cpu_s = family_cpu_s if owns_process else process_cpu_s
        self._threads = threads
        """Bound on the OpenMP threads of what the host loads and starts; 0 sets none."""
        engines = {engine.key: engine for miner in miners.values() for engine in miner.engines()}
        self._engines = EngineSupervisor(engines.values())
        self._engine_keys = {uid: tuple(engine.key for engine in miner.engines()) for uid, miner in miners.items()}
        self._miners = {uid: miner.sharing(engines) for uid, miner in miners.items()}
        self._overheard = OverheardAnswers(miners)
        self._owed: dict[int, Cost] = {}
        """What miners have used since their last answer."""
        self._loop_use = LoopUse()

    async def open(self) -> None:
        """Open the engines, one after another; raises what an engine raises."""
        if self._threads:
            os.environ["OMP_THREAD_LIMIT"] = str(self._threads)
        await self._engines.open()

    async def close(self) -> None:
        """Close the engines."""
        await self._engines.close()

    def paid(self, pays: Sequence[Mapping[int, Pay]], *, again: bool = False) -> None:
        """Notify the miners of this host, by uid, of their pay for each epoch.

        The cost of handling a notice counts towards the miner's next answer, unless a new host repeats it (`again`).
        """
        for epoch in pays:
            for uid in epoch.keys() & self._miners.keys():
                cost = notify(uid, self._miners[uid], epoch[uid])
                if not again:
                    self._owed[uid] = self._owed.get(uid, Cost()) + cost

    def cpu_s(self) -> float:
        """Return the CPU seconds of this process and all its descendants."""
        return tree_cpu_s(os.getpid())

    async def serve_all(self, uids: Sequence[int], query: Query) -> AsyncIterator[Served]:
        """Give several miners the same query; yield responses as they come, in batches."""
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
        """Give one miner the query; return its response, whatever happens.

        An engine that died is reopened first, within the query's timeout, without charging any miner.
        """
        keys = self._engine_keys[uid]
        if down := await self._engines.ready(keys, query.timeout_s):
            if self._engines.opening(keys):
                return EngineLost(uid, fault=Fault.LOST, reason=safe_text(down), opening=True)
            return Response(uid, fault=Fault.LOST, reason=safe_text(down))
        turn = Turn(uid, own_copy(query), self._loop_use, Meter(), perf_counter(), self._loop_use.held_s)
        asyncio.get_running_loop().set_task_factory(create_task_in_turn)
        self._overheard.expect(query.id, uid)
        task = asyncio.create_task(Steps(turn, self._metered(turn), metered=True))
        try:
            while not task.done() and (left_s := turn.left_s()) > 0.0:
                await asyncio.wait({task}, timeout=left_s)
            late = turn.left_s() <= 0.0
            latency_s, others_s = turn.elapsed_s(), turn.held_by_others_s()
            if late:
                task.cancel()
                await asyncio.wait({task}, timeout=LINGER_S)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._overheard.keep(turn, None)
        if late:
            if task.done() and not task.cancelled():
                task.exception()  # unless it is retrieved, asyncio logs it
            if others_s > query.timeout_s > latency_s - others_s:
                reason = f"other miners held the event loop for {others_s:.3g} s"
                response = Response(uid, fault=Fault.LOST, reason=reason)
            else:
                response = Response(uid, fault=Fault.TIMEOUT, reason=f"no answer within {query.timeout_s:g} s")
        elif task.cancelled():
            response = Response(uid, fault=Fault.ERROR, reason="CancelledError: the miner cancelled its own work")
        else:
            response = task.result()
        if response.fault in (Fault.ERROR, Fault.TIMEOUT) and (down := self._engines.down(keys)):
            response = EngineLost(uid, fault=Fault.LOST, reason=safe_text(down))
        cost = turn.meter.cost + self._owed.pop(uid, Cost())
        return replace(response, latency_s=latency_s + turn.borrowed_s, cost=cost)

    async def baseline(self, uid: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run one miner alone over the queries; the cost of each is everything that the host used meanwhile.

        That includes the engines' processes. None stands for a query that was not done because an engine died.
        """
        costs: list[Cost | None] = []
        for query in queries:
            if await self._engines.ready(self._engine_keys[uid], query.timeout_s):
                costs.append(None)
                continue
            before = self._cpu_s()
            try:
                with Meter() as meter:
                    await self._miners[uid].forward(query)
            except Exception:
                if not self._engines.down(self._engine_keys[uid]):
                    raise
                costs.append(None)
            else:
                costs.append(replace(meter.cost, cpu_s=self._cpu_s() - before))
        return costs

    async def _metered(self, turn: Turn) -> Response:
        # Creates the inner coroutine only when stepped: a task cancelled before that would leave it unawaited.
        return await turn.meter.run(self._answer(turn))

    async def _answer(self, turn: Turn) -> Response:
        miner = self._miners[turn.uid]
        turn.begin()
        current_turn.set(turn)
        try:
            overhearing.set(lambda victim, query: self._overheard.overhear(turn, victim, query))
            if refusal := miner.blacklist(turn.query):
                return Response(turn.uid, fault=Fault.REFUSED, reason=safe_text(refusal))
            answer = await miner.forward(turn.query)
        except asyncio.CancelledError:
            raise
        except (RefusedError, ImageError) as refusal:
            return Response(turn.uid, fault=Fault.REFUSED, reason=safe_text(refusal))
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: a miner's exit ends no host
            message, kind = safe_text(error), type(error).__name__
            return Response(turn.uid, fault=Fault.ERROR, reason=f"{kind}: {message}" if message else kind)
        finally:
            turn.stop()
        try:
            body = encode(answer)
        except MalformedAnswer as error:
            return Response(turn.uid, fault=Fault.MALFORMED, reason=safe_text(error))
        finally:
            turn.stop()
        if turn.left_s() > 0.0:
            self._overheard.keep(turn, answer)
        return Response(turn.uid, body=body)


def notify(uid: int, miner: Miner, pay: Pay) -> Cost:
    """Notify a miner of its pay for an epoch; return what it used. Its failure is logged and changes nothing else."""
    with Meter() as meter:
        try:
            miner.paid(pay)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the miner's own code
            logger.warning("miner %d failed to take its pay: %s: %s", uid, type(error).__name__, safe_text(error))
    return meter.cost


def own_copy(query: Query) -> Query:
    """Copy a query down to its immutable parts, so that a miner can't change it for others."""
    # Spelled out, as `replace` takes five times as long.
    messages = tuple(Message(message.role, message.content) for message in query.prompt.messages)
    prompt = Prompt(messages, query.prompt.image, query.prompt.max_tokens)
    caller = Caller(query.caller.hotkey, query.caller.stake, query.caller.validator_permit)
    return Query(query.id, query.subnet, prompt, query.timeout_s, caller)


def encode(answer: object) -> bytes:
    """Encode what a miner returned.

    Raises:
        MalformedAnswer: it is neither an Answer nor bytes, can't be encoded, or is too long to carry.
    """
    try:
        body = answer.body() if isinstance(answer, Answer) else answer
        if isinstance(body, bytes):
            body = bytes(body)
    except BaseException as error:  # not Unicode, values that got past the schema, SystemExit from the miner's code
        raise MalformedAnswer(f"the answer can't be encoded: {type(error).__name__}: {safe_text(error)}") from error
    if not isinstance(body, bytes):
        raise MalformedAnswer(f"the miner returned {type(body).__name__}; an Answer or bytes are allowed")
    if len(body) > MAX_BODY_BYTES:
        raise MalformedAnswer(f"{len(body):,} bytes; at most {MAX_BODY_BYTES:,} are carried")
    return body
