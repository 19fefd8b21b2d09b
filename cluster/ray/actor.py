"""Actors: hosts and juries on Ray, as thin shells over the plain classes.

No exception crosses between processes: one whose class is particular would arrive as another or not at all.
An actor that died is replaced by a new one of ours, never restarted by Ray behind our back: so its end is
known at once, and what it was doing is known to be lost.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from cluster.cpu import process_cpu_s
from cluster.errors import HostDied, NoRoom, PoolError
from cluster.hosts.host import Host, Served
from cluster.hosts.host_link import not_ready
from cluster.hosts.validator_worker import Failure, ValidatorWorker
from cluster.plan import Group
from cluster.said import first_words, plain
from cluster.status import ProcessUsage, gpus_in_use, look_at
from miners import Miner, Pay
from subnets import Cost, Query, Response

from .nodes import NODE_ID, RayNodes

logger = logging.getLogger(__name__)

HEALTH_S = 2.0
"""Patience for a word from an actor that is not needed for the work."""
CLOSE_S = 20.0
"""What the engines of a host that lives have to close: vLLM takes up to 5 s each for its end, sockets and processes."""
SPARE_CALLS = 64
"""Calls beyond a host's slots: ended ones whose last words are on the way."""


@dataclass(frozen=True, slots=True)
class Place:
    """What an actor was given."""

    pid: int
    node: str
    """Ray's id of the machine."""


class HostActor(Host):
    """What Ray runs for a host."""

    def __init__(self, name: str, miners: Mapping[int, Miner], threads: int) -> None:
        super().__init__(name, miners, threads, owns_process=True)

    def place(self) -> Place:
        """Tell what was given to it."""
        return place_here()

    def look(self) -> ProcessUsage:
        """Tell where it is and what it uses."""
        return look_here()

    async def ready(self) -> Failure | None:
        """Open the engines."""
        try:
            await self.open()
        except Exception as error:
            return Failure(f"{type(error).__name__}: {plain(error)}")
        return None

    async def serve_one(self, uid: int, query: Query) -> Served:
        """Give one miner the query: as one reply, which costs half of what a stream does."""
        return Served((await self.serve(uid, query),), process_cpu_s())

    async def alone(self, uid: int, queries: Sequence[Query]) -> list[Cost | None] | Failure:
        """Run one miner alone."""
        try:
            return await self.bare(uid, queries)
        except Exception as error:
            return Failure(f"miner {uid} alone: {type(error).__name__}: {plain(error)}")

    def __repr__(self) -> str:
        return f"host {self.name}"


class JuryActor(ValidatorWorker):
    """What Ray runs for a jury."""

    def place(self) -> Place:
        """Tell what was given to it."""
        return place_here()

    def look(self) -> ProcessUsage:
        """Tell where it is and what it uses."""
        return look_here()


@cache
def remote(shell: type) -> Any:
    """Return Ray's class for a shell: one for good, as Ray keeps what it wraps around each that is made."""
    import ray

    options: dict[str, Any] = {"max_restarts": 0, "max_task_retries": 0, "concurrency_groups": {"health": 1}}
    return ray.remote(**options)(shell)


class Actor:
    """One actor and those that replace it, seen from the driver."""

    def __init__(self, name: str, before_s: Mapping[int, float], start_timeout_s: float) -> None:
        """`before_s`: CPU by pid of processes that were there before the pool, and may be given to it."""
        self.name = name
        self.pid: int | None = None
        self.node: str | None = None
        """Ray's id of its machine."""
        self.placed = 0
        """How often it was given a process."""
        self._before_s = before_s
        self._start_timeout_s = start_timeout_s
        self._handle: Any = None
        self._ended_cpu_s = 0.0
        self._cpu_s = 0.0
        """Last known, of the present process."""

    async def place(
        self, shell: type, arguments: tuple[Any, ...], calls: int, options: Mapping[str, Any], patience_s: float
    ) -> None:
        """Create the actor, with what `options` of Ray it needs, and wait until it has a process.

        Raises:
            NoRoom: the cluster did not give it what it needs in time.
            PoolError: it can't be started.
        """
        import ray
        from ray.exceptions import RayError

        self._handle = remote(shell).options(**options, max_concurrency=calls).remote(*arguments)
        try:
            async with asyncio.timeout(patience_s):
                place: Place = await self.health("place")
        except TimeoutError:
            has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
            left: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
            await self.end()  # what Ray may still place would be nobody's
            raise NoRoom(f"{self.name} was not placed within {patience_s:g} s{_lacking(options, left, has)}") from None
        except RayError as error:
            await self.end()
            raise PoolError(f"{self.name} can't be started: {first_words(error)}") from error
        self.pid, self.node = place.pid, place.node
        self.placed += 1

    def health(self, method: str) -> Any:
        """Call a method that answers while the actor is at work; returns an awaitable."""
        return getattr(self._handle, method).options(concurrency_group="health").remote()

    async def cpu_s(self) -> float:
        """CPU seconds since the pool started, of dead predecessors as far as they told."""
        from ray.exceptions import RayError

        if self._handle is not None:
            with suppress(RayError, TimeoutError):
                async with asyncio.timeout(HEALTH_S):
                    self._note(await self.health("cpu_s"))
        return self._ended_cpu_s + self._cpu_s

    async def look(self) -> ProcessUsage | None:
        """Have it tell what it uses; None where it does not answer soon."""
        from ray.exceptions import RayError

        with suppress(RayError, TimeoutError):
            async with asyncio.timeout(HEALTH_S):
                return None if self._handle is None else cast(ProcessUsage, await self.health("look"))
        return None

    async def end(self) -> None:
        """Kill the actor; another one can be placed."""
        import ray

        if self._handle is None:
            return
        await self.cpu_s()
        self._ended_cpu_s, self._cpu_s = self._ended_cpu_s + self._cpu_s, 0.0
        handle, self._handle, self.pid, self.node = self._handle, None, None, None
        with suppress(Exception):  # it may be dead, and Ray may be gone
            ray.kill(handle)

    def _note(self, cpu_s: float) -> None:
        before_s = self._before_s.get(self.pid, 0.0) if self.pid is not None else 0.0
        self._cpu_s = max(self._cpu_s, cpu_s - before_s)


