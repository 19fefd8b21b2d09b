"""What a pool looks like while it works: who is where, in which state, how busy, and what waits.

A snapshot is a plain value: uids, names, places and amounts, and nothing that a miner or a server is told in
confidence. What processes use is looked up every `SAMPLE_S` at most, since looking costs CPU that is metered too.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import psutil

SAMPLE_S = 5.0
"""Between two looks at the processes: going over all of a machine takes some milliseconds."""

Role = Literal["driver", "host", "validator", "server"]
State = Literal["starting", "up", "leaving", "being made anew", "given up"]
"""A host that leaves finishes what it has, and is then made anew on another machine."""


@dataclass(frozen=True, slots=True)
class GpuUse:
    """One GPU, by all that use it."""

    name: str
    memory_gb: float
    of_gb: float
    busy: float
    """Share of the last moments in which it computed."""


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What a process and its descendants use, as their own machine counts it."""

    node: str
    cpu_s: float
    """Since they started, of children that have ended too."""
    memory_mb: float
    """Resident; what processes share counts for each."""
    gpus: tuple[GpuUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a pool: the driver, a host, a jury of validators, a server."""

    name: str
    role: Role
    state: State
    group: str = ""
    """Of a host: the group whose miners it serves."""
    validators: tuple[int, ...] = ()
    """uids of those that live in it."""
    node: str | None = None
    """The machine, where it is known."""
    pid: int | None = None
    in_flight: int = 0
    """Queries that it is at work on."""
    slots: int = 0
    """Queries that it takes at once."""
    restarts: int = 0
    cores: float | None = None
    """CPU in use, on average between the last two looks; None where it was not seen twice."""
    memory_mb: float | None = None
    gpus: tuple[GpuUse, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """Miners that are served by the same hosts, and what waits for these."""

    name: str
    miners: tuple[int, ...]
    """uids."""
    engines: tuple[str, ...]
    """Kinds of the engines that they share."""
    waiting: int = 0
    """Queries that are on no host yet."""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A pool at one moment."""

    members: tuple[Member, ...]
    groups: tuple[GroupStatus, ...]


class Sampler:
    """Remembers what members were last seen to use, and works out the cores between two looks."""

    def __init__(self) -> None:
        self._looked: float | None = None
        self._found: dict[str, ProcessUsage] = {}
        self._cores: dict[str, float] = {}

    async def refresh(self, look: Callable[[], Awaitable[Mapping[str, ProcessUsage]]]) -> None:
        """Look again, by name of a member, if it is time to."""
        now = time.monotonic()
        if self._looked is not None and now - self._looked < SAMPLE_S:
            return
        before, passed_s = self._found, now - (self._looked or now)
        self._found, self._looked = dict(await look()), now
        used = {
            name: found.cpu_s - before[name].cpu_s
            for name, found in self._found.items()
            if name in before and found.cpu_s >= before[name].cpu_s  # less: another process in its place
        }
        self._cores = {name: cpu_s / passed_s for name, cpu_s in used.items()}

    def of(self, name: str) -> dict[str, Any]:
        """Return the fields of a `Member` that are seen, not known."""
        if (found := self._found.get(name)) is None:
            return {}
        seen = {"memory_mb": found.memory_mb, "gpus": found.gpus, "cores": self._cores.get(name)}
        return seen | {"node": found.node}


def look_at(pids: Mapping[str, int], node: str) -> dict[str, ProcessUsage]:
    """Look at processes with all that descends from them, by any name: this process or descendants of it.

    One pass over all processes of the machine, however many are asked for; what is gone is left out.
    """
    names = {pid: name for name, pid in pids.items()}
    owners: dict[int, str] = {}
    cpu_s, memory = dict.fromkeys(pids, 0.0), dict.fromkeys(pids, 0)
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:  # parents come before their children
        with suppress(psutil.Error), process.oneshot():
            owner = names.get(process.pid) or owners.get(process.ppid())
            if owner is None:
                continue
            owners[process.pid] = owner
            times = process.cpu_times()
            cpu_s[owner] += times.user + times.system + times.children_user + times.children_system
            memory[owner] += process.memory_info().rss
    return {name: ProcessUsage(node, cpu_s[name], memory[name] / 1e6) for name in pids if memory[name]}


def look_at_driver() -> ProcessUsage:
    """Look at this process alone: what descends from it is others' to count."""
    me = psutil.Process()
    times = me.cpu_times()
    return ProcessUsage(here(), times.user + times.system, me.memory_info().rss / 1e6)


def here() -> str:
    """Return the name of this machine."""
    return platform.node() or "localhost"


def gpus_in_use(gpus: Sequence[int]) -> tuple[GpuUse, ...]:
    """Ask NVML about the GPUs with these numbers; empty where there is nobody to ask."""
    if not gpus:
        return ()
    try:
        import pynvml

        pynvml.nvmlInit()
        return tuple(_gpu_in_use(pynvml, gpu) for gpu in gpus)
    except Exception:  # not installed, no driver: NVML's own tree of errors
        return ()


def _gpu_in_use(nvml: Any, gpu: int) -> GpuUse:
    handle = nvml.nvmlDeviceGetHandleByIndex(gpu)
    name, memory = nvml.nvmlDeviceGetName(handle), nvml.nvmlDeviceGetMemoryInfo(handle)
    busy = nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
    return GpuUse(name if isinstance(name, str) else name.decode(), memory.used / 1e9, memory.total / 1e9, busy)
