"""What is left of a submitted run that was killed."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli.run.status import at_folder
from lab.record.archive import unpack
from lab.run.job import Ended
from lab.run.status import RunStatus
from lab.run.status_text import headline
from tests.cluster.conftest import until
from tests.cluster.launch.heads import ROOT


@pytest.mark.slow
def test_a_killed_run_is_shown_as_failed_after_it_was_fetched(tmp_path: Path) -> None:
    config, left = tmp_path / "mine.toml", tmp_path / "subnetlab" / "mine-1"
    config.write_text('subnet = "tests.lab.records:Digits"\n[[miners]]\nkind = "echo"\n[[validators]]\nname = "v"\n')
    with socket.create_server(("127.0.0.1", 0)) as silent, (tmp_path / "job-driver-mine-1.log").open("w") as log:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "lab.run.job", str(config)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment | {"RAY_ADDRESS": address}, stdout=log, stderr=log
        ) as job:
            until(lambda: RunStatus.read(left / "run") is not None, timeout_s=60.0)
            status = RunStatus.read(left / "run")
            assert status is not None and status.stage == "starting"
            os.kill(status.pid, signal.SIGKILL)
            assert job.wait(60) == 128 + signal.SIGKILL
    ended = Ended.model_validate_json((left / "ended.json").read_text())
    assert ended.exit_code == 128 + signal.SIGKILL and ended.packed is not None
    unpack(left / "run.zip", ended.packed, tmp_path / "fetched")
    (found,) = at_folder(tmp_path / "fetched")
    assert "failed (its driver ended by signal 9)" in headline(found)
