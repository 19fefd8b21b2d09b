"""The status of a pool while it works: where each process runs, its state and load, and which queries wait.

A snapshot is a plain value of uids, names, machines and amounts, without the secrets of any miner or server.
Processes are measured at most every `SAMPLE_S`, since measuring costs CPU that is metered too.
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
"""Time between two measurements of the processes: each takes some milliseconds."""

Role = Literal["driver", "host", "validator", "server"]
State = Literal["starting", "up", "leaving", "restarting", "given up"]
"""A host that is leaving finishes its queries, and is then restarted on another machine."""


@dataclass(frozen=True, slots=True)
class GpuUse:
    """One GPU, as used by all processes together."""

    name: str
    memory_gb: float
    total_gb: float
    busy: float
    """Share of the driver's last sampling period in which the GPU computed."""


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What a process and its descendants use, as their own machine counts it."""

    node: str
    cpu_s: float
    """CPU seconds since they started, with children that have ended."""
    memory_mb: float
    """Resident memory; shared pages count for each process."""
    gpus: tuple[GpuUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a pool: the driver, a host, a group of validators, or a server."""

    name: str
    role: Role
    state: State
    group: str = ""
    """For a host, the group whose miners it serves."""
    validators: tuple[int, ...] = ()
    """Uids of the validators in it."""
    node: str | None = None
    """The machine, if known."""
    pid: int | None = None
    in_flight: int = 0
    """Queries that it serves now."""
    slots: int = 0
    """Maximum concurrent queries."""
    restarts: int = 0
    cores: float | None = None
    """Average CPU use between the last two measurements; None before the second."""
    memory_mb: float | None = None
    gpus: tuple[GpuUse, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """Miners that the same hosts serve, and how many queries wait for these hosts."""

    name: str
    miners: tuple[int, ...]
    """Uids of the miners."""
    engines: tuple[str, ...]
    """Kinds of the engines that they share."""
    waiting: int = 0
    """Queries that no host serves yet."""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A pool at one moment."""

    members: tuple[Member, ...]
    groups: tuple[GroupStatus, ...]


class UsageSampler:
    """Keeps the last measurements of members, and derives the CPU use between the last two."""

    def __init__(self) -> None:
        self._sampled: float | None = None
        self._samples: dict[str, ProcessUsage] = {}
        self._cores: dict[str, float] = {}

    async def refresh(self, measure: Callable[[], Awaitable[Mapping[str, ProcessUsage]]]) -> None:
        """Measure the members again, by name, if the last measurement is older than `SAMPLE_S`."""
        now = time.monotonic()
        if self._sampled is not None and now - self._sampled < SAMPLE_S:
            return
        before, passed_s = self._samples, now - (self._sampled or now)
        self._samples, self._sampled = dict(await measure()), now
        used = {
            name: sample.cpu_s - before[name].cpu_s
            for name, sample in self._samples.items()
            if name in before and sample.cpu_s >= before[name].cpu_s  # less means that the process was replaced
        }
        self._cores = {name: cpu_s / passed_s for name, cpu_s in used.items()}

    def fields(self, name: str) -> dict[str, Any]:
        """Return the fields of a `Member` that are measured."""
        if (sample := self._samples.get(name)) is None:
            return {}
        cores = self._cores.get(name)
        return {"node": sample.node, "memory_mb": sample.memory_mb, "gpus": sample.gpus, "cores": cores}


def measure_processes(pids: Mapping[str, int], node: str) -> dict[str, ProcessUsage]:
    """Measure processes with all their descendants: this process or descendants of it, under any names.

    One pass over this process's descendants measures them all; processes that are gone are left out.
    """
    names = {pid: name for name, pid in pids.items()}
    owners: dict[int, str] = {}
    cpu_s, memory = dict.fromkeys(pids, 0.0), dict.fromkeys(pids, 0)
    driver = psutil.Process()
    for process in [driver, *driver.children(recursive=True)]:  # parents come before their children
        with suppress(psutil.Error), process.oneshot():
            owner = names.get(process.pid) or owners.get(process.ppid())
            if owner is None:
                continue
            owners[process.pid] = owner
            times = process.cpu_times()
            cpu_s[owner] += times.user + times.system + times.children_user + times.children_system
            memory[owner] += process.memory_info().rss
    return {name: ProcessUsage(node, cpu_s[name], memory[name] / 1e6) for name in pids if memory[name]}


def measure_driver() -> ProcessUsage:
    """Measure this process alone: its descendants are counted elsewhere."""
    driver = psutil.Process()
    times = driver.cpu_times()
    return ProcessUsage(machine_name(), times.user + times.system, driver.memory_info().rss / 1e6)


def machine_name() -> str:
    """Return the name of this machine."""
    return platform.node() or "localhost"


def measure_gpus(gpus: Sequence[int]) -> tuple[GpuUse, ...]:
    """Measure the GPUs with these numbers through NVML; return an empty tuple if NVML is not available."""
    if not gpus:
        return ()
    try:
        import pynvml

        pynvml.nvmlInit()
        return tuple(_measure_gpu(pynvml, gpu) for gpu in gpus)
    except Exception:  # not installed, or no driver: NVML has its own error tree
        return ()


def _measure_gpu(nvml: Any, gpu: int) -> GpuUse:
    handle = nvml.nvmlDeviceGetHandleByIndex(gpu)
    name, memory = nvml.nvmlDeviceGetName(handle), nvml.nvmlDeviceGetMemoryInfo(handle)
    busy = nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
    return GpuUse(name if isinstance(name, str) else name.decode(), memory.used / 1e9, memory.total / 1e9, busy)
