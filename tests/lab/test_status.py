"""A run seen from outside: under way, killed, stopped, done."""

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from cluster import PoolError
from cluster.ray.status_board import Note
from lab.cli.run.status import at_folder
from lab.cli.run.status import status as show_status
from lab.cli.run.status_table import draw
from lab.errors import RecordError
from lab.run.session import run
from lab.run.status import EVERY_S, FILE, JOB, RunStatus
from lab.run.status_text import headline
from tests.lab.commands import ROOT, subnetlab
from tests.lab.records import SLOW, make_config


@pytest.mark.slow
def test_a_run_is_shown_while_it_is_under_way_and_as_gone_when_its_driver_is_killed(tmp_path: Path) -> None:
    (tmp_path / "slow.toml").write_text(SLOW + "[pool]\nkind = 'local'\n")
    out = tmp_path / "arms" / ("slow" * 40)  # as of a study, with a long name
    command = [sys.executable, "-m", "lab", "run", str(tmp_path / "slow.toml"), "--out", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as child:
        try:
            until = time.monotonic() + 60
            while not any(status.per_s for status in at_folder(tmp_path)):
                assert child.poll() is None and time.monotonic() < until
                time.sleep(0.05)
            (seen,) = json.loads(subnetlab("status", tmp_path, "--json").stdout)["runs"]
            shown = subnetlab("status", tmp_path, "--once").stdout
        finally:
            child.send_signal(signal.SIGKILL)
    assert (seen["stage"], seen["pid"], seen["of"], seen["gone"]) == ("running", child.pid, 5000, False)
    assert 0 < seen["rounds"] < 5000 and 0.0 < seen["per_s"] < 10.0 and seen["left_s"] > 0.0
    assert seen["names"] == {"0": "judge", "1": "slow"}
    assert f"{out}: round " in shown and " left (process " in shown
    header, driver, io = (line.split() for line in shown.splitlines()[1:])
    assert header[:4] == ["state", "node", "pid", "serves"]
    assert driver[:2] == ["driver", "up"] and str(child.pid) in driver and "judge" in driver
    assert io[:2] == ["io:tests.lab.records.Sayer", "up"] and "slow" in io
    output = subnetlab("status", out).stdout
    assert f"its driver (process {child.pid} on " in output and "is gone, at round " in output and "--resume" in output


def test_a_finished_run_says_so_and_what_writing_its_status_cost(tmp_path: Path) -> None:
    with run(make_config(chain={"epochs": 1, "rounds_per_epoch": 2}), tmp_path / "run") as record:
        of = len(list(record.entries("round")))
    (status,) = at_folder(tmp_path)
    assert headline(status) == f"{tmp_path / 'run'}: done, {of} rounds"
    assert status.pool is None and 0.0 < status.status_cpu_s < 1.0


def test_a_submitted_run_that_failed_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JOB, "ocr-1f")
    unopenable = {
        "name": "closed",
        "kind": "tests.cluster.fakes:Works",
        "engine": {"kind": "tests.cluster.fakes:Unopenable"},
    }
    with pytest.raises(PoolError):
        run(make_config(miners=[unopenable]), tmp_path)
    (status,) = at_folder(tmp_path)
    assert status.stage == "failed" and "failed (host unopenable-0: FileNotFoundError: no weights" in headline(status)


def test_a_driver_on_another_machine_that_falls_silent_is_reported(tmp_path: Path) -> None:
    status = RunStatus(
        run="1",
        folder="there",
        host="far",
        pid=1,
        written=time.time() - 90 * EVERY_S,
        stage="running",
        session=0,
        epoch=0,
        epochs=1,
        rounds=3,
        total_rounds=9,
    )
    assert not status.gone and "(process 1 on far; silent for 1 min 30 s)" in headline(status)
    assert status.model_copy(update={"lost": True}).gone


HOSTILE = "\x1b]0;mine\x07\x1b[2J\x9b2J\n[red]x"
SHOWN = "?]0;mine??[2J?2J [red]x"


def snapshot_of(**changes: object) -> str:
    """A snapshot of a run under way, as a head sends it."""
    snapshot = {"run": "1", "folder": "there", "host": "far", "pid": 1, "stage": "running", "session": 0, "epoch": 0}
    return json.dumps(snapshot | {"written": time.time(), "epochs": 1, "rounds": 3, "of": 9} | changes)


def drawn(snapshot: str) -> str:
    status = RunStatus.parse(snapshot)
    assert status is not None
    console = Console(file=io.StringIO(), width=400)
    console.print(draw([status]))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("changes", [{"job": HOSTILE}, {"folder": HOSTILE}, {"host": HOSTILE}, {"reason": HOSTILE}])
def test_no_text_of_a_run_elsewhere_commands_the_terminal(changes: dict[str, str]) -> None:
    snapshot = snapshot_of(stage="failed" if "reason" in changes else "running", **changes)
    status = RunStatus.parse(snapshot)
    assert status is not None and SHOWN in headline(status) and headline(status).isprintable()
    assert SHOWN in drawn(snapshot) and drawn(snapshot).replace("\n", "").isprintable()


def test_no_text_in_the_table_of_a_run_elsewhere_commands_the_terminal() -> None:
    host = {"name": HOSTILE, "role": "host", "state": "up", "group": HOSTILE, "node": HOSTILE}
    jury = {"name": "jury", "role": "validator", "state": "up", "validators": [0]}
    group = {"name": HOSTILE, "miners": [1], "engines": [HOSTILE]}
    pool = {"members": [host, jury], "groups": [group]}
    shown = drawn(snapshot_of(pool=pool, names={"0": HOSTILE, "1": HOSTILE}))
    assert shown.count(SHOWN) == 5 and shown.replace("\n", "").isprintable()


def test_a_run_elsewhere_whose_table_holds_nobody_or_strangers_is_shown_all_the_same() -> None:
    assert "round 3 of 9" in drawn(snapshot_of(pool={"members": [], "groups": []}))
    stranger = {"name": "io", "role": "host", "state": "up", "group": "unheard of"}
    assert "io up" in drawn(snapshot_of(pool={"members": [stranger], "groups": []}))


@pytest.mark.parametrize(
    "changes",
    [
        {"left_s": float("inf")},
        {"written": float("-inf")},
        {"pid": -1},
        {"pid": 2**80},
        {"pool": {"members": [{"name": "io", "role": "host", "state": "up", "cores": float("nan")}], "groups": []}},
    ],
)
def test_numbers_that_no_driver_writes_make_a_snapshot_unreadable(changes: dict[str, object]) -> None:
    assert RunStatus.parse(snapshot_of(**changes)) is None


def test_the_json_of_a_run_elsewhere_commands_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cluster.ray.status_board.notes", lambda address: [Note(snapshot_of(job=HOSTILE), alive=True)])
    show_status(address="10.0.0.10:6379", as_json=True)
    output = capsys.readouterr().out
    assert output.replace("\n", "").isprintable() and json.loads(output)["runs"][0]["job"] == HOSTILE


def test_a_status_that_can_not_be_written_does_not_stop_a_run(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    (tmp_path / FILE / "in the way").touch()
    with run(make_config(chain={"epochs": 1, "rounds_per_epoch": 1}), tmp_path) as record:
        assert record.find("end", "run") is not None


def test_a_folder_without_runs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=f"no run is known at {tmp_path}"):
        show_status(tmp_path)
