"""The worker: does jobs in the background and keeps their results.

worker = Worker(trust=False)
worker.ask(("report", key, version), report_part, place)      # None until it is done
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from typing import Any

from subnets import SubnetlabError

from .jobs import begin

logger = logging.getLogger(__name__)

KEPT = 64
"""Results that are kept; the one that was asked for longest ago goes first."""
PATIENCE_S = 0.2
"""Time that a request waits for a job, before its page asks again."""


class JobFailed(Exception):
    """A job failed; the message may be shown."""


class Worker:
    """A process for jobs, started with the first of them."""

    def __init__(self, *, trust: bool = False, executor: Callable[[], Executor] | None = None) -> None:
        """`executor` makes the place where jobs run (default: a process)."""
        self._make = executor or (
            lambda: ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=begin, initargs=(trust,))
        )
        self._executor: Executor | None = None
        self._processes: set[BaseProcess] = set()
        self._lock = threading.Lock()
        self._jobs: OrderedDict[Hashable, Future[str]] = OrderedDict()

    def ask(self, key: Hashable, function: Callable[..., str], *arguments: Any) -> str | None:
        """Return the result of a job, or None while it is being worked on; the same key is the same job.

        Raises:
            JobFailed: with the reason.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = self._submit(function, *arguments)
            self._jobs.move_to_end(key)
            while len(self._jobs) > KEPT:
                self._jobs.popitem(last=False)[1].cancel()
        try:
            return job.result(timeout=PATIENCE_S)
        except NotYet:
            return None
        except SubnetlabError as error:
            reason = str(error)
        except (BrokenExecutor, CancelledError):
            reason = "the process that draws has died; reload the page"
        except Exception as error:  # a plug-in may fail in any way; the rest of the page stands
            logger.exception("job %s failed", key)
            reason = f"this part can't be shown: {type(error).__name__}"
        with self._lock:
            self._jobs.pop(key, None)  # it is tried again when it is asked for again
        raise JobFailed(reason)

    def _submit(self, function: Callable[..., str], *arguments: Any) -> Future[str]:
        """Start a job, and a process for it if there is none."""
        if self._executor is not None:
            try:
                return self._executor.submit(function, *arguments)
            except BrokenExecutor:
                pass
        others = set(active_children())
        self._executor = self._make()
        job = self._executor.submit(function, *arguments)
        self._processes = set(active_children()) - others
        return job

    def close(self) -> None:
        """End the process, whatever it is doing."""
        for process in self._processes:
            process.kill()
        if self._executor is not None:
            # Without waiting, the interpreter may end first, and then prints a traceback.
            self._executor.shutdown(cancel_futures=True)
