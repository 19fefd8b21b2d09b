"""The folder of a run as one file, to move it from one machine to another.

    packed = pack(Path("runs/ocr"), Path("run.zip"))
    unpack(Path("run.zip"), packed, Path("elsewhere/ocr"))

Pack only once the run's process has ended: SQLite's files are whole then, together with the log that a killed process
left next to them.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict

from lab.errors import RecordError, RefusedRecord
from lab.files import LOCK

MAX_BYTES = 20_000_000_000
"""Maximum size of a record to fetch, pack or unpack. A round takes some kilobytes, and a cluster's head may lie."""


MAX_DIRECTORY_BYTES = 1_000_000
"""Largest list of an archive's files. A run has a dozen; 20,000 fit, and take 30 MB of memory."""


class Packed(BaseModel):
    """Hash and size of an archive, by which its receiver checks that it arrived whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int
    """Size of the archive in bytes."""


def pack(folder: Path, archive: Path) -> Packed:
    """Pack all files of a folder except its lock."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != LOCK:
                packed.write(path, path.relative_to(folder))
    return Packed(sha256=_hash(archive), size=archive.stat().st_size)


def unpack(archive: Path, packed: Packed, folder: Path) -> None:
    """Unpack into a new folder, completely or not at all.

    Raises:
        RefusedRecord: the archive is too large, has too many files, is broken, or would write elsewhere.
        RecordError: it is not the archive that was packed, or the folder is not empty.
    """
    if (size := archive.stat().st_size) != packed.size or _hash(archive) != packed.sha256:
        raise RecordError(f"the record that arrived is not the one that was packed: {size:,} of {packed.size:,} bytes")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with _Archive(archive) as file, zipfile.ZipFile(file) as files:
            file.listed = True
            require_size(sum(file.file_size for file in files.infolist()))
            for name in files.namelist():
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                    raise RefusedRecord(f"the record is refused: {name!r} would be written outside its folder")
            files.extractall(draft)
        draft.chmod(0o755)
        require_free(folder)
        draft.replace(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # the last: a password, an unknown method
        raise RefusedRecord(f"the record that arrived is broken: {error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


class _Archive(io.FileIO):
    """An archive whose list of files is refused unread if it is too long."""

    listed = False
    """True once the list has been read."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does; raises RefusedRecord for a list beyond the bound."""
        left = os.fstat(self.fileno()).st_size - self.tell()
        asked = left if size is None or size < 0 else min(size, left)
        if not self.listed and asked > MAX_DIRECTORY_BYTES:
            raise RefusedRecord(
                f"the record is refused: the list of its files takes {asked:,} bytes; at most {MAX_DIRECTORY_BYTES:,} "
                "are read"
            )
        return super().read(size)


def require_size(size: int) -> None:
    """Refuse a record that is too large to fetch.

    Raises:
        RefusedRecord: it has more than MAX_BYTES.
    """
    if size > MAX_BYTES:
        raise RefusedRecord(
            f"the record takes {size:,} bytes, and at most {MAX_BYTES:,} are fetched: if it is yours, copy it by hand "
            "from the log folder of the cluster's head"
        )


def require_free(folder: Path) -> None:
    """Check that a folder is empty or missing.

    Raises:
        RecordError: it is not.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RecordError(f"{folder} is not empty; name another with --out")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
