"""The root of a stored state: one hash over all of its rows; changing a row costs two hashes to update it.

    root = Root.read(connection)
    root.put(ACCOUNTS, {"address": address, "balance_rao": 5, "nonce": 1})
    root.hex()

It is the sum of the rows' hashes modulo 2^256, so that their order doesn't matter. It shows damage; a forger can
compute it as well as we do.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Self

from sqlalchemy import Connection, RowMapping, Table, select

from .tables import ACCOUNTS, BONDS, HEAD, HOTKEYS, NEURONS, STAKES, SUBNETS

STATE = (HEAD, ACCOUNTS, HOTKEYS, STAKES, SUBNETS, BONDS, NEURONS)
"""Tables under the root; the history of calls and epochs is not read when a chain is opened."""
UNCOVERED = {"writer", "format"}
"""Columns of the head that change without a block."""


class Root:
    """Hashes of all rows, by table and key, and their sum."""

    def __init__(self) -> None:
        self._hashes: dict[tuple[Any, ...], int] = {}
        self._sum = 0

    @classmethod
    def read(cls, connection: Connection) -> Self:
        """Compute the root of the rows in a database."""
        root = cls()
        for table in STATE:
            for row in connection.execute(select(table)).mappings():
                root.put(table, row)
        return root

    def put(self, table: Table, row: Mapping[str, Any] | RowMapping) -> None:
        """Add a row, or replace the one with its key."""
        key = (table.name, *(row[column.name] for column in table.primary_key))
        values = [_plain(row[column.name]) for column in table.columns if column.name not in UNCOVERED]
        digest = hashlib.blake2b(repr((table.name, values)).encode("utf-8", "surrogatepass"), digest_size=32).digest()
        hashed = int.from_bytes(digest, "little")
        self._sum += hashed - self._hashes.get(key, 0)
        self._hashes[key] = hashed

    def hex(self) -> str:
        """Return the root as it is stored."""
        return f"{self._sum % 2**256:064x}"


def _plain(value: object) -> object:
    """Return True as 1: databases differ in what they give back."""
    return int(value) if isinstance(value, bool) else value
