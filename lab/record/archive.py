"""The folder of a run as one file, on its way from one machine to another.

    packed = pack(Path("runs/ocr"), Path("run.zip"))
    unpack(Path("run.zip"), packed, Path("elsewhere/ocr"))

Only once the run's process has ended: SQLite's files are whole then, with what a killed one left in the log beside it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict

from lab.errors import RecordError, RefusedRecord

MOST_BYTES = 20_000_000_000
"""Of a record that is fetched, packed and unpacked: a round takes some kilobytes, and a head may lie."""


class Packed(BaseModel):
    """What was packed, so that it is known when it has arrived whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int
    """In bytes."""


def pack(folder: Path, archive: Path) -> Packed:
    """Pack all files of a folder but its lock."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as into:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != "lock":
                into.write(path, path.relative_to(folder))
    return Packed(sha256=_hash(archive), size=archive.stat().st_size)


def unpack(archive: Path, packed: Packed, folder: Path) -> None:
    """Unpack into a folder that is not there yet, whole or not at all.

    Raises:
        RefusedRecord: what was packed is too large, broken, or would write elsewhere.
        RecordError: it is not what was packed, or the folder is there and holds something.
    """
    if (size := archive.stat().st_size) != packed.size or _hash(archive) != packed.sha256:
        raise RecordError(f"the record that came is not the one that was packed: {size:,} of {packed.size:,} bytes")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with zipfile.ZipFile(archive) as found:
            require_size(sum(file.file_size for file in found.infolist()))
            for name in found.namelist():
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                    said = f"the record that came is refused: {name!r} would be written outside its folder"
                    raise RefusedRecord(said)
            found.extractall(draft)
        draft.chmod(0o755)
        require_free(folder)
        draft.replace(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # the last: a password, an unknown method
        raise RefusedRecord(f"the record that came is broken: {error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def require_size(size: int) -> None:
    """Refuse a record of more bytes than are fetched.

    Raises:
        RefusedRecord: it has more.
    """
    if size > MOST_BYTES:
        raise RefusedRecord(
            f"the record that came takes {size:,} bytes, and no more than {MOST_BYTES:,} are fetched: if it is yours, "
            "copy it from the log folder of the head by hand"
        )


def require_free(folder: Path) -> None:
    """Refuse a folder that holds something.

    Raises:
        RecordError: it does.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RecordError(f"{folder} is not empty; name another with --out")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
