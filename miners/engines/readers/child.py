"""Child processes that read: one at a time, so that each is charged by the kernel's count of its CPU time."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .reader import Reading

_running = threading.Lock()
"""Held while a child runs, so that the CPU time of ended children grows by that child alone."""


@contextmanager
def one_child(reading: Reading) -> Iterator[None]:
    """Charge a reading for the child that runs, and ends, inside this context."""
    with _running:
        before_s = _ended_cpu_s()
        try:
            yield
        finally:
            reading.cpu_s += _ended_cpu_s() - before_s


def last_line(text: str) -> str:
    """Return the last line of what a program said, which names its error."""
    return (text.strip().splitlines() or ["no message"])[-1][:300]


def _ended_cpu_s() -> float:
    """Return the CPU seconds of this process's children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
