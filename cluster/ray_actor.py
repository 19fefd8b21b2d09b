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
from typing import Any

from miners import Miner, Pay
from subnets import Cost, Query, Response

from .errors import HostDied, PoolError
from .host import Host
from .jury import Failure, Jury
from .plan import Group
from .said import plain

logger = logging.getLogger(__name__)

HEALTH_S = 2.0
"""Patience for a word from an actor that is not needed for the work."""
SPARE_CALLS = 64
"""Calls beyond a host's slots: ended ones whose last words are on the way."""


class HostActor(Host):
    """What Ray runs for a host."""

    def __init__(self, name: str, miners: Mapping[int, Miner], threads: int) -> None:
        super().__init__(name, miners, threads, owns_process=True)

    def pid(self) -> int:
        """Return the process that was given to it."""
        return os.getpid()

    async def ready(self) -> Failure | None:
        """Open the engines."""
        try:
            await self.open()
        except Exception as error:
            return Failure(f"{type(error).__name__}: {plain(error)}")
        return None

    async def alone(self, uid: int, queries: Sequence[Query]) -> list[Cost | None] | Failure:
        """Run one miner alone."""
        try:
            return await self.bare(uid, queries)
        except Exception as error:
            return Failure(f"miner {uid} alone: {type(error).__name__}: {plain(error)}")

    def __repr__(self) -> str:
        return f"host {self.name}"


class JuryActor(Jury):
    """What Ray runs for a jury."""

    def pid(self) -> int:
        """Return the process that was given to it."""
        return os.getpid()


class Actor:
    """One actor and those that replace it, seen from the driver."""

    def __init__(self, name: str, before_s: Mapping[int, float], start_timeout_s: float) -> None:
        """`before_s`: CPU by pid of processes that were there before the pool, and may be given to it."""
        self.name = name
        self.pid: int | None = None
        self._before_s = before_s
        self._start_timeout_s = start_timeout_s
        self._handle: Any = None
        self._ended_cpu_s = 0.0
        self._cpu_s = 0.0
        """Last known, of the present process."""

    async def place(self, shell: type, arguments: tuple[Any, ...], cpus: float, gpus: float, calls: int) -> None:
        """Create the actor and wait until it has a process.

        Raises:
            PoolError: the cluster has not what it needs, or did not give it in time.
        """
        import ray
        from ray.exceptions import RayError

        needs = {"CPU": cpus, "GPU": gpus}
        has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        if lacking := lacks(needs, has):
            raise PoolError(f"{self.name} needs {lacking}; free what is in use, add a node, or ask for fewer")
        options: dict[str, Any] = {
            "num_cpus": cpus,
            "num_gpus": gpus,
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": calls,
            "concurrency_groups": {"health": 1},
        }
        self._handle = ray.remote(**options)(shell).remote(*arguments)
        try:
            async with asyncio.timeout(self._start_timeout_s):
                self.pid = await self.health("pid")
        except TimeoutError:
            left: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
            free = {kind: left.get(kind, 0.0) for kind in needs}
            raise PoolError(
                f"{self.name} was not placed within {self._start_timeout_s:g} s: it needs {say(needs)}; "
                f"the cluster has {say(free)} free of {say(has)}"
            ) from None
        except RayError as error:
            raise PoolError(f"{self.name} can't be started: {first_words(error)}") from error

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

    async def end(self) -> None:
        """Kill the actor; another one can be placed."""
        import ray

        if self._handle is None:
            return
        await self.cpu_s()
        self._ended_cpu_s, self._cpu_s = self._ended_cpu_s + self._cpu_s, 0.0
        handle, self._handle, self.pid = self._handle, None, None
        with suppress(Exception):  # it may be dead, and Ray may be gone
            ray.kill(handle)

    def _note(self, cpu_s: float) -> None:
        before_s = self._before_s.get(self.pid, 0.0) if self.pid is not None else 0.0
        self._cpu_s = max(self._cpu_s, cpu_s - before_s)


