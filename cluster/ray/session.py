"""A Ray session: a cluster of this process alone, on loopback, behind a token.

`address="local"` always starts a new one: a cluster that happens to run on the machine, or that RAY_ADDRESS
names, is left alone. Any other address joins a cluster that is there, unless it is open to the network. Where
this process has initialised Ray itself, that is used, and left running at the end.

    session = RaySession(cores=2)
    await session.start()
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from tempfile import mkdtemp
from threading import Thread
from typing import Any

import psutil

from cluster.errors import PoolError
from cluster.said import plain

from .address import find, token_path
from .code_upload import shipment
from .nodes import usable_nodes
from .placement import Node

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
ONLY_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Set to 0, it has Ray keep to 127.0.0.1 where it is told so."""


class RaySession:
    """Starts and ends Ray, or joins what is there."""

    def __init__(
        self,
        *,
        address: str = "local",
        cores: int | None = None,
        dashboard: bool = False,
        object_store_bytes: int = 256_000_000,
    ) -> None:
        """Join the cluster at `address`, host:port or "auto"; "local" starts one.

        `cores`, `dashboard` and `object_store_bytes` are those of a new cluster; None takes all cores.
        """
        self.address = address
        self._cores = cores
        self._dashboard = dashboard
        self._object_store_bytes = object_store_bytes
        self._ours = False
        self._folder: Path | None = None
        """Around Ray's own folders, which Ray lets everybody write to; gone in the end, with its logs."""
        self._keeper = _Keeper()

    @property
    def local(self) -> bool:
        """Whether the cluster is this process's own."""
        return self.address == "local"

    async def start(self) -> None:
        """Start Ray or connect to it.

        Raises:
            PoolError: Ray is missing, does not start, does not answer at the address or may not be joined.
        """
        try:
            await self._keeper.run(self._start)
        except asyncio.CancelledError:
            await self.close()
            raise

    def nodes(self) -> list[Node]:
        """Return the machines of the cluster that can be given work, once started."""
        return usable_nodes()

    async def close(self) -> None:
        """End what `start` started; safe to call twice."""
        if self._ours:
            self._ours = False
            await self._keeper.run(self._end)

    def _start(self) -> None:
        if self.local:
            _secure()
        else:
            place = find(self.address)
            _set(token=place.token, loopback=place.loopback)
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
                self._folder = Path(mkdtemp(prefix="subnetlab-", dir="/tmp"))  # short, as paths of sockets must be
                options["_temp_dir"] = str(self._folder / "ray")
            options |= {
                "num_cpus": self._cores,
                "object_store_memory": self._object_store_bytes,
                "include_dashboard": self._dashboard,
                "_node_ip_address": LOOPBACK,
            }
        self._ours = True
        children = {child.pid for child in psutil.Process().children()}
        try:
            with ExitStack() as sent:
                if not self.local and not _sent_along():  # a cluster elsewhere has no checkout of ours
                    folder = sent.enter_context(shipment())
                    options["runtime_env"] = {"working_dir": str(folder)}
                ray.init(address="local" if self.local else place.address, **options)
        except Exception as error:
            _shutdown()
            self._ours = False
            _kill_ray_processes(spared=children)
            where = "can't be started" if self.local else f"can't be reached at {self.address}"
            if self._folder is not None:
                where += f" (its logs: {self._folder}/ray/session_latest/logs)"
            raise PoolError(f"Ray {where}: {type(error).__name__}: {plain(error)}") from error

    def _end(self) -> None:
        _shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def guard_token(path: Path | None = None) -> None:
    """Make sure that there is a token which nobody else on the machine can read; by default, this user's.

    Raises:
        PoolError: its file can't be written.
    """
    if path is None:
        if os.environ.get("RAY_AUTH_TOKEN"):
            return
        path = token_path()
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        elif path.parent.name == ".ray":
            path.parent.chmod(0o700)
        if not path.exists():
            # Linked into place whole, so that of two runs one makes it and both read the same.
            draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        path.chmod(0o600)
    except OSError as error:
        raise PoolError(
            f"Ray's token can't be kept in {path}: {error.strerror}; set RAY_AUTH_TOKEN_PATH to a file of your own"
        ) from error


def _sent_along() -> bool:
    """Whether this process is a job's, whose folder was sent to the cluster with it and is its workers' too."""
    job = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR") or "{}")
    return "working_dir" in (job.get("runtime_env") or {})


def _secure() -> None:
    """Have Ray ask for a token, and serve on loopback alone."""
    guard_token()
    _set(token=True, loopback=True)


def _set(*, token: bool, loopback: bool) -> None:
    """Set what Ray reads when it is imported: whether to show a token, and whether 127.0.0.1 is meant.

    Without the second it replaces 127.0.0.1 by an address of this machine that others can reach.
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
    """Kill what a failed start left behind: Ray forgets processes whose node was never complete."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.pid not in spared and any("/ray/" in word for word in child.cmdline()):
                child.kill()


def _keep_stdout_clean() -> None:
    """Log what Ray would print to the driver's stdout, such as news of dead workers: tables and JSON go there."""
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = _log_instead


def _log_instead(data: dict[str, Any], ignore_prefix: bool = False) -> None:
    logger.debug("ray: %s", data.get("lines"))


def _shutdown() -> None:
    import ray

    ray.shutdown()


class _Keeper:
    """A thread that lives as long as the process: Linux ends Ray's processes with the thread that started them."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], None], Future[None]]] = SimpleQueue()
        self._thread: Thread | None = None

    async def run(self, work: Callable[[], None]) -> None:
        """Do blocking work there; a cancellation waits until it is done."""
        if self._thread is None:
            self._thread = Thread(target=self._keep, name="ray-session", daemon=True)
            self._thread.start()
        done: Future[None] = Future()
        self._jobs.put((work, done))
        waiting = asyncio.wrap_future(done)
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            await asyncio.wait({waiting})
            if waiting.exception() is not None:
                logger.debug("cancelled, and: %s", waiting.exception())
            raise

    def _keep(self) -> None:
        while True:
            work, done = self._jobs.get()
            try:
                work()
            except BaseException as error:  # raised again where it is waited for
                done.set_exception(error)
            else:
                done.set_result(None)
