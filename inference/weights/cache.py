"""The cache of models that are built on this machine: converted from GGUF or trained here.

A model's folder appears in the cache whole or not at all, and one process at a time builds it. Its manifest, written
last, names the source and the size of each file, so that a damaged folder is noticed and rebuilt.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

MANIFEST = "subnetlab.json"
FORMAT = 1
"""Version of the conversion; a folder of another version is rebuilt."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Summary of a model folder."""

    source: str
    """The file or model that it was built from; empty if it was not built here."""
    source_sha256: str
    weights_bytes: int


def cache_folder() -> Path:
    """Return the folder of all models built on this machine."""
    return Path(os.environ.get("SUBNETLAB_CACHE") or Path.home() / ".cache" / "subnetlab") / "models"


def is_complete(folder: Path) -> bool:
    """Return True if the folder was finished and its files still have their sizes."""
    try:
        sizes = _manifest(folder)["bytes"]
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False


def build_once(folder: Path, origin: Mapping[str, str], write: Callable[[Path], None]) -> Path:
    """Return a folder of the cache; unless it is complete, have `write` fill it first."""
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if is_complete(folder):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        logger.info("building %s once, from %s", folder, origin["source"])
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
            model = Path(scratch) / "model"
            write(model)
            sizes = {str(file.relative_to(model)): file.stat().st_size for file in model.rglob("*") if file.is_file()}
            manifest = {"format": FORMAT, **origin, "bytes": sizes}
            (model / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
            model.rename(folder)
    return folder


def describe(folder: Path) -> Contents:
    """Summarise a model folder, built here or not."""
    origin = _manifest(folder) if (folder / MANIFEST).is_file() else {}
    weights_bytes = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return Contents(origin.get("source", ""), origin.get("sha256", ""), weights_bytes)


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(folder: Path) -> Any:
    return json.loads((folder / MANIFEST).read_text())
