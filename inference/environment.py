"""Variables that child processes read, set while they start."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager


@contextmanager
def environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Set variables of this process for a while, None to have one unset, and put back what was there before."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def vllm_environment(*, cache_gib: float = 1.0, threads: int | None = None) -> AbstractContextManager[None]:
    """Set what vLLM reads from the environment alone while it starts; what a user has set stays.

    On a CPU vLLM deals its work out to OMP_NUM_THREADS threads, and the share of a thread that OMP_THREAD_LIMIT forbids
    is never done: the answer holds whatever lay in memory. So the first is brought down to the second here.

    Args:
        cache_gib: room for keys and values on a CPU.
        threads: of OpenMP on a CPU, up to the limit; None for all that the limit or the machine has.
    """
    wanted = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        # A forked child of a process whose OpenMP has run hangs at its first parallel loop.
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_CPU_KVCACHE_SPACE": f"{cache_gib:g}",
        # Bound to cores, two engines of one machine would share the first.
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "TOKENIZERS_PARALLELISM": "false",
    }
    changed = {name: value for name, value in wanted.items() if name not in os.environ}
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
    """A variable of OpenMP, which passes over what is no number and takes lists for nested loops."""
    first = os.environ.get(name, "").split(",")[0].strip()
    return int(first) if first.isdecimal() else None
