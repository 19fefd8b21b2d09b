"""Clocks: CPU seconds of this thread and the native threads behind it, and of other processes, to the nanosecond.

A library such as PyTorch computes on threads that Python does not know; those that are born while a thread works
are taken for that thread's helpers. On systems other than Linux only the thread itself is counted.

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
OF_THREAD, OF_PROCESS = 6, 2
"""Linux makes a clock's number of an inverted id and one of these."""


def native_cpu_s(ids: Iterable[int], kind: int = OF_THREAD) -> float:
    """Sum the CPU seconds of threads of this process, or of processes; what has ended counts 0."""
    total = 0.0
    for number in ids:
        try:
            total += time.clock_gettime((~number << 3) | kind)
        except OSError:
            continue
    return total


def process_cpu_s(pids: Iterable[int]) -> float:
    """Sum the CPU seconds of other processes, without their children."""
    return native_cpu_s(pids, OF_PROCESS)


class ThreadClock:
    """CPU of the thread that made it, and of the helpers born since; read it in that thread alone."""

    def __init__(self) -> None:
        self._known = _tasks()
        self._seen: set[int] = set()
        self._helpers: set[int] = set()

    def cpu_s(self) -> float:
        """CPU seconds so far: of the thread since it began, of helpers since they were born."""
        if born := _tasks() - self._known:
            born -= {thread.native_id for thread in threading.enumerate() if thread.native_id}
            # A thread of Python's that is just ending is on no list any more, and gone by the next reading.
            self._helpers |= born & self._seen
            self._known |= self._helpers
            self._seen = born - self._helpers
        return time.thread_time() + native_cpu_s(self._helpers)


def _tasks() -> set[int]:
    try:
        return {int(name) for name in os.listdir(TASKS)}
    except OSError:
        return set()