class RayHost(Actor):
    """The link to a host on Ray."""

    def __init__(
        self, group: Group, number: int, before_s: Mapping[int, float], start_timeout_s: float, nodes: RayNodes
    ) -> None:
        super().__init__(group.host_names()[number], before_s, start_timeout_s)
        self._group = group
        self._nodes = nodes

    async def start(self) -> None:
        """Place the actor and open its engines."""
        from ray.exceptions import RayError

        group = self._group
        threads = max(1, int(group.cpus)) if group.cpus else 0
        arguments = (self.name, dict(group.miners), threads)
        options = self._nodes.options(self.name, group)
        patience_s = self._start_timeout_s + self._nodes.wait_s
        self._nodes.require(self.name, group)
        async with self._nodes.telling(f"{self.name} needs {say(group.needs, group.needs)}", patience_s):
            await self.place(HostActor, arguments, group.slots + SPARE_CALLS, options, patience_s)
        try:
            async with asyncio.timeout(self._start_timeout_s):
                failure = await self._handle.ready.remote()
        except TimeoutError:
            raise not_ready(self.name, self._start_timeout_s) from None
        except RayError as error:
            raise PoolError(f"host {self.name} died while it opened its engines: {first_words(error)}") from error
        if failure is not None:
            raise PoolError(f"host {self.name}: {failure.reason}")

    async def serve(self, uids: Sequence[int], parcel: Any) -> AsyncIterator[tuple[Response, ...]]:
        """Serve there; cancelling this cancels the miners' work."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        if self._handle is None:
            raise HostDied(f"host {self.name} is gone")
        if len(uids) == 1:
            work = self._handle.serve_one.remote(uids[0], parcel)
            references = _only(work)
        else:
            work = references = self._handle.serve_all.options(num_returns="streaming").remote(list(uids), parcel)
        ended = False
        try:
            async for reference in references:
                served = await reference
                self._note(served.cpu_s)
                yield served.responses
            ended = True
        except RayTaskError as error:  # what was raised there: the host lives
            raise PoolError(f"host {self.name}: {first_words(error)}") from error
        except RayError as error:  # dead, ended by Ray for want of memory, or its machine took the answer along
            ended = True
            raise HostDied(f"host {self.name} died with the query in flight: {first_words(error)}") from error
        finally:
            if not ended:
                with suppress(Exception):  # the host may have died, or answered, in between
                    ray.cancel(work)

    async def paid(self, pays: Sequence[Mapping[int, Pay]], *, again: bool) -> None:
        """Tell them there."""
        from ray.exceptions import RayError

        if self._handle is None:
            raise HostDied(f"host {self.name} is gone")
        try:
            await self._handle.paid.remote(pays, again=again)
        except RayError as error:
            raise HostDied(f"host {self.name}: {first_words(error)}") from error

    async def bare(self, uid: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run there."""
        from ray.exceptions import RayError

        if self._handle is None:
            raise HostDied(f"host {self.name} is gone")
        try:
            costs: list[Cost | None] | Failure = await self._handle.alone.remote(uid, list(queries))
        except RayError as error:
            raise HostDied(f"host {self.name}: {first_words(error)}") from error
        if isinstance(costs, Failure):
            raise PoolError(costs.reason)
        return costs

    async def close(self) -> None:
        """Close the engines, then kill the actor."""
        if self._handle is not None:
            with suppress(Exception):  # whatever state it is in, the kill follows
                async with asyncio.timeout(HEALTH_S) as patience:
                    await self._handle.paid.remote((), again=False)  # its loop is free
                    patience.reschedule(asyncio.get_running_loop().time() + CLOSE_S)
                    await self._handle.close.remote()
        await self.end()


