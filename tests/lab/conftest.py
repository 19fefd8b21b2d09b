"""What several tests of the laboratory share: a recorded run, and a real PostgreSQL server."""

import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.record.record import RunRecord
from lab.results.run_figures import RunFigures
from tests.lab.records import make_record
from tests.lab.servers import Postgres


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunRecord]:
    with make_record(tmp_path_factory.mktemp("run")) as record:
        yield record


@pytest.fixture(scope="module")
def run(record: RunRecord) -> RunFigures:
    return RunFigures.of(record)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = installed[-1] if installed else Path(shutil.which("initdb") or "")
    if not program.name:
        pytest.fail("PostgreSQL is missing; get it with: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="subnetlab-postgres-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = Postgres(program.parent, folder, port, user)
    server.call("initdb", "-D", str(folder / "data"), "-U", "subnetlab", "-A", "trust", "--no-sync")
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(folder)
