"""Any SQLAlchemy database: its tables, connecting, retrying while a server is away, and words for messages."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential

from lab.errors import RecordError

logger = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_S = 60.0
"""Time after which an unreachable database server is given up."""
READ_ERRORS = (SQLAlchemyError, sqlite3.Error, ValueError, TypeError, OverflowError)
"""Errors of reading a damaged database; the last three come from rows that can't be decoded."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0


metadata = MetaData()
entries_table = Table(
    "subnetlab_entries",
    metadata,
    Column("run", String(32), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("place", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("run", "kind", "place"),
)
blobs_table = Table(
    "subnetlab_blobs",
    metadata,
    Column("run", String(32), primary_key=True),
    Column("hash", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)


def file_url(folder: Path) -> URL:
    """Return the URL of the SQLite file that a run's folder holds."""
    return URL.create("sqlite", database=str((folder / "record.sqlite").resolve()))


def file_url_to_write(folder: Path) -> URL:
    """Return the URL of the SQLite file in a run's folder, in which somebody else may have put a link.

    Raises:
        RecordError: the file or one next to it is a symbolic link.
    """
    for name in ("record.sqlite", "record.sqlite-wal", "record.sqlite-shm", "record.sqlite-journal"):
        if (folder / name).is_symlink():
            raise RecordError(
                f"{folder / name} is a symbolic link, which is not written through; put the file in its place"
            )
    return file_url(folder)


def connect(url: str | URL, *, read_only: bool = False) -> Engine:
    """Return an engine for a database; nothing is opened yet. With `read_only`, PostgreSQL refuses to write.

    Raises:
        RecordError: the URL is invalid, or its driver is missing.
    """
    try:
        options = {"postgresql_readonly": True} if read_only else {}
        engine = create_engine(url, pool_pre_ping=True, execution_options=options)
    except Exception as error:  # a bad URL or a missing driver, in as many ways as there are drivers
        raise RecordError(f"record: {error}; a database is given as a SQLAlchemy URL") from None
    if engine.dialect.name == "sqlite" and not read_only:
        event.listen(engine, "connect", _make_durable)
    return engine


def connect_to_read(file: Path, *, wait_s: float = 5.0) -> Engine:
    """Return an engine that can't write an SQLite file and makes no log next to it.

    `wait_s` is how long it waits for a process that holds the file alone.
    """
    path = file.resolve()

    def connection() -> sqlite3.Connection:
        # Without a log next to it nobody is writing the file, so SQLite needs no lock and no index of the log.
        logged = any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal"))
        mode = "mode=ro" if logged else "mode=ro&immutable=1"
        return sqlite3.connect(f"file:{quote(str(path))}?{mode}", timeout=wait_s, uri=True, check_same_thread=False)

    return create_engine(URL.create("sqlite", database=str(path)), creator=connection)


def with_retries(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do a piece of work on a connection, and retry it for up to PATIENCE_S while a server is away."""

    def attempt() -> T:
        with engine.connect() as connection:
            return work(connection)

    def is_away(error: BaseException) -> bool:
        return isinstance(error, OperationalError) and engine.dialect.name != "sqlite"

    def log(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, SQLAlchemyError):
            logger.warning("record %s: %s; trying again", safe_url(engine), reason(error))

    retrying = Retrying(
        retry=retry_if_exception(is_away),
        stop=stop_after_delay(PATIENCE_S),
        wait=wait_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S),
        before_sleep=log,
        reraise=True,
    )
    return retrying(attempt)


def safe_url(engine: Engine) -> str:
    """Return a database's URL without its password."""
    return engine.url.render_as_string(hide_password=True)


def read_failure(error: Exception) -> str:
    """Say why a record can't be read, without quoting its content."""
    if isinstance(error, SQLAlchemyError) and "decode" not in str(error):
        return f"can't be read: {reason(error)}"
    return "is damaged: it contains bytes that can't be part of a record"


def public_url(url: object) -> str:
    """Make an untrusted URL fit for a message: without its password, on one line, in printable characters."""
    try:
        text = make_url(str(url)).render_as_string(hide_password=True)
    except (SQLAlchemyError, ValueError):
        text = str(url)
    return repr(text[:80])


def reason(error: SQLAlchemyError) -> str:
    """Return the first line of a database's error message."""
    return str(error.orig if isinstance(error, DatabaseError) else error).splitlines()[0]


def check_tables(engine: Engine) -> None:
    """Refuse tables of an older version, which don't distinguish runs; raises RecordError."""
    tables = inspect(engine)
    if tables.has_table(entries_table.name) and "run" not in {
        column["name"] for column in tables.get_columns(entries_table.name)
    }:
        raise RecordError(
            f"record {safe_url(engine)} was written by an older version of subnetlab: read it with that version, "
            "and use another database here"
        )


def recorded_runs(url: str) -> list[str]:
    """Return the names of the runs whose records are in a database; empty if it holds no record.

    Raises:
        RecordError: it can't be reached or read.
    """
    engine = connect(url, read_only=True)
    try:
        if not inspect(engine).has_table(entries_table.name):
            return []
        with engine.connect() as connection:
            return list(
                connection.execute(select(entries_table.c.run).distinct().order_by(entries_table.c.run)).scalars()
            )
    except READ_ERRORS as error:
        raise RecordError(f"record {safe_url(engine)} {read_failure(error)}") from None
    finally:
        engine.dispose()


def only_run(engine: Engine) -> str:
    """Return the name of the one run in a database, empty if there is none; raises RecordError if there are several."""
    with engine.connect() as connection:
        runs = connection.execute(select(entries_table.c.run).distinct().limit(2)).scalars().all()
    if len(runs) > 1:
        raise RecordError(f"record {safe_url(engine)} holds several runs; open one by its folder")
    return runs[0] if runs else ""


def _make_durable(connection: Any, _: object) -> None:
    """Allow readers while the file is written, and make commits survive the death of the process."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
