"""Environment variables that child processes read while they start."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager


@contextmanager
def environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Set variables inside a `with` block and restore them afterwards; None unsets one."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def vllm_environment(*, cache_gib: float = 1.0, threads: int | None = None) -> AbstractContextManager[None]:
    """Set the variables that vLLM reads while it starts, except those that the user has set.

    On a CPU vLLM divides its work among OMP_NUM_THREADS threads. The share of a thread beyond OMP_THREAD_LIMIT is never
    computed, and the answer contains uninitialised memory, so the number of threads is reduced to the limit here.

    Args:
        cache_gib: memory for keys and values on a CPU.
        threads: OpenMP threads on a CPU, up to the limit; None takes as many as the limit or the machine allows.
    """
    defaults = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        # A child forked after OpenMP has run hangs at its first parallel loop.
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_CPU_KVCACHE_SPACE": f"{cache_gib:g}",
        # If bound to cores, two engines on one machine would share the first ones.
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "TOKENIZERS_PARALLELISM": "false",
    }
    changed = {name: value for name, value in defaults.items() if name not in os.environ}
    count = _number("OMP_NUM_THREADS") or threads or os.cpu_count() or 1
    limit = _number("OMP_THREAD_LIMIT") or count
    if threads is not None or limit < count:
        changed["OMP_NUM_THREADS"] = str(min(count, limit))
    return environment(changed)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _number(name: str) -> int | None:
    """Read an OpenMP variable: the first number of a list for nested loops, or None if it is not a number."""
    first = os.environ.get(name, "").split(",")[0].strip()
    return int(first) if first.isdecimal() else None
