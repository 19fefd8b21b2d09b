"""The page of a local chain: its open block, subnets, epochs, calls and accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select

from consensus.amounts import TAO
from consensus.chain.storage.tables import ACCOUNTS, CALLS, EPOCHS, HEAD, NEURONS, SUBNETS
from lab.errors import RecordError
from lab.explorer.addresses import chain_page, run_page
from lab.explorer.page import PER_PAGE, Asked, Block, Page, Pager
from lab.record.database import READ_ERRORS, connect, connect_to_read, read_failure, safe_url
from lab.report.section import Caption, Column, Section
from lab.results.words import counted

from .run import tabs

MOST_CALL = 300
"""Characters of a call's arguments that are shown."""
WAIT_S = 0.1
"""How long a page waits for a process that holds the chain; most hold it for longer than anybody waits."""
MOST_ROWS = 20
"""Rows of the tables that have no pages: the latest epochs, the largest accounts."""


def chain(where: str, key: str, asked: Asked) -> Page:
    """Return the page of a chain; `key` is that of its run, empty for one without a run.

    Raises:
        RecordError: it can't be read, which is so while a process holds it.
    """
    engine = connect(where, read_only=True) if "://" in where else connect_to_read(_file(where), wait_s=WAIT_S)
    try:
        with engine.connect() as connection:
            blocks = _blocks(connection, chain_page(key), asked)
    except READ_ERRORS as error:
        raise RecordError(_failure(engine, error)) from None
    finally:
        engine.dispose()
    trail = (("runs", "/"), (key, run_page(key))) if key else (("runs", "/"),)
    return Page("Chain", blocks, Path(where).name, trail, tabs(key, has_chain=True) if key else (), chain_page(key))


def _file(where: str) -> Path:
    path = Path(where).expanduser()
    if not path.is_file():
        raise RecordError(f"there is no chain at {path}; `chain.keep = true` in a config keeps that of a run")
    return path


def _failure(engine: Engine, error: Exception) -> str:
    words = read_failure(error)
    if "locked" in words or "unable to open" in words:
        return f"chain {safe_url(engine)}: a process holds it; look again when that has ended"
    return f"chain {safe_url(engine)} {words}"


def _blocks(connection: Connection, path: str, asked: Asked) -> tuple[Block, ...]:
    head = connection.execute(select(HEAD)).mappings().one()
    calls = int(connection.execute(select(func.count()).select_from(CALLS)).scalar_one())
    facts = (
        (Column("block", "open block"), head["block"]),
        (Column("issuance", "tokens issued", 3), head["issuance_rao"] / TAO),
        (Column("recycled", "tokens recycled", 3), head["recycled_rao"] / TAO),
        (Column("accounts", "accounts"), _count(connection, ACCOUNTS)),
        (Column("neurons", "neurons"), _count(connection, NEURONS)),
        (Column("calls", "calls"), calls),
    )
    columns = tuple(column for column, _ in facts)
    about = Section("head", "State", Caption("", ""), columns, (tuple(value for _, value in facts),))
    pager = Pager(path, asked, calls)
    return (
        Block(about),
        Block(_subnets(connection)),
        Block(_epochs(connection)),
        Block(_calls(connection, asked, calls), pager),
        Block(_accounts(connection)),
    )


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _subnets(connection: Connection) -> Section:
    rows = connection.execute(select(SUBNETS).order_by(SUBNETS.c.netuid).limit(PER_PAGE)).mappings()
    columns = (
        Column("netuid", "subnet", names=True),
        Column("owner", "owner"),
        Column("epochs", "epochs"),
        Column("last", "last epoch in block"),
        Column("pending", "tokens pending", 3),
    )
    shown = [
        (row["netuid"], row["owner"], row["epochs"], row["last_epoch_block"], row["pending_rao"] / TAO) for row in rows
    ]
    return Section("subnets", "Subnets", Caption("", ""), columns, tuple(shown))


def _epochs(connection: Connection) -> Section:
    latest = select(EPOCHS).order_by(EPOCHS.c.block.desc(), EPOCHS.c.netuid).limit(MOST_ROWS)
    parts = ("emission", "owner", "miner", "validator", "delegator", "recycled")
    columns = (
        Column("epoch", "epoch", names=True),
        Column("netuid", "subnet", names=True),
        Column("block", "block"),
        *(Column(f"{name}_rao", f"{name}, tokens", 4) for name in parts),
    )
    rows = tuple(
        (row["number"], row["netuid"], row["block"], *(row[f"{name}_rao"] / TAO for name in parts))
        for row in connection.execute(latest).mappings()
    )
    return Section("epochs", "Epochs", Caption(f"The latest {MOST_ROWS}, in tokens.", ""), columns, rows)


def _calls(connection: Connection, asked: Asked, total: int) -> Section:
    query = select(CALLS).order_by(CALLS.c.block.desc(), CALLS.c.position.desc()).limit(PER_PAGE).offset(asked.offset)
    columns = (
        Column("block", "block", names=True),
        Column("call", "call"),
        Column("signer", "signer"),
        Column("fields", "arguments"),
    )
    rows = tuple(
        (row["block"], row["call"], row["signer"], _cut(row["fields"])) for row in connection.execute(query).mappings()
    )
    caption = Caption(f"{counted(total, 'call')}, the latest first.", "Each was signed by its signer's key.")
    return Section("calls", "Calls", caption, columns, rows)


def _accounts(connection: Connection) -> Section:
    query = select(ACCOUNTS).order_by(ACCOUNTS.c.balance_rao.desc(), ACCOUNTS.c.address).limit(MOST_ROWS)
    columns = (Column("address", "account"), Column("balance", "free tokens", 4), Column("nonce", "calls"))
    rows = tuple(
        (row["address"], row["balance_rao"] / TAO, row["nonce"]) for row in connection.execute(query).mappings()
    )
    return Section("accounts", "Accounts", Caption(f"The {MOST_ROWS} with most free tokens.", ""), columns, rows)


def _cut(text: Any) -> str:
    words = str(text)
    return words if len(words) <= MOST_CALL else f"{words[:MOST_CALL]}…"
