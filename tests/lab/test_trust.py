"""Somebody else's record is data: reading it imports nothing that it names and opens nothing elsewhere."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.errors import LabError, RecordError
from lab.record.completed_run import CompletedRun
from lab.record.record import Draft, RunRecord
from lab.record.run_folder import RunFolder, open_run
from lab.record.trust import data_only
from subnets.plugin import ROOMS

from .records import make_config, make_record
from .test_import_path import CONFIG, PLUG_IN, as_installed

KEPT = Path(__file__).parent / "kept_records" / "ocr"
MARK = "from pathlib import Path\nPath(__file__).with_suffix('.imported').touch()\n"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play a run with a plug-in of the current folder, and lay modules beside its record that libraries look for."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "quiet.py").write_text(MARK + PLUG_IN)
    (folder / "config.toml").write_text(CONFIG.replace("KIND", "quiet:Quiet"))
    result = as_installed(folder, "run", "config.toml", "--out", "run")
    assert result.returncode == 0 and (folder / "quiet.imported").exists(), result.stderr
    for name in ("olefile", "colorama", "defusedxml", "typer"):
        (folder / "run" / f"{name}.py").write_text(MARK)
        (folder / f"{name}.py").write_text(MARK)
    for room in ROOMS:
        (folder / room).mkdir()
    return folder


@pytest.fixture(autouse=True)
def no_marks(foreign: Path) -> Iterator[None]:
    for mark in foreign.rglob("*.imported"):
        mark.unlink()
    yield


@pytest.mark.parametrize("arguments", [("report", "run"), ("audit", "run"), ("compare", "run", "run")])
@pytest.mark.slow
def test_a_record_runs_no_code_of_its_folder_unless_it_is_trusted(foreign: Path, arguments: tuple[str, ...]) -> None:
    result = as_installed(foreign, *arguments)
    assert result.returncode == 2 and result.stderr.count("\n") == 1, result.stderr
    assert "'quiet:Quiet'" in result.stderr and "--trust" in result.stderr
    assert not [*foreign.rglob("*.imported")]
    as_installed(foreign / "run", *(word.replace("run", ".") for word in arguments))
    assert not [*foreign.rglob("*.imported")]
    result = as_installed(foreign, *arguments, "--trust")
    assert (foreign / "quiet.imported").exists()
    assert result.returncode == 0 or "nothing" in result.stderr, result.stderr


@pytest.mark.slow
def test_the_status_of_a_run_is_read_without_its_code(foreign: Path) -> None:
    result = as_installed(foreign, "status", "run", "--once")
    assert result.returncode == 0, result.stderr
    assert not [*foreign.rglob("*.imported")]


def test_a_record_names_no_module_of_python_either(tmp_path: Path) -> None:
    record = make_record(tmp_path)
    with data_only(), open_run(record.folder) as again:
        with pytest.raises(LabError, match=r"tests\.lab\.records:.*--trust"):
            CompletedRun.of(again)
    with open_run(record.folder) as again:
        assert CompletedRun.of(again).rounds


def elsewhere(folder: Path, url: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"record": url}))


def test_a_folder_chooses_no_database_unless_it_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr("lab.record.record.connect", lambda url, **_: asked.append(url) or pytest.fail("it was asked"))
    folder = Path(shutil.copytree(KEPT, tmp_path / "run"))
    elsewhere(folder, "postgresql+psycopg://user:secret@192.0.2.1/runs\n\x1b[2J")
    with data_only(), open_run(folder) as record:
        assert record.find("start", "run") is not None  # the record in the folder
    (folder / "record.sqlite").unlink()
    with data_only(), pytest.raises(RecordError, match=r"192\.0\.2\.1.*--trust") as refusal:
        open_run(folder)
    assert "secret" not in str(refusal.value) and str(refusal.value).isprintable()
    for mode in ("resume", "clean"):
        with pytest.raises(RecordError, match="--record"), RunFolder(folder, make_config()).claim(mode):
            pass
    assert asked == []


def test_reading_changes_no_file_and_no_journal(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(KEPT, tmp_path / "run"))
    with sqlite3.connect(folder / "record.sqlite") as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with open_run(folder) as record:
        record.verify()
        names = {path.name for path in folder.iterdir()}
        with pytest.raises(RecordError, match="readonly"):
            record.append([Draft("end", "again", {})])
    assert names == before.keys()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_record_is_read_while_it_is_written(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(KEPT, tmp_path / "run"))
    with open_run(folder, read_only=False) as writer:
        entries = len(writer)
        with open_run(folder) as reader:
            assert isinstance(reader, RunRecord) and reader.verify() == entries
