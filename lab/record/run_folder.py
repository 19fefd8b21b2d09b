"""The folder of a run: its config, its machine, its record, and the lock that keeps other processes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os.path import isfile
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from lab.config.run_config import RunConfig
from lab.errors import DamagedRecord, RecordError
from lab.files import claim, read_json, remove_new_folder, write_json

from .comparable import comparable_config, first_difference
from .database import public_url
from .entries import Start
from .record import RunRecord
from .signature import SIGNATURE
from .trust import record_location
from .versions import changed_versions, machine

RunMode = Literal["new", "resume", "clean"]

RUN_FILES = (
    *("record.sqlite", "record.sqlite-wal", "record.sqlite-shm"),
    *("chain.sqlite", "chain.sqlite-wal", "chain.sqlite-shm", "report.html", "run.json", "config.json"),
    *("status.json", SIGNATURE),
)
"""Files that a run creates. `clean` removes these and the logs of the run's servers, nothing else."""


class RunFolder:
    """Files of one run."""

    def __init__(self, path: Path, config: RunConfig) -> None:
        self.path = path
        self.config = config
        self._is_abandoned = False

    @contextmanager
    def claim(self, mode: RunMode) -> Iterator[RunRecord]:
        """Lock the folder and yield its record, new or reopened depending on `mode`.

        Raises:
            RecordError: the folder is in use, holds a run already, or holds another run than the config's.
        """
        is_new = not self.path.exists()
        with claim(self.path):
            try:
                with self._record(mode) as record:
                    yield record
            finally:
                if self._is_abandoned:
                    self._remove(is_new)

    def abandon(self) -> None:
        """Let `claim` end by removing the run, which never began."""
        self._is_abandoned = True

    def _remove(self, is_new: bool) -> None:
        """Remove the run except for its servers' logs, which say why it never began; a new folder goes too."""
        self._discard_record()
        for name in RUN_FILES:
            (self.path / name).unlink(missing_ok=True)
        if is_new:
            remove_new_folder(self.path)

    def _record(self, mode: RunMode) -> RunRecord:
        exists = (self.path / "config.json").is_file()
        if exists and mode == "new":
            raise RecordError(f"{self.path} holds a run already; --resume continues it, --clean starts it over")
        if mode == "resume":
            if not exists:
                raise RecordError(f"{self.path} holds no run to continue; leave --resume out to start one")
            try:
                return self._reopened()
            except DamagedRecord as error:
                raise DamagedRecord(f"{error}; --clean starts over") from None
        if exists:
            self.clean()
        description = machine(self.config)
        record = RunRecord.create(self.path, self.config.record, run=description["run"])
        try:
            write_json(self.path / "run.json", description)
            write_json(self.path / "config.json", self.config.model_dump(mode="json"))
        except OSError as error:
            raise RecordError(f"{self.path}: {error.strerror or error}") from None
        return record

    def _reopened(self) -> RunRecord:
        """Open the record if it has this config and was begun with the versions installed now."""
        self._require_own_place("continue")
        record = open_run(self.path, read_only=False)
        entry = record.find("start", "run")
        assert entry is not None  # open_run() refuses a record without one
        start = Start.of(entry)
        difference = first_difference(
            comparable_config(start.config), comparable_config(self.config.model_dump(mode="json"))
        )
        if difference:
            raise RecordError(
                f"{self.path} is a run of another config: {difference}; give the same flags again, or another folder"
            )
        changed = changed_versions(start)
        if changed:
            raise RecordError(
                f"{self.path} was begun with other versions: {changed}; install those, or start over with --clean"
            )
        return record

    def clean(self) -> None:
        """Remove the run in this folder and its record, wherever that is; leave all other files."""
        self._discard_record()
        remove_files(self.path)

    def _discard_record(self) -> None:
        """Remove the run's entries from a database elsewhere; a record in the folder is one of its files."""
        try:
            url, run = _read_file(self.path, "config.json")["record"], _read_file(self.path, "run.json")["run"]
        except RecordError:  # a torn file doesn't say where the record is; one in this folder is removed
            url = None
        if url is not None:
            self._require_own_place("discard")
            RunRecord.create(self.path, url, run=run, replace=True).close()

    def _require_own_place(self, action: str) -> None:
        """Refuse a folder that names a database which this config does not name."""
        url = _read_file(self.path, "config.json")["record"]
        if url is not None and url != self.config.record:
            raise RecordError(
                f"{self.path} names {public_url(url)} as its record, and this config does not; to {action} "
                "that run, give its URL with --record"
            )


def remove_files(folder: Path) -> None:
    """Remove the files of a run, and leave all others."""
    for path in (*(folder / name for name in RUN_FILES), *folder.glob("server-*.log")):
        path.unlink(missing_ok=True)


def next_folder(name: str, mode: RunMode) -> Path:
    """Return runs/NAME, runs/NAME-2 and so on: the first free one for a new run, otherwise the last that exists."""
    folders = [Path("runs") / (name if number == 1 else f"{name}-{number}") for number in range(1, 10_000)]
    free = next(place for place, folder in enumerate(folders) if not (folder / "config.json").exists())
    return folders[free if mode == "new" else max(0, free - 1)]


def open_run(folder: Path, *, read_only: bool = True) -> RunRecord:
    """Open the record of a run, in its folder or in a database.

    Raises:
        RecordError: there is none, it can't be read, or only an untrusted folder names its location.
    """
    url, run = _read_file(folder, "config.json")["record"], _read_file(folder, "run.json")["run"]
    return RunRecord.open(folder, record_location(folder, url), run=run, read_only=read_only)


def _read_file(folder: Path, name: str) -> dict[str, Any]:
    """Read config.json or run.json of a run's folder.

    Raises:
        RecordError: it is missing, empty, torn, or has other contents.
    """
    if isfile(folder):
        raise RecordError(f"{folder} is a file, not a run's folder")
    try:
        content = read_json(folder / name)
    except FileNotFoundError:
        if isfile(folder / "study.json"):
            raise RecordError(f"{folder} is a study; its runs are in {folder / 'arms'}/") from None
        if any(isfile(folder / other) for other in ("config.json", "run.json", "record.sqlite")):
            raise RecordError(f"{folder} lacks {name}") from None
        raise RecordError(f"{folder} holds no run (no {name}); `subnetlab run CONFIG` makes one") from None
    key, types = ("record", (str, NoneType)) if name == "config.json" else ("run", (str,))
    if not (isinstance(content, dict) and key in content and isinstance(content[key], types)):
        raise DamagedRecord(f"{folder / name} is damaged: it lacks {key!r}")
    return content