class RayJury(Actor):
    """A jury on Ray."""

    def __init__(self, name: str, arguments: tuple[Any, ...], before_s: Mapping[int, float], timeout_s: float) -> None:
        super().__init__(name, before_s, timeout_s)
        self._arguments = arguments
        self._placing = asyncio.Lock()

    async def start(self) -> None:
        """Place the actor and let its graders load what they need, however long that takes."""
        await self._ready()

    async def leave(self, node: str) -> None:
        """Be made anew on another machine, once done with what was asked; what is asked meanwhile waits for that."""
        from ray.exceptions import RayError

        async with self._placing:
            if self.node != node:
                return
            with suppress(RayError):  # it died of what it was asked, and is made anew all the same
                await self._handle.place.remote()  # after all else: it does one thing at a time
            await self.end()
        try:
            await self._ready()
        except PoolError as error:
            logger.warning("%s; the next to ask tries again", error)

    async def ask(self, method: str, *arguments: Any, restarts: int) -> Any:
        """Call a method; one that dies at it is replaced and asked again, for its work has no effects.

        Raises:
            NoRoom: it was not placed in time.
            PoolError: it died more than `restarts` times.
        """
        from ray.exceptions import RayError, RayTaskError

        for attempt in range(restarts + 1):
            try:
                handle = await self._ready()
            except NoRoom:
                raise
            except PoolError as error:  # it was given to a machine that is gone, which Ray did not know yet
                if attempt == restarts:
                    raise
                logger.warning("%s; it is placed again", error)
                continue
            try:
                return await getattr(handle, method).remote(*arguments)
            except RayTaskError as error:
                raise PoolError(f"{self.name} at {method}: {first_words(error)}") from error
            except RayError as error:
                logger.warning("%s died at %s: %s", self.name, method, first_words(error))
                if attempt == restarts:
                    raise PoolError(
                        f"{self.name} died {attempt + 1} times at {method}: {first_words(error)}"
                    ) from error
                async with self._placing:
                    if self._handle is handle:
                        await self.end()
        raise AssertionError

    async def _ready(self) -> Any:
        """Return the actor, placed and warm."""
        from ray.exceptions import RayError

        async with self._placing:
            if self._handle is None:
                options = {"num_cpus": 0.0, "num_gpus": 0.0}
                await self.place(JuryActor, self._arguments, 1, options, self._start_timeout_s)
                handle: Any = self._handle
                try:
                    await handle.warm.remote()
                except RayError as error:
                    await self.end()
                    raise PoolError(f"{self.name} at warm: {first_words(error)}") from error
            return self._handle


def place_here() -> Place:
    """Tell what was given to this actor."""
    import ray

    return Place(os.getpid(), ray.get_runtime_context().get_node_id())


def look_here() -> ProcessUsage:
    """Look at this actor's process, its descendants and its GPUs."""
    import ray

    node = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
    found = look_at({"actor": os.getpid()}, node)["actor"]
    return replace(found, gpus=gpus_in_use([int(gpu) for gpu in ray.get_gpu_ids() if str(gpu).isdigit()]))


def _lacking(options: Mapping[str, Any], left: Mapping[str, float], has: Mapping[str, float]) -> str:
    """Say what an actor needs, and what there is of it."""
    amounts = {"CPU": options["num_cpus"], "GPU": options["num_gpus"], **options.get("resources", {})}
    needs = {kind: amount for kind, amount in amounts.items() if amount}
    labels = {key: wanted for key, wanted in options.get("label_selector", {}).items() if key != NODE_ID}
    there = f"; the cluster has {say(needs, left)} free of {say(needs, has)}" if needs else ""
    labelled = f" with {', '.join(f'{key} = {wanted}' for key, wanted in labels.items())}" if labels else ""
    return f": it needs {say(needs, needs) or 'a machine'}{labelled}{there}" if needs or labels else ""


def say(needs: Mapping[str, float], amounts: Mapping[str, float]) -> str:
    """Write the amounts of what is needed."""
    return " and ".join(f"{amounts.get(kind, 0.0):g} {kind}" for kind in needs)


async def _only(reference: Any) -> AsyncIterator[Any]:
    """Yield it."""
    yield reference
