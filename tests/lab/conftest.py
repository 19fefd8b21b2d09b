"""A real PostgreSQL server, started once where a test asks for it."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Postgres:
    """A server of the tests' own, on the loopback address, that trusts everybody on it."""

    programs: Path
    folder: Path
    port: int
    user: str | None
    """Whom it runs as: PostgreSQL refuses to run as root."""

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://subnetlab@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        log = str(self.folder / "log")
        self.call("pg_ctl", "-D", str(self.folder / "data"), "-o", settings, "-l", log, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        self.call("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.programs / program, *arguments],
            check=True,
            user=self.user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = installed[-1] if installed else Path(shutil.which("initdb") or "")
    if not found.name:
        pytest.fail("PostgreSQL is missing; get it with: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="subnetlab-postgres-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = Postgres(found.parent, folder, port, user)
    server.call("initdb", "-D", str(folder / "data"), "-U", "subnetlab", "-A", "trust", "--no-sync")
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(folder)
