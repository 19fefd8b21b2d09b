"""Trust in records: one from somebody else is data. Reading it runs no code and contacts no server that only it names.

with data_only():
    record = open_run(Path("downloads/ocr"))
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import RecordError
from subnets.plugin import installed_only

from .database import public_url

_readers_of_data: list[object] = []
"""One item for each active `data_only`, in any thread."""


@contextmanager
def data_only() -> Iterator[None]:
    """Treat records as somebody else's, in all threads: load only installed plug-ins, and open no other location."""
    reader = object()
    _readers_of_data.append(reader)
    try:
        with installed_only():
            yield
    finally:
        _readers_of_data.remove(reader)


def record_location(folder: Path, url: str | None) -> str | None:
    """Return the URL at which to open the record of a run folder; None for the file in it.

    Raises:
        RecordError: the folder names another place, and is not trusted.
    """
    if url is None or not _readers_of_data:
        return url
    if (folder / "record.sqlite").is_file():
        return None
    raise RecordError(
        f"{folder} holds no record; its config.json says that it is at {public_url(url)}, a place that somebody else "
        "may have chosen: if the folder is your own, give --trust"
    )
