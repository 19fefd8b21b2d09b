"""Storage of a chain: one SQLite file, or any database that SQLAlchemy reaches. Every block is one transaction.

The tables hold the state (head, accounts, hotkeys, stakes, subnets, bonds, neurons), its root, which is checked when
the chain is opened, and the history (calls with their signatures, epochs). Only one process may hold a chain: an SQLite
file and a PostgreSQL database stay locked while it is open. On any database, a process signs the head when it opens;
blocks of a process that lost the head are refused.
"""

import json
import secrets
import zlib
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from consensus.chain.chain_state import ChainState
from consensus.errors import (
    CallRefused,
    NotAChain,
    StoreCorrupt,
    StoreError,
    StoreInUse,
    StoreMissing,
    StoreTooNew,
)
from consensus.yuma.rows import Rows

from .root import STATE, Root
from .tables import (
    ACCOUNTS,
    BONDS,
    CALLS,
    EPOCHS,
    HEAD,
    HOTKEYS,
    METADATA,
    NEURONS,
    ROOT,
    STAKES,
    SUBNETS,
    TableRow,
    call_row,
    epoch_row,
    head_row,
    neuron_row,
    pack_bonds,
    read_state,
    subnet_row,
)

if TYPE_CHECKING:
    from consensus.chain.emission import Epoch
    from consensus.chain.receipt import Receipt

LOCK_WAIT_S = 1.0
"""Time to wait for a process that is about to release the file."""

FORMAT = 2
"""Increased when an older subnetlab can't read what this one writes. Format 1 had no root; its next block adds one."""

DAMAGE_SIGNS = {
    "not a database": "file is not a database",
    "malformed": "its pages are malformed",
    "no such table": "a table is missing",
    "no such column": "a column is missing",
    "decode to UTF-8": "a text is not in UTF-8",
}
"""Phrases with which databases report damage, and our messages, which quote none of the content."""

