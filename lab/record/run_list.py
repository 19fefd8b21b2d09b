"""Runs and studies in a folder: how far each is, how large, and how to remove one.

for listed in list_runs(Path("runs")):
    print(listed.path, listed.state, listed.size_bytes)
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.errors import RecordError
from lab.files import LOCK, claim, read_json

from .record import RunRecord
from .run_folder import open_run, remove_files
from .trust import data_only, record_location

State = Literal["finished", "unfinished", "running", "unreadable"]


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run, or one study with its runs."""

    path: Path
    sort: Literal["run", "study"]
    state: State
    epochs: int
    """Epochs that ended, in all runs of a study together."""
    size_bytes: int
    """Size of everything in the folder."""
    started: str
    """Time at which it started, in ISO 8601; empty if the folder does not say."""
    note: str = ""
    """Why it can't be read."""


def list_runs(folder: Path) -> list[ListedRun]:
    """List the runs and studies that lie in a folder, by name. Their code is not run, and no server is asked."""
    if not folder.is_dir():
        raise RecordError(f"{folder} is no folder; name the one that holds runs")
    return [_listed(path) for path in sorted(folder.iterdir()) if path.is_dir() and _sort(path) is not None]


def remove(path: Path, *, trust: bool = False) -> list[Path]:
    """Remove a run, or the runs of a study, and return what is left in the folder: files that no run makes.

    `trust` also removes a record that the folder says is in a database elsewhere.

    Raises:
        RecordError: it is no run, it is in use, or its record is elsewhere and not trusted.
    """
    sort = _sort(path)
    if sort is None:
        raise RecordError(f"{path} holds no run and no study; nothing was removed")
    if sort == "study":
        for arm in _arms(path):
            remove(arm, trust=trust)
        with claim(path):
            for name in ("study.json", "forecast.json", "result.json", "index.html"):
                (path / name).unlink(missing_ok=True)
            with suppress(OSError):  # an arm holds something else
                (path / "arms").rmdir()
    else:
        with claim(path):
            _remove_elsewhere(path, trust=trust)
            remove_files(path)
    (path / LOCK).unlink(missing_ok=True)
    left = sorted(path.iterdir())
    if not left:
        path.rmdir()
    return left


def _remove_elsewhere(path: Path, *, trust: bool) -> None:
    try:
        url, run = read_json(path / "config.json")["record"], read_json(path / "run.json")["run"]
    except (OSError, RecordError, KeyError, TypeError):  # torn files don't say where the record is
        return
    if trust:
        if url is not None:
            RunRecord.create(path, url, run=run, replace=True).close()
        return
    with data_only():
        record_location(path, url)


def _sort(path: Path) -> Literal["run", "study"] | None:
    if (path / "study.json").is_file():
        return "study"
    return "run" if (path / "config.json").is_file() and (path / "run.json").is_file() else None


def _arms(path: Path) -> list[Path]:
    return sorted(arm for arm in (path / "arms").glob("*") if _sort(arm) == "run")


def _listed(path: Path) -> ListedRun:
    sort = _sort(path) or "run"
    runs = [path] if sort == "run" else _arms(path)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())
    started, epochs, complete = "", 0, bool(runs)
    try:
        for run in runs:
            with data_only(), open_run(run) as record:
                epochs += sum(1 for _ in record.entries("epoch"))
                complete = complete and record.find("end", "run") is not None
            started = min(filter(None, [started, str(read_json(run / "run.json").get("started", ""))]), default="")
    except RecordError as error:
        return ListedRun(path, sort, "unreadable", epochs, size, started, str(error))
    state: State = "running" if any(map(_in_use, [path, *runs])) else "finished" if complete else "unfinished"
    return ListedRun(path, sort, state, epochs, size, started)


def _in_use(path: Path) -> bool:
    """Return whether a process holds a folder."""
    if not (path / LOCK).is_file():
        return False
    try:
        with claim(path):
            return False
    except RecordError:
        return True
