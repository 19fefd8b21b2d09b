"""CPU time of process trees, as the operating system counts it."""

from __future__ import annotations

import os

import psutil

from subnets.cost import process_cpu_s

__all__ = ["family_cpu_s", "process_cpu_s", "tree_cpu_s", "trees_cpu_s"]


def tree_cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process, its living descendants, and those of its children that have ended.

    Exact to the system's clock tick (10 ms) for each process; 0.0 for a process that no longer exists.
    """
    return sum(trees_cpu_s(pid).values())


def family_cpu_s() -> float:
    """Return the CPU seconds of this process, exactly, and of its descendants, to the system's clock tick."""
    me = os.getpid()
    return process_cpu_s() + sum(used for pid, used in trees_cpu_s(me).items() if pid != me)


def trees_cpu_s(pid: int) -> dict[int, float]:
    """Return CPU seconds by pid, for a process and its living descendants; each includes the children it reaped."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    used: dict[int, float] = {}
    for member in family:
        try:
            times = member.cpu_times()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        used[member.pid] = times.user + times.system + times.children_user + times.children_system
    return used
