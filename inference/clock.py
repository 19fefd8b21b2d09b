"""CPU clocks of this thread with its native helpers, and of other processes, to the nanosecond.

A library such as PyTorch computes on threads unknown to Python. Native threads that start while a Python
thread works are counted as its helpers. On systems other than Linux only the Python thread itself is counted.

    clock = ThreadClock()
    model(batch)
    clock.cpu_s()
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable

TASKS = "/proc/self/task"
THREAD_CLOCK, PROCESS_CLOCK = 6, 2
"""Kinds of clock; Linux derives a clock's id from an inverted thread or process id and one of these."""


def native_cpu_s(ids: Iterable[int], kind: int = THREAD_CLOCK) -> float:
    """Sum the CPU seconds of threads of this process, or of processes; one that has ended counts 0."""
    total = 0.0
    for id_ in ids:
        try:
            total += time.clock_gettime((~id_ << 3) | kind)
        except OSError:
            continue
    return total


def processes_cpu_s(pids: Iterable[int]) -> float:
    """Sum the CPU seconds of other processes, without their children."""
    return native_cpu_s(pids, PROCESS_CLOCK)


class ThreadClock:
    """CPU time of the thread that created the clock and of its helpers since; read it in that thread only."""

    def __init__(self) -> None:
        self._known = _tasks()
        self._seen: set[int] = set()
        self._helpers: set[int] = set()

    def cpu_s(self) -> float:
        """Return the CPU seconds of the thread and of its helpers, each since it started."""
        if new := _tasks() - self._known:
            new -= {thread.native_id for thread in threading.enumerate() if thread.native_id}
            # A Python thread that is just ending is no longer listed, so a helper has to be seen twice.
            self._helpers |= new & self._seen
            self._known |= self._helpers
            self._seen = new - self._helpers
        return time.thread_time() + native_cpu_s(self._helpers)


def _tasks() -> set[int]:
    try:
        return {int(name) for name in os.listdir(TASKS)}
    except OSError:
        return set()
