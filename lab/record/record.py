"""The record of a run: an append-only table of hash-linked entries in any SQLAlchemy database.

    record = RunRecord.open(Path("runs/ocr"))
    for entry in record.entries("round"): ...

Each entry carries the hash of the one before it, so changing, dropping or inserting one takes new hashes for all later
ones, which anyone who noted the last hash can see. Every append is one transaction, so no entry is half written. Long
byte strings (answers) are stored once, under their own hash. A database can hold the records of many runs, each with
one writer at a time. Short outages of a database server are bridged by retrying.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, Select, delete, func, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from lab.errors import AuditError, RecordError

from .database import (
    READ_ERRORS,
    blobs_table,
    check_tables,
    connect,
    connect_to_read,
    entries_table,
    file_url_to_write,
    metadata,
    only_run,
    read_failure,
    reason,
    safe_url,
    with_retries,
)

FORMAT = 3
"""Version of the record's format; a higher one was written by a newer version of subnetlab.

Since 3 score ledgers correct for their start at 0, and there are windows.
"""

GENESIS = "0" * 64
AT_ONCE = 500
"""Byte strings asked for in one query; older SQLite takes at most 999."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a record."""

    seq: int
    kind: str
    """"start", "round", "epoch" or "end", among others."""
    key: str
    """Unique among entries of its kind: "VALIDATOR/NUMBER" for a round, its number for an epoch. The database's column
    is called `place`."""
    text: str
    """Its body as JSON."""
    previous: str
    hash: str

    @property
    def body(self) -> Mapping[str, Any]:
        """Parse the body.

        Raises:
            AuditError: it is not a JSON object.
        """
        try:
            body = json.loads(self.text)
        except (ValueError, TypeError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise AuditError(f"entry {self.seq} ({self.kind} {self.key}) was changed: its body is not JSON") from None
        return body


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to append."""

    kind: str
    key: str
    body: Mapping[str, Any]


def digest(seq: int, kind: str, key: str, body: str, previous: str) -> str:
    """Return the hash of an entry: SHA-256 over all of it and the hash of the one before."""
    return hashlib.sha256(json.dumps([seq, kind, key, body, previous]).encode()).hexdigest()


class RunRecord:
    """The record of one run; one writer at a time, any number of readers."""

    def __init__(self, engine: Engine, folder: Path, run: str) -> None:
        self._engine = engine
        self.folder = folder
        self.run = run
        """Name of the run among those in the database."""
        self._last: tuple[int, str] | None = None

    @classmethod
    def create(cls, folder: Path, url: str | None = None, *, run: str = "run", replace: bool = False) -> Self:
        """Create an empty record for a run folder; `replace` deletes the run's previous one.

        Raises:
            RecordError: the database can't be reached or already holds a record of that run.
        """
        engine = connect(url or file_url_to_write(folder))
        try:
            check_tables(engine)
            metadata.create_all(engine)
            record = cls(engine, folder, run)
            if replace:
                with engine.begin() as connection:
                    for table in (entries_table, blobs_table):
                        connection.execute(delete(table).where(table.c.run == run))
            if len(record):
                raise RecordError(f"{safe_url(engine)} already holds a record of run {run}; choose another database")
        except SQLAlchemyError as error:
            raise RecordError(f"record {safe_url(engine)} can't be created: {reason(error)}") from None
        return record

    @classmethod
    def open(cls, folder: Path, url: str | None = None, *, run: str | None = None, read_only: bool = False) -> Self:
        """Open the record of a run folder; `run` names it where the database holds several.

        `read_only` leaves a SQLite file and its folder as they are, and a database on a server too.

        Raises:
            RecordError: there is none, it can't be read, or a newer version wrote it.
        """
        if url is None and not (folder / "record.sqlite").is_file():
            if (folder / "config.json").is_file():
                raise RecordError(f"{folder} lacks record.sqlite")
            raise RecordError(f"{folder} holds no run (no record.sqlite); `subnetlab run CONFIG` makes one")
        if url is None and read_only:
            engine = connect_to_read(folder / "record.sqlite")
        else:
            engine = connect(url or file_url_to_write(folder), read_only=read_only)
        try:
            check_tables(engine)
            record = cls(engine, folder, only_run(engine) if run is None else run)
            start = record.find("start", "run")
        except READ_ERRORS as error:
            raise RecordError(f"record {safe_url(engine)} {read_failure(error)}") from None
        if start is None:
            raise RecordError(f"{folder}: the run was stopped before it began; start it again with --clean")
        written = start.body.get("format")
        if not isinstance(written, int):
            raise RecordError(f"{folder}: the record does not say its format: {written!r}; it is damaged")
        if written > FORMAT:
            raise RecordError(
                f"{folder}: the record has format {written}, this version reads up to {FORMAT}; update subnetlab"
            )
        return record

    def append(self, drafts: Sequence[Draft], blobs: Sequence[bytes] = ()) -> None:
        """Write entries and the byte strings that they refer to, all in one transaction.

        Raises:
            RecordError: the database refused, or an entry of that kind and key exists. Nothing was written.
        """
        try:
            if self._last is None:
                self._last = with_retries(self._engine, self._tail)
            after = self._last
            self._last = with_retries(self._engine, lambda connection: self._append(connection, after, drafts, blobs))
        except IntegrityError as error:
            self._last = None
            raise RecordError(
                f"record {safe_url(self._engine)}: another process writes to it: {reason(error)}"
            ) from None
        except SQLAlchemyError as error:
            self._last = None
            raise RecordError(f"record {safe_url(self._engine)} can't be written: {reason(error)}") from None

    def _append(
        self, connection: Connection, after: tuple[int, str], drafts: Sequence[Draft], blobs: Sequence[bytes]
    ) -> tuple[int, str]:
        """Write after the entry of that number and hash; return the last one's."""
        seq, previous = after
        rows = []
        for draft in drafts:
            body = encode(draft.body)
            seq += 1
            link = digest(seq, draft.kind, draft.key, body, previous)
            rows.append(
                {
                    "run": self.run,
                    "seq": seq,
                    "kind": draft.kind,
                    "place": draft.key,
                    "body": body,
                    "previous": previous,
                    "hash": link,
                }
            )
            previous = link
        if self._tail(connection) != (seq, previous):  # otherwise a commit that seemed to fail has succeeded
            missing = {blob_hash(blob): blob for blob in blobs}
            known = select(blobs_table.c.hash).where(blobs_table.c.run == self.run, blobs_table.c.hash.in_(missing))
            for stored in connection.execute(known).scalars():
                del missing[stored]
            if missing:
                blob_rows = [{"run": self.run, "hash": key, "data": blob} for key, blob in missing.items()]
                connection.execute(insert(blobs_table), blob_rows)
            connection.execute(insert(entries_table), rows)
        connection.commit()
        return seq, previous

    def entries(self, kind: str | None = None, *, after: int = 0) -> Iterator[Entry]:
        """Yield entries in the order they were written, of one kind or all, those numbered above `after`."""
        query = self._entries().where(entries_table.c.seq > after)
        if kind is not None:
            query = query.where(entries_table.c.kind == kind)
        for row in self._rows(query.execution_options(yield_per=500)):
            yield _entry(row)

    def count(self, kind: str) -> int:
        """Return the number of entries of one kind, without reading them."""
        query = (
            select(func.count())
            .select_from(entries_table)
            .where(entries_table.c.run == self.run, entries_table.c.kind == kind)
        )
        return int(next(self._rows(query))[0])

    def find(self, kind: str, key: str) -> Entry | None:
        """Return one entry, or None where there is none."""
        rows = list(self._rows(self._entries().where(entries_table.c.kind == kind, entries_table.c.place == key)))
        if len(rows) > 1:
            raise AuditError(f"the record is damaged: {len(rows)} entries of one kind and key")
        return _entry(rows[0]) if rows else None

    def blob(self, key: str) -> bytes:
        """Return a byte string by its hash.

        Raises:
            AuditError: it is gone or is not what was written.
        """
        return self.blobs([key])[key]

    def blobs(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return byte strings by their hashes; many at once are read ten times as fast as one by one.

        Raises:
            AuditError: one is gone or is not what was written.
        """
        wanted, found = list(dict.fromkeys(keys)), dict[str, object]()
        for start in range(0, len(wanted), AT_ONCE):
            some = blobs_table.c.hash.in_(wanted[start : start + AT_ONCE])
            query = select(blobs_table.c.hash, blobs_table.c.data).where(blobs_table.c.run == self.run, some)
            found |= {row.hash: row.data for row in self._rows(query)}
        return {key: _checked(key, found.get(key)) for key in wanted}

    def verify(self) -> int:
        """Follow the chain of hashes from the first entry to the last; return how many there are.

        Raises:
            AuditError: names the first entry that was changed, removed or inserted.
        """
        previous, expected = GENESIS, 0
        for row in self._rows(self._entries().execution_options(yield_per=500)):
            expected += 1
            name = f"entry {row.seq} ({row.kind} {row.place})"
            if row.seq != expected:
                raise AuditError(f"entry {expected} is missing: {name} follows entry {expected - 1}")
            if row.previous != previous:
                raise AuditError(f"{name} does not follow the entry before it: one of the two was changed")
            if digest(row.seq, row.kind, row.place, row.body, row.previous) != row.hash:
                raise AuditError(f"{name} was changed after it was written: its hash does not match")
            previous = row.hash
        return expected

    @property
    def head(self) -> str:
        """Hash of the last entry, and through it of all entries."""
        last = self._entries().order_by(None).order_by(entries_table.c.seq.desc()).limit(1)
        return next((_entry(row).hash for row in self._rows(last)), GENESIS)

    def __len__(self) -> int:
        with self._engine.connect() as connection:
            return self._tail(connection)[0]

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, query: Select[Any]) -> Iterator[Any]:
        """Yield the rows of a query.

        Raises:
            RecordError: the database can't be read, or a row is damaged.
        """
        try:
            with self._engine.connect() as connection:
                yield from connection.execute(query)
        except READ_ERRORS as error:
            raise RecordError(f"record {safe_url(self._engine)} {read_failure(error)}") from None

    def _entries(self) -> Select[Any]:
        return select(entries_table).where(entries_table.c.run == self.run).order_by(entries_table.c.seq)

    def _tail(self, connection: Connection) -> tuple[int, str]:
        row = connection.execute(
            select(entries_table.c.seq, entries_table.c.hash)
            .where(entries_table.c.run == self.run)
            .order_by(entries_table.c.seq.desc())
            .limit(1)
        ).one_or_none()
        return (0, GENESIS) if row is None else (row.seq, row.hash)


def encode(body: Mapping[str, Any]) -> str:
    """Write a body as canonical JSON: keys sorted, no spaces, no NaN."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)


def blob_hash(data: bytes) -> str:
    """Return the SHA-256 of a byte string, under which the record stores it."""
    return hashlib.sha256(data).hexdigest()


def _checked(key: str, data: object) -> bytes:
    if not isinstance(data, bytes):
        raise AuditError(f"answer {key[:12]}… is missing from the record")
    if blob_hash(data) != key:
        raise AuditError(f"answer {key[:12]}… is not what was written: its hash is {blob_hash(data)[:12]}…")
    return data


def _entry(row: Any) -> Entry:
    return Entry(row.seq, row.kind, row.place, row.body, row.previous, row.hash)
