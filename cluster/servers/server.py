"""A server that a run starts in addition to its hosts: the far end of an API, on the loopback address.

Its processes descend from a supervisor (`supervisor.py`) and end with this process, however that ends. Their use is a
provider's cost, and is measured separately.

    server = Server("provider", [sys.executable, "-m", "http.server", "8000"], 8000, "/", log=Path("server.log"))
    await server.start()
"""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from cluster.cpu import tree_cpu_s
from cluster.errors import PoolError

from .supervisor import END_S

LOOPBACK = "127.0.0.1"
SUPERVISOR = Path(__file__).with_name("supervisor.py")
POLL_S = 0.2
ANSWER_S = 5.0
"""Timeout of one request that asks whether the server is ready."""
LAST_LINES = 12
"""Number of log lines that an error shows."""


class Server:
    """One server, with all processes that it starts."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        ready: str,
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        start_timeout_s: float = 120.0,
    ) -> None:
        """Run `command`; `ready` is a path that answers 200 once it serves. `environment` extends this process's."""
        self.name = name
        self.port = port
        self._command = list(command)
        self._ready = ready
        self._log = log
        self._environment = dict(environment or {})
        self._start_timeout_s = start_timeout_s
        self._log_before = 0
        """Size of the log when this server started; earlier lines come from another server."""
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The root of its URLs."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The supervisor, from which all processes of the server descend."""
        return self._supervisor.pid if self._supervisor is not None else None

    async def start(self) -> None:
        """Start the server and wait until it serves.

        Raises:
            PoolError: it can't be started, ends, or is not ready in time; the message has the end of its log.
        """
        try:
            # In somebody else's folder, a log may be a link to a file of the user's.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            with open(os.open(self._log, flags, 0o666), "ab") as log:
                self._log_before = log.tell()
                self._supervisor = subprocess.Popen(
                    [sys.executable, "-I", str(SUPERVISOR), *self._command],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=os.environ | self._environment,
                    start_new_session=True,  # so that Ctrl-C reaches this process alone
                )
        except OSError as error:
            raise PoolError(f"server {self.name} can't be started: {error.strerror or error} ({self._log})") from None
        try:
            async with asyncio.timeout(self._start_timeout_s):
                while not await asyncio.to_thread(self._answers):
                    self.check()
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise PoolError(
                f"server {self.name}: {self.address}{self._ready} did not answer 200 within "
                f"{self._start_timeout_s:g} s{self._end_of_log()}"
            ) from None
        self.check()  # another process may have answered on its port

    def check(self) -> None:
        """Check that the server still runs.

        Raises:
            PoolError: it has ended; the message has the end of its log.
        """
        if self.pid is not None and not _runs(self.pid):
            raise PoolError(f"server {self.name} has ended{self._end_of_log()}")

    def cpu_s(self) -> float:
        """Return the CPU seconds of all its processes, including ended ones."""
        return tree_cpu_s(self.pid) if self.pid is not None else 0.0

    async def close(self) -> None:
        """Have the supervisor end it, then end the supervisor. It may be called twice."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        assert supervisor.stdin is not None
        supervisor.stdin.close()
        try:
            await asyncio.to_thread(supervisor.wait, 2 * END_S)
        except subprocess.TimeoutExpired:
            for process in [supervisor, *psutil.Process(supervisor.pid).children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            await asyncio.to_thread(supervisor.wait)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=ANSWER_S)
        try:
            connection.request("GET", self._ready)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _end_of_log(self) -> str:
        try:
            with self._log.open("rb") as log:
                log.seek(self._log_before)
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        end = "\n  ".join(line[:400] for line in lines[-LAST_LINES:])
        return f"; the end of its log ({self._log}):\n  {end}" if end else f"; its log is empty ({self._log})"


def free_port() -> int:
    """Return a port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
