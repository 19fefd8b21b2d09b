"""The shelf: what lies in the place that the explorer was given, under keys that its addresses use.

    shelf = Shelf.of("runs")
    shelf.runs()["ocr"].open()

A place is a folder of runs and studies, one of these, the file of a local chain, or the URL of a database with records
or a chain. Only what was listed can be opened, so no address reaches another file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.errors import RecordError
from lab.files import read_json
from lab.record.database import recorded_runs
from lab.record.record import RunRecord
from lab.record.run_folder import open_run
from lab.run.status import RunStatus

State = Literal["finished", "unfinished", "running", "unreadable"]


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run is."""

    key: str
    folder: Path
    """Its folder; a name alone if it is in a database without one."""
    url: str | None = None
    """The database, if that was named instead of a folder."""

    def open(self) -> RunRecord:
        """Open its record for reading; raises RecordError if that fails."""
        if self.url is None:
            return open_run(self.folder)
        return RunRecord.open(self.folder, self.url, run=self.key, read_only=True)

    @property
    def chain(self) -> Path:
        """The file in which a run keeps its chain, if its config says so."""
        return self.folder / "chain.sqlite"

    def status(self) -> RunStatus | None:
        """Return what its driver reported last; None if there is no driver."""
        status = None if self.url is not None else RunStatus.read(self.folder)
        return None if status is None or status.gone else status


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a list."""

    key: str
    state: State
    subnet: str
    miners: int
    validators: int
    epochs: int
    total_epochs: int
    started: str
    note: str = ""
    """Why it can't be read."""


class Shelf:
    """Runs, studies and chains of one place."""

    def __init__(self, *, folder: Path | None = None, url: str | None = None, chain: str | None = None) -> None:
        self._folder, self._url, self.chain = folder, url, chain

    @classmethod
    def of(cls, place: str) -> Shelf:
        """Find out what a place is.

        Raises:
            RecordError: there is nothing at it, or nothing that can be shown.
        """
        if "://" in place:
            return cls(url=place) if recorded_runs(place) else cls(chain=place)
        path = Path(place).expanduser()
        if path.is_dir():
            return cls(folder=path)
        if path.is_file():
            return cls(chain=str(path))
        raise RecordError(f"{path} does not exist; name a folder of runs, a chain's file or a database's URL")

    def runs(self) -> dict[str, RunPlace]:
        """List the runs by key, those of studies among them."""
        if self._url is not None:
            return {run: RunPlace(run, Path(run), self._url) for run in recorded_runs(self._url)}
        if self._folder is None:
            return {}
        root = self._folder
        if is_run(root):
            name = root.resolve().name
            return {name: RunPlace(name, root)}
        if is_study(root):
            return {f"arms/{path.name}": RunPlace(f"arms/{path.name}", path) for path in _runs_in(root / "arms")}
        found = {}
        for path in _folders(root):
            if is_run(path):
                found[path.name] = RunPlace(path.name, path)
            else:
                inside = path / "arms" if is_study(path) else path  # the seeds of a repeated run
                for each in _runs_in(inside):
                    key = each.relative_to(root).as_posix()
                    found[key] = RunPlace(key, each)
        return found

    def studies(self) -> dict[str, Path]:
        """List the folders of studies by key."""
        if self._folder is None:
            return {}
        if is_study(self._folder):
            return {self._folder.resolve().name: self._folder}
        return {path.name: path for path in _folders(self._folder) if is_study(path)}

    def arms(self, study: str) -> list[str]:
        """Return the keys of a study's runs."""
        alone = self._folder is not None and is_study(self._folder)
        prefix = "arms/" if alone else f"{study}/arms/"
        return [key for key in self.runs() if key.startswith(prefix)]


def summary(place: RunPlace) -> RunSummary:
    """Read the little that a list shows of a run; a run that can't be read is listed with the reason."""
    try:
        with place.open() as record:
            start = record.find("start", "run")
            assert start is not None  # open() refuses a record without one
            body = start.body
            config, neurons = body["config"], body["neurons"]
            roles = [neuron["role"] for neuron in neurons]
            finished = record.find("end", "run") is not None
            status = None if finished else place.status()
            return RunSummary(
                key=place.key,
                state="finished" if finished else "running" if status and not status.ended else "unfinished",
                subnet=str(config["subnet"]["kind"]),
                miners=roles.count("miner"),
                validators=roles.count("validator"),
                epochs=record.count("epoch"),
                total_epochs=int(config["chain"]["epochs"]),
                started=str(start.body.get("machine", {}).get("started", ""))[:19].replace("T", " "),
            )
    except RecordError as error:
        note = str(error)
    except (KeyError, TypeError, ValueError, AttributeError):
        note = f"{place.key}: the record's first entry is damaged"
    return RunSummary(place.key, "unreadable", "", 0, 0, 0, 0, "", note)


def is_run(path: Path) -> bool:
    """Return whether a folder holds a run."""
    return (path / "config.json").is_file() and (path / "run.json").is_file()


def is_study(path: Path) -> bool:
    """Return whether a folder holds a study."""
    return (path / "study.json").is_file()


def study_kind(path: Path) -> str:
    """Return the name of the study in a folder; empty if its file is damaged."""
    try:
        return str(read_json(path / "study.json")["study"])
    except (OSError, RecordError, KeyError, TypeError):
        return ""


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(each for each in path.iterdir() if each.is_dir())
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from None


def _runs_in(path: Path) -> list[Path]:
    return [each for each in _folders(path) if is_run(each)] if path.is_dir() else []
