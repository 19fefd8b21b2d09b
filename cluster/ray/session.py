"""A Ray session: a private cluster of this process, on loopback and behind a token, or a cluster that it joins.

`address="local"` always starts a new one: a cluster that happens to run on the machine, or that RAY_ADDRESS names, is
left alone. Any other address joins an existing cluster, unless it is open to the network. If this process has already
initialised Ray, that is used, and left running at the end.

    session = RaySession(cores=2)
    await session.start()
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from tempfile import mkdtemp
from threading import Thread
from typing import Any

import psutil

from cluster.errors import PoolError
from cluster.text import safe_text

from .address import find
from .code_upload import CHECKOUT, code_folder
from .nodes import usable_nodes
from .placement import Node
from .token import guard_token

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
ONLY_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Set to 0, it makes Ray take the address 127.0.0.1 literally."""


class RaySession:
    """Starts and ends a private Ray, or joins a running one."""

    def __init__(
        self,
        *,
        address: str = "local",
        cores: int | None = None,
        dashboard: bool = False,
        object_store_bytes: int = 256_000_000,
    ) -> None:
        """Join the cluster at `address` (host:port or "auto"); "local" starts one.

        `cores` (None: all), `dashboard` and `object_store_bytes` apply to a new cluster only.
        """
        self.address = address
        self._cores = cores
        self._dashboard = dashboard
        self._object_store_bytes = object_store_bytes
        self._initialised = False
        self._folder: Path | None = None
        """Private folder around Ray's own, which are world-writable; deleted at the end, with Ray's logs."""
        self._thread = _RayThread()

    @property
    def local(self) -> bool:
        """True if the cluster is this process's own."""
        return self.address == "local"

    async def start(self) -> None:
        """Start Ray or connect to it.

        Raises:
            PoolError: Ray is missing, does not start, does not answer at the address or may not be joined.
        """
        try:
            await self._thread.run(self._start)
        except asyncio.CancelledError:
            await self.close()
            raise

    def nodes(self) -> list[Node]:
        """Return the machines of the started cluster that can take work."""
        return usable_nodes()

    async def close(self) -> None:
        """End what `start` started. It may be called twice."""
        if self._initialised:
            self._initialised = False
            await self._thread.run(self._end)

    def _start(self) -> None:
        if self.local:
            _secure()
        else:
            cluster = find(self.address)
            _set(token=cluster.token, loopback=cluster.loopback)
        try:
            import ray
        except ImportError as error:
            raise PoolError(f"Ray can't be imported ({error}); install it with: pip install 'ray[default]'") from error
        if ray.is_initialized():
            return
        _keep_stdout_clean()
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self.local:
            if "RAY_TMPDIR" not in os.environ:
                self._folder = Path(mkdtemp(prefix="subnetlab-", dir="/tmp"))  # short, as paths of sockets are limited
                options["_temp_dir"] = str(self._folder / "ray")
            options |= {
                "num_cpus": self._cores,
                "object_store_memory": self._object_store_bytes,
                "include_dashboard": self._dashboard,
                "_node_ip_address": LOOPBACK,
            }
        self._initialised = True
        children = {child.pid for child in psutil.Process().children()}
        try:
            with ExitStack() as upload:
                if not self.local and not _is_job():  # machines elsewhere have no checkout of this project
                    folder = upload.enter_context(code_folder())
                    options["runtime_env"] = {"working_dir": str(folder)}
                elif self.local:  # Ray would add the current folder, where a file may have the name of any module
                    options["job_config"] = ray.job_config.JobConfig(_py_driver_sys_path=_NoOthers([str(CHECKOUT)]))
                ray.init(address="local" if self.local else cluster.address, **options)
        except Exception as error:
            _shutdown()
            self._initialised = False
            _kill_ray_processes(spared=children)
            where = "can't be started" if self.local else f"can't be reached at {self.address}"
            if self._folder is not None:
                where += f" (its logs: {self._folder}/ray/session_latest/logs)"
            raise PoolError(f"Ray {where}: {type(error).__name__}: {safe_text(error)}") from error

    def _end(self) -> None:
        _shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class _NoOthers(list[str]):
    """Folders that a worker searches before the standard library; Ray can't add the current folder to them."""

    def extend(self, folders: Iterable[str]) -> None:
        """Leave out what Ray adds; an actor's arguments bring the driver's other folders (`Argument`)."""


def _is_job() -> bool:
    """Return whether this process is a submitted job, whose workers share its folder."""
    job = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR") or "{}")
    return "working_dir" in (job.get("runtime_env") or {})


def _secure() -> None:
    """Make Ray ask for a token, and serve on loopback alone."""
    guard_token()
    _set(token=True, loopback=True)


def _set(*, token: bool, loopback: bool) -> None:
    """Set what Ray reads when it is imported: whether to show a token, and whether to take 127.0.0.1 literally.

    Without the second, Ray replaces 127.0.0.1 by an address of this machine that others can reach.
    """
    if "ray" in sys.modules:
        from ray._private import ray_constants

        ray_constants.ENABLE_RAY_CLUSTER = not loopback
    elif token:
        os.environ["RAY_AUTH_MODE"] = "token"
    if loopback:
        os.environ[ONLY_LOOPBACK] = "0"
    elif os.environ.get(ONLY_LOOPBACK) == "0":
        del os.environ[ONLY_LOOPBACK]


def _kill_ray_processes(spared: set[int]) -> None:
    """Kill what a failed start left behind: Ray forgets the processes of a node that never came up."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.pid not in spared and any("/ray/" in word for word in child.cmdline()):
                child.kill()


def _keep_stdout_clean() -> None:
    """Log what Ray would print to the driver's stdout, such as deaths of workers: tables and JSON go there."""
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = _log_instead


def _log_instead(data: dict[str, Any], ignore_prefix: bool = False) -> None:
    logger.debug("ray: %s", data.get("lines"))


def _shutdown() -> None:
    import ray

    ray.shutdown()


class _RayThread:
    """A thread that lives as long as this process: Linux ends Ray's processes with the thread that started them."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], None], Future[None]]] = SimpleQueue()
        self._thread: Thread | None = None

    async def run(self, work: Callable[[], None]) -> None:
        """Do blocking work in the thread; a cancellation waits until it is done."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="ray-session", daemon=True)
            self._thread.start()
        outcome: Future[None] = Future()
        self._jobs.put((work, outcome))
        waiting = asyncio.wrap_future(outcome)
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            await asyncio.wait({waiting})
            if waiting.exception() is not None:
                logger.debug("cancelled, and: %s", waiting.exception())
            raise

    def _work(self) -> None:
        while True:
            work, outcome = self._jobs.get()
            try:
                work()
            except BaseException as error:  # raised again by `run`
                outcome.set_exception(error)
            else:
                outcome.set_result(None)