class RayHost(Actor):
    """The link to a host on Ray."""

    def __init__(self, group: Group, number: int, before_s: Mapping[int, float], start_timeout_s: float) -> None:
        super().__init__(f"{group.name}-{number}" if group.hosts > 1 else group.name, before_s, start_timeout_s)
        self._group = group

    async def start(self) -> None:
        """Place the actor and open its engines."""
        from ray.exceptions import RayError

        group = self._group
        threads = max(1, int(group.cpus)) if group.cpus else 0
        arguments = (self.name, dict(group.miners), threads)
        await self.place(HostActor, arguments, group.cpus, group.gpus, group.slots + SPARE_CALLS)
        try:
            async with asyncio.timeout(self._start_timeout_s):
                failure = await self._handle.ready.remote()
        except TimeoutError:
            raise PoolError(f"host {self.name} was not ready within {self._start_timeout_s:g} s") from None
        except RayError as error:
            raise PoolError(f"host {self.name} died while it opened its engines: {first_words(error)}") from error
        if failure is not None:
            raise PoolError(f"host {self.name}: {failure.reason}")

    async def serve(self, uids: Sequence[int], parcel: Any) -> AsyncIterator[tuple[Response, ...]]:
        """Serve there; cancelling this cancels the miners' work."""
        import ray
        from ray.exceptions import RayActorError, RayError

        if self._handle is None:
            raise HostDied(f"host {self.name} is gone")
        stream = self._handle.serve_all.options(num_returns="streaming").remote(list(uids), parcel)
        ended = False
        try:
            async for reference in stream:
                served = await reference
                self._note(served.cpu_s)
                yield served.responses
            ended = True
        except RayActorError as error:
            ended = True
            raise HostDied(f"host {self.name} died with the query in flight") from error
        except RayError as error:
            raise PoolError(f"host {self.name}: {first_words(error)}") from error
        finally:
            if not ended:
                with suppress(Exception):  # the host may have died, or answered, in between
                    ray.cancel(stream)

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
                async with asyncio.timeout(HEALTH_S):
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
        await self.place(JuryActor, self._arguments, cpus=0.0, gpus=0.0, calls=1)
        await self.ask("warm", restarts=0)

    async def ask(self, method: str, *arguments: Any, restarts: int) -> Any:
        """Call a method; one that dies at it is replaced and asked again, for its work has no effects.

        Raises:
            PoolError: it died more than `restarts` times.
        """
        from ray.exceptions import RayActorError, RayError

        for attempt in range(restarts + 1):
            handle = self._handle
            try:
                return await getattr(handle, method).remote(*arguments)
            except RayActorError as error:
                logger.warning("%s died at %s: %s", self.name, method, first_words(error))
                if attempt == restarts:
                    raise PoolError(
                        f"{self.name} died {attempt + 1} times at {method}: {first_words(error)}"
                    ) from error
                async with self._placing:
                    if self._handle is handle:
                        await self.end()
                        await self.start()
            except RayError as error:
                raise PoolError(f"{self.name} at {method}: {first_words(error)}") from error
        raise AssertionError


def lacks(needs: Mapping[str, float], has: Mapping[str, float]) -> str:
    """Say what a cluster has not got even when nothing is in use; empty where it has all."""
    short = {kind: amount for kind, amount in needs.items() if amount > has.get(kind, 0.0)}
    return f"{say(short)}; the cluster has {say({kind: has.get(kind, 0.0) for kind in short})}" if short else ""


def say(amounts: Mapping[str, float]) -> str:
    """Write amounts of CPUs and GPUs."""
    return " and ".join(f"{amounts.get(kind, 0.0):g} {kind}" for kind in ("CPU", "GPU") if kind in amounts) or "nothing"


def first_words(error: BaseException) -> str:
    """Return the first lines of one of Ray's long messages, on one line."""
    lines = [line.strip() for line in plain(error, 2000).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:300]}"
