"""`subnetlab explore` as it is typed: what it refuses, who may look, and that Ctrl-C ends it."""

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.errors import LabError, RecordError
from lab.record.run_folder import open_run
from tests.lab.records import make_record

ROOT = Path(__file__).parents[3]
KEPT = ROOT / "tests/lab/kept_records"


@contextmanager
def exploring(place: Path, *options: str) -> Iterator[str]:
    """Yield the address that the command prints; Ctrl-C ends it, without an error."""
    command = [sys.executable, "-m", "lab", "explore", str(place), "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            found = re.search(r"http://\S+", line)
            assert found is not None, line
            yield found[0]
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
    assert process.returncode in (0, 130)
    assert "Traceback" not in errors


def fetched(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return str(answer.read().decode())


@pytest.mark.slow
def test_the_command_shows_runs_until_it_is_stopped_and_keeps_no_run_out(tmp_path: Path) -> None:
    make_record(tmp_path / "mine", epochs=1).close()
    (tmp_path / "kept").symlink_to(KEPT / "text")
    with exploring(tmp_path, "--trust") as address:
        assert "mine" in fetched(address)
        assert "miners" in fetched(f"{address}run/mine")
        part = f"{address}part/pay/3/mine"
        while "Working" in (text := fetched(part)):
            pass
        assert "was paid" in text
        with open_run(tmp_path / "mine", read_only=False) as record:
            assert record.verify() > 1
    assert not (tmp_path / "mine" / "lock").exists()


@pytest.mark.slow
def test_on_other_addresses_a_token_is_asked_for() -> None:
    with exploring(KEPT, "--host", "0.0.0.0") as address:
        assert "?token=" in address
        with pytest.raises(urllib.error.HTTPError, match="401"):
            fetched(address.replace("0.0.0.0", "127.0.0.1").partition("?")[0])
        request = urllib.request.Request(address.replace("0.0.0.0", "127.0.0.1").partition("?")[0])
        request.add_header("authorization", f"Bearer {address.partition('=')[2]}")
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200


def failure(*arguments: str) -> Exception | None:
    result = CliRunner().invoke(app, ["explore", *arguments])
    assert result.exit_code != 0
    return result.exception if isinstance(result.exception, Exception) else None


def test_a_place_that_is_not_there_is_refused_with_what_it_can_be() -> None:
    error = failure("no-such-folder", "--port", "0")
    assert isinstance(error, RecordError)
    assert "no-such-folder does not exist; name a folder of runs, a chain's file or a database's URL" in str(error)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        error = failure(str(tmp_path), "--port", str(taken.getsockname()[1]))
    assert isinstance(error, LabError)
    assert "choose another --port" in str(error)


def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["explore", str(tmp_path), "--token", "short"])
    assert result.exit_code == 2
    assert "at least 8 characters" in result.output


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for name in [name for name in sys.modules if name == "lab.explorer.serve"]:
        monkeypatch.delitem(sys.modules, name)
    error = failure(str(tmp_path))
    assert isinstance(error, LabError)
    assert "pip install 'subnetlab[explorer]'" in str(error)
