"""Actors: processes on Ray's machines, each a thin shell around a plain class.

No exception crosses a process boundary: one of an unusual class would arrive as another or not at all. The pool
replaces an actor that died and never lets Ray restart it, so its death is noticed at once and its work is known to be
lost.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from cluster.errors import NoRoom, PoolError
from cluster.status import ProcessUsage, measure_gpus, measure_processes

from .error_text import shorten
from .nodes import NODE_ID

HEALTH_S = 2.0
"""Time limit of calls that check or measure an actor."""


@dataclass(frozen=True, slots=True)
class ActorProcess:
    """The process that runs an actor."""

    pid: int
    node: str
    """Ray's id of the machine."""


class Shell:
    """Base of all classes that Ray runs as actors."""

    def process(self) -> ActorProcess:
        """Return the actor's process."""
        import ray

        return ActorProcess(os.getpid(), ray.get_runtime_context().get_node_id())

    def measure(self) -> ProcessUsage:
        """Return what the actor's process, its descendants and its GPUs use."""
        import ray

        node = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
        usage = measure_processes({"actor": os.getpid()}, node)["actor"]
        return replace(usage, gpus=measure_gpus([int(gpu) for gpu in ray.get_gpu_ids() if str(gpu).isdigit()]))


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an actor, whose classes may lie in folders that only the driver searches.

    The actor appends those folders to its path before it reads the argument: after everything else, so that no file in
    the current folder hides a module of Python.
    """

    value: Any

    def __reduce__(self) -> tuple[Any, ...]:
        from ray import cloudpickle, get_runtime_context

        # Other machines have their code from the job's working folder.
        sent = "working_dir" in get_runtime_context().runtime_env
        packed = cloudpickle.dumps(self.value)  # type: ignore[no-untyped-call]
        return _unpack, (() if sent else tuple(filter(os.path.isdir, sys.path)), packed)


def _unpack(folders: Sequence[str], packed: bytes) -> Any:
    sys.path += [folder for folder in folders if folder not in sys.path]
    return pickle.loads(packed)


@cache
def remote(shell: type) -> Any:
    """Return Ray's class for a shell; cached, since Ray never frees a class that it wraps."""
    import ray

    # Events of single calls, for Ray's dashboard, cost the driver a quarter of a call.
    quiet = {"enable_task_events": False}
    options: dict[str, Any] = {"max_restarts": 0, "max_task_retries": 0, "concurrency_groups": {"health": 1}, **quiet}
    return ray.remote(**options)(shell)


class Actor:
    """One actor and its replacements, seen from the driver."""

    def __init__(self, name: str, before_s: Mapping[int, float], start_timeout_s: float) -> None:
        """`before_s`: CPU by pid of processes that ran before the pool, any of which may become one of its actors."""
        self.name = name
        self.pid: int | None = None
        self.node: str | None = None
        """Ray's id of its machine."""
        self.placements = 0
        """How often the actor has been placed."""
        self._before_s = before_s
        self._start_timeout_s = start_timeout_s
        self._handle: Any = None
        self._ended_cpu_s = 0.0
        self._cpu_s = 0.0
        """Last known CPU of the present process."""

    async def place(
        self, shell: type, arguments: tuple[Any, ...], calls: int, options: Mapping[str, Any], timeout_s: float
    ) -> None:
        """Create the actor with Ray's `options` for at most `calls` concurrent calls; wait until it has a process.

        Raises:
            NoRoom: the cluster had no room for it in time.
            PoolError: it can't be started.
        """
        import ray
        from ray.exceptions import RayError

        self._handle = remote(shell).options(**options, max_concurrency=calls).remote(*map(Argument, arguments))
        try:
            async with asyncio.timeout(timeout_s):
                process: ActorProcess = await self.ask_health("process")
        except TimeoutError:
            total: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
            free: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
            await self.end()  # Ray may still place it, and nobody would use it
            raise NoRoom(f"{self.name} was not placed within {timeout_s:g} s{_lacking(options, free, total)}") from None
        except RayError as error:
            await self.end()
            raise PoolError(f"{self.name} can't be started: {shorten(error)}") from error
        self.pid, self.node = process.pid, process.node
        self.placements += 1

    def ask_health(self, method: str) -> Any:
        """Call a method that answers even while the actor is at work; returns an awaitable."""
        return getattr(self._handle, method).options(concurrency_group="health").remote()

    async def cpu_s(self) -> float:
        """Return the CPU seconds since the pool started, with those of dead predecessors as far as known."""
        from ray.exceptions import RayError

        if self._handle is not None:
            with suppress(RayError, TimeoutError):
                async with asyncio.timeout(HEALTH_S):
                    self.note_cpu(await self.ask_health("cpu_s"))
        return self._ended_cpu_s + self._cpu_s

    async def measure(self) -> ProcessUsage | None:
        """Return what the actor uses; None if it does not answer soon."""
        from ray.exceptions import RayError

        with suppress(RayError, TimeoutError):
            async with asyncio.timeout(HEALTH_S):
                return None if self._handle is None else cast(ProcessUsage, await self.ask_health("measure"))
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

    def note_cpu(self, cpu_s: float) -> None:
        """Remember the CPU that the present process has used."""
        before_s = self._before_s.get(self.pid, 0.0) if self.pid is not None else 0.0
        self._cpu_s = max(self._cpu_s, cpu_s - before_s)


def list_amounts(kinds: Mapping[str, float], amounts: Mapping[str, float]) -> str:
    """Return the amounts of these kinds of resources as text."""
    return " and ".join(f"{amounts.get(kind, 0.0):g} {kind}" for kind in kinds)


def _lacking(options: Mapping[str, Any], free: Mapping[str, float], total: Mapping[str, float]) -> str:
    """Say what an actor needs, and how much of it the cluster has."""
    amounts = {"CPU": options["num_cpus"], "GPU": options["num_gpus"], **options.get("resources", {})}
    needs = {kind: amount for kind, amount in amounts.items() if amount}
    labels = {key: selector for key, selector in options.get("label_selector", {}).items() if key != NODE_ID}
    if not needs and not labels:
        return ""
    labelled = f" with {', '.join(f'{key} = {selector}' for key, selector in labels.items())}" if labels else ""
    supply = f"; the cluster has {list_amounts(needs, free)} free of {list_amounts(needs, total)}" if needs else ""
    return f": it needs {list_amounts(needs, needs) or 'a machine'}{labelled}{supply}"
