"""A server that a run starts beside its hosts: the far end of an API, on the loopback address.

Its processes are one family below a supervisor (`supervisor.py`) and end with this process, whatever ends it.
What they use is a provider's cost, and is measured apart from everything else.

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
"""Patience for one answer of a server that is asked whether it is ready."""
LAST_LINES = 12
"""Of a log, in an error."""


class Server:
    """One server's process family."""

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
        """`ready`: a path of its URL that answers 200 once it serves; `environment` is added to this process's."""
        self.name = name
        self.port = port
        self._command = list(command)
        self._ready = ready
        self._log = log
        self._environment = dict(environment or {})
        self._start_timeout_s = start_timeout_s
        self._log_before = 0
        """Its size when this server started: what is before it was said by another one."""
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The root of its URLs."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process that all others of the server descend from."""
        return self._supervisor.pid if self._supervisor is not None else None

    async def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            PoolError: it can't be started, ends, or is not ready in time; with the last lines of its log.
        """
        try:
            with self._log.open("ab") as log:
                self._log_before = log.tell()
                self._supervisor = subprocess.Popen(
                    [sys.executable, "-I", str(SUPERVISOR), *self._command],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=os.environ | self._environment,
                    start_new_session=True,  # so that Ctrl-C is ours alone to act on
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
                f"{self._start_timeout_s:g} s{self._last_words()}"
            ) from None
        self.check()  # somebody else may have answered at its port

    def check(self) -> None:
        """See that it still runs.

        Raises:
            PoolError: it has ended; with the last lines of its log.
        """
        if self.pid is not None and not _runs(self.pid):
            raise PoolError(f"server {self.name} has ended{self._last_words()}")

    def cpu_s(self) -> float:
        """CPU seconds of all its processes, ended ones included."""
        return tree_cpu_s(self.pid) if self.pid is not None else 0.0

    async def close(self) -> None:
        """Have the supervisor end it, then end the supervisor; safe to call twice."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        assert supervisor.stdin is not None
        supervisor.stdin.close()
        try:
            await asyncio.to_thread(supervisor.wait, 2 * END_S)
        except subprocess.TimeoutExpired:
            family = [supervisor, *psutil.Process(supervisor.pid).children(recursive=True)]
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
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

    def _last_words(self) -> str:
        try:
            with self._log.open("rb") as log:
                log.seek(self._log_before)
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        said = "\n  ".join(line[:400] for line in lines[-LAST_LINES:])
        return f"; it said ({self._log}):\n  {said}" if said else f"; it said nothing ({self._log})"


def free_port() -> int:
    """Return a port of the loopback address that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