DAMAGE = (
    ArithmeticError,
    AttributeError,
    CallRefused,
    IndexError,
    KeyError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
"""Errors that reading a damaged state raises."""


class Store:
    """The database behind one open chain; `state` is the state that it had when it was opened."""

    def __init__(
        self, engine: Engine, connection: Connection, state: ChainState, genesis: str, genesis_hash: bytes, root: Root
    ) -> None:
        self.state = state
        self.genesis_hash = genesis_hash
        self._genesis, self._root = genesis, root
        self._engine = engine
        self._connection = connection
        self._writer = secrets.token_hex(8)
        self._saved_block = state.block
        self._saved_bonds: dict[int, Rows] = {}

    @classmethod
    def create(cls, where: str | PathLike[str], state: ChainState, genesis_hash: bytes) -> Self:
        """Save a new chain; refuse to replace one, except the remains of a killed `create`."""
        engine, connection = _connect(where, new=True)
        try:
            store = cls(engine, connection, state, json.dumps(state.genesis.as_dict()), genesis_hash, Root())
            with connection.begin():
                sqlite = connection.dialect.name == "sqlite"
                if sqlite:
                    connection.exec_driver_sql("BEGIN EXCLUSIVE")  # from the check to the last row
                if (sqlite or inspect(connection).has_table(HEAD.name)) and not _unfinished(connection):
                    raise StoreError(f"{_name(engine)} already exists; open it, or choose another place")
                METADATA.drop_all(connection)
                METADATA.create_all(connection)
                connection.execute(insert(HEAD), {"format": FORMAT, "writer": store._writer, **store._head()})
                store._write_state()
                store._write_root()
            _write_ahead(connection)
            return store
        except BaseException as error:
            _release(engine, connection)
            raise _translated(error, engine) from error

    @classmethod
    def open(cls, where: str | PathLike[str]) -> Self:
        """Load a chain and hold it; `StoreInUse`, `StoreCorrupt` and `StoreTooNew` leave it as it is."""
        engine, connection = _connect(where, new=False)
        try:
            _check(engine, connection)
            head = connection.execute(select(HEAD)).mappings().one()
            root = Root.read(connection)
            _check_root(engine, connection, head["format"], root)
            state = read_state(connection, head)
            connection.rollback()
            _write_ahead(connection)
            store = cls(engine, connection, state, head["genesis"], bytes.fromhex(head["genesis_hash"]), root)
            with connection.begin():
                connection.execute(update(HEAD).values(writer=store._writer))
            return store
        except DAMAGE as error:
            _release(engine, connection)
            raise StoreCorrupt(f"{_name(engine)} is damaged: its rows are not the state of a chain") from error
        except BaseException as error:
            _release(engine, connection)
            raise _translated(error, engine) from error

    def save(self, closed: Sequence["Receipt"], epochs: Sequence["Epoch"]) -> None:
        """Confirm a block: its calls, its epochs and everything they changed, or nothing at all."""
        try:
            with self._connection.begin():
                own_head = (HEAD.c.writer == self._writer) & (HEAD.c.block == self._saved_block)
                changes = {"format": FORMAT, **head_row(self.state)}
                if self._connection.execute(update(HEAD).where(own_head).values(**changes)).rowcount != 1:
                    raise StoreInUse(f"another process took over {_name(self._engine)}; this block was not confirmed")
                self._write_state()
                self._write_root()
                _insert(self._connection, CALLS, (call_row(receipt) for receipt in closed))
                _insert(self._connection, EPOCHS, (epoch_row(epoch) for epoch in epochs))
        except BaseException as error:
            raise _translated(error, self._engine) from error
        self._saved_block = self.state.block

    def close(self) -> None:
        """Release the database."""
        _release(self._engine, self._connection)

    def _head(self) -> TableRow:
        return {"id": 1, "genesis": self._genesis, "genesis_hash": self.genesis_hash.hex(), **head_row(self.state)}

    def _write_root(self) -> None:
        self._root.put(HEAD, self._head())
        ROOT.create(self._connection, checkfirst=True)
        _replace(self._connection, ROOT, [{"id": 1, "root": self._root.hex()}])

    def _put(self, table: Table, rows: Sequence[TableRow]) -> None:
        _replace(self._connection, table, rows)
        for row in rows:
            self._root.put(table, row)

    def _write_state(self) -> None:
        ledger = self.state.ledger
        self._put(
            ACCOUNTS,
            [
                {"address": address, "balance_rao": ledger.balance(address), "nonce": ledger.nonces.get(address, 0)}
                for address in ledger.changed_accounts
            ],
        )
        self._put(
            HOTKEYS,
            [
                {"hotkey": hotkey, "coldkey": ledger.owners[hotkey], "take": ledger.takes.get(hotkey)}
                for hotkey in ledger.changed_hotkeys
            ],
        )
        self._put(
            STAKES,
            [
                {"hotkey": hotkey, "coldkey": coldkey, "stake_rao": ledger.stake(hotkey, coldkey)}
                for hotkey, coldkey in ledger.changed_stakes
            ],
        )
        for subnet in self.state.subnets.values():
            if subnet.changed:
                self._put(SUBNETS, [subnet_row(subnet)])
            if self._saved_bonds.get(subnet.netuid) is not subnet.bonds:
                self._put(BONDS, [{"netuid": subnet.netuid, "rows": pack_bonds(subnet.bonds)}])
                self._saved_bonds[subnet.netuid] = subnet.bonds
            self._put(NEURONS, [neuron_row(subnet, uid) for uid in sorted(subnet.changed_uids)])


def _connect(where: str | PathLike[str], *, new: bool) -> tuple[Engine, Connection]:
    try:
        if isinstance(where, str) and "://" in where:
            parsed = make_url(where)
        else:  # a path may hold what a URL treats specially
            parsed = URL.create("sqlite", database=str(Path(where).expanduser()))
    except ArgumentError as error:
        raise StoreError(f"{where!r} is not a database URL: {error}") from error
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and parsed.database and parsed.database != ":memory:":
        path = Path(parsed.database)
        if path.is_dir():
            raise StoreError(f"{path} is a folder; name a file in it")
        if not new and not path.is_file():
            raise StoreMissing(f"no chain at {path}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path} can't be created: {error.strerror}") from error
    try:
        options: dict[str, Any] = {"poolclass": StaticPool, "connect_args": {"timeout": LOCK_WAIT_S}} if sqlite else {}
        engine = create_engine(parsed, **options)
    except (SQLAlchemyError, ImportError) as error:
        raise StoreError(f"{parsed.render_as_string(hide_password=True)} can't be used: {error}") from error
    if sqlite:
        event.listen(engine, "connect", _lock_file)
    try:
        connection = engine.connect()
    except DatabaseError as error:
        engine.dispose()
        raise _translated(error, engine) from error
    if engine.dialect.name == "postgresql":
        locked = connection.execute(text("SELECT pg_try_advisory_lock(hashtext('subnetlab'))")).scalar_one()
        connection.rollback()
        if not locked:
            _release(engine, connection)
            raise StoreInUse(f"{_name(engine)} is open in another process; wait for it to end, or end it")
    return engine, connection


def _lock_file(connection: Any, _record: Any) -> None:
    """Lock the file until it is closed, so that a second process is refused; sync at every commit."""
    for pragma in ("locking_mode=EXCLUSIVE", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _write_ahead(connection: Connection) -> None:
    """Set SQLite's journal mode, which changes the file; call it only once the file is known to be ours."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.rollback()


def _release(engine: Engine, connection: Connection) -> None:
    connection.close()
    engine.dispose()


def _name(engine: Engine) -> str:
    if engine.dialect.name == "sqlite" and engine.url.database:
        return engine.url.database
    return engine.url.render_as_string(hide_password=True)


def _translated(error: BaseException, engine: Engine) -> BaseException:
    """Return the store's own error for a database error; any other error as it is."""
    if not isinstance(error, SQLAlchemyError):
        return error
    reason = str(getattr(error, "orig", None) or error)
    if "locked" in reason:
        return StoreInUse(f"{_name(engine)} is open in another process; wait for it to end, or end it")
    for sign, fault in DAMAGE_SIGNS.items():
        if sign in reason:
            return StoreCorrupt(f"{_name(engine)} is damaged or not a chain: {fault}")
    return StoreError(f"{_name(engine)}: {' '.join(reason.split())}")


def _unfinished(connection: Connection) -> bool:
    """Return whether there are only our tables, all empty: a process was killed before or while it created a chain."""
    names = set(inspect(connection).get_table_names())
    if not names <= set(METADATA.tables):
        return False
    tables = [METADATA.tables[name] for name in names]
    return not any(connection.execute(select(literal(1)).select_from(table).limit(1)).first() for table in tables)


def _check(engine: Engine, connection: Connection) -> None:
    if _unfinished(connection):
        raise StoreMissing(f"no chain at {_name(engine)}")
    if not inspect(connection).has_table(HEAD.name):
        raise NotAChain(f"{_name(engine)} is a database, but contains no chain")
    formats = connection.execute(text("SELECT format FROM head")).scalars().all()
    if len(formats) != 1 or type(formats[0]) is not int:
        raise StoreCorrupt(f"{_name(engine)} is damaged: its head names no format")
    if formats[0] > FORMAT:
        raise StoreTooNew(f"{_name(engine)} has format {formats[0]}; this subnetlab reads up to {FORMAT}: update it")
    if engine.dialect.name == "sqlite":
        # An index that names other rows would hide or swap some of the state; the check of all indexes is slow.
        checks = ["quick_check(1)", *(f"integrity_check({table.name})" for table in STATE)]
        if any(connection.execute(text(f"PRAGMA {check}")).scalars().all() != ["ok"] for check in checks):
            raise StoreCorrupt(f"{_name(engine)} is damaged: SQLite reports faulty pages")


def _check_root(engine: Engine, connection: Connection, stored_format: int, root: Root) -> None:
    if stored_format < 2 and not inspect(connection).has_table(ROOT.name):
        return
    if connection.execute(select(ROOT.c.root)).scalars().all() != [root.hex()]:
        raise StoreCorrupt(f"{_name(engine)} is damaged: its state is not the one that was saved")


def _replace(connection: Connection, table: Table, rows: Sequence[TableRow]) -> None:
    """Delete and insert by primary key: the only upsert that every database supports."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = delete(table)
    for key in keys:
        statement = statement.where(table.c[key] == bindparam(f"old_{key}"))
    connection.execute(statement, [{f"old_{key}": row[key] for key in keys} for row in rows])
    connection.execute(insert(table), rows)


def _insert(connection: Connection, table: Table, rows: Iterable[TableRow]) -> None:
    if batch := list(rows):
        connection.execute(insert(table), batch)
