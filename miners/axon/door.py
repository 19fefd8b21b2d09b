"""The door: which connections are kept open.

An address has a bounded number of them. Where there are too many altogether, the oldest that has never brought a
valid signature is cut, so that a crowd of strangers shuts out nobody who can sign.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, cast

from aiohttp import web

from .limits import Limits


class Connection(web.RequestHandler):
    """One connection, counted."""

    def __init__(self, door: Door, address: str, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self.door, self.address = door, address

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it off."""
        self.door.left(self)
        super().connection_lost(exc)


class Door:
    """Makes the protocol of each new connection, or cuts it."""

    def __init__(self, manager: web.Server, limits: Limits) -> None:
        self._manager, self._limits = manager, limits
        self._by_address: Counter[str] = Counter()
        self._known: set[Connection] = set()
        self._strangers: dict[Connection, None] = {}
        """In the order in which they came."""
        self.cut = 0
        """Connections that were not kept."""

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of a connection whose other end is not known yet."""
        return _Knock(self)

    def __len__(self) -> int:
        return len(self._known) + len(self._strangers)

    def opened(self, transport: asyncio.Transport) -> None:
        """Keep a connection, or cut it."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if self._by_address[address] >= self._limits.per_address:
            return self._cut(transport)
        if len(self) >= self._limits.connections:
            if not self._strangers:
                return self._cut(transport)
            oldest = next(iter(self._strangers))
            self.left(oldest)
            self._cut(cast(asyncio.Transport, oldest.transport))
        connection = Connection(
            self,
            address,
            self._manager,
            loop=asyncio.get_running_loop(),
            access_log=None,
            keepalive_timeout=self._limits.idle_s,
            lingering_time=0.25,
            auto_decompress=False,
        )
        self._by_address[address] += 1
        self._strangers[connection] = None
        transport.set_protocol(connection)
        connection.connection_made(transport)

    def trust(self, connection: Connection) -> None:
        """Note that a valid signature came from there."""
        if connection in self._strangers:
            del self._strangers[connection]
            self._known.add(connection)

    def left(self, connection: Connection) -> None:
        """Count a connection off, once."""
        if connection in self._strangers or connection in self._known:
            self._strangers.pop(connection, None)
            self._known.discard(connection)
            self._by_address[connection.address] -= 1
            if not self._by_address[connection.address]:
                del self._by_address[connection.address]

    def _cut(self, transport: asyncio.Transport | None) -> None:
        self.cut += 1
        if transport is not None:
            transport.abort()


class _Knock(asyncio.Protocol):
    """A connection until its address is known: cheaper to cut than one that HTTP has been set up for."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._door.opened(cast(asyncio.Transport, transport))
