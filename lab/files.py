"""Files and folders of runs and studies: written whole or not at all, held by one process at a time.

write_json(Path("runs/ocr/run.json"), machine)
with claim(Path("runs/ocr")): ...
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .errors import DamagedRecord, RecordError

LOCK = "lock"
"""Name of the lock file in a folder that is claimed."""


def write_atomically(path: Path, content: str | bytes) -> Path:
    """Write a file whole or not at all, making its folder if need be; return its path.

    What lies there already is replaced: in somebody else's folder it may be a link to a file of the user's.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    draft.unlink(missing_ok=True)
    with draft.open("xb") as file:  # "x" follows no link
        file.write(content.encode() if isinstance(content, str) else content)
    return draft.replace(path)


def write_json(path: Path, value: Any) -> Path:
    """Write a value as indented JSON, whole or not at all; return the file's path."""
    return write_atomically(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; nothing of what it holds appears in an error.

    Raises:
        FileNotFoundError: there is none.
        RecordError: it is empty, torn, no JSON or unreadable.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RecordError(f"{path} can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DamagedRecord(f"{path} is damaged: it is not UTF-8") from None
    if not text.strip("\0 \n"):
        raise DamagedRecord(f"{path} is empty, as after a crash or on a full disk")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise DamagedRecord(f"{path} is damaged: it is not whole JSON") from None


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Hold a folder alone, making it if need be. The system releases it when the process dies.

    Raises:
        RecordError: another process holds it, it can't be made, or its lock is a link to another file.
    """
    if (folder / LOCK).is_symlink():
        raise RecordError(f"{folder / LOCK} is a symbolic link, which is not followed; remove it")
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise RecordError(f"{folder} is in use by another process; wait for it, or --out another") from None
    except OSError as error:
        raise RecordError(f"{folder}: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


def remove_new_folder(folder: Path) -> None:
    """Remove a claimed folder that its holder has made, if nothing but the lock is left in it."""
    if [path.name for path in folder.iterdir()] == [LOCK]:
        (folder / LOCK).unlink()
        folder.rmdir()
