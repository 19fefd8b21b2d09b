"""The door: which connections are kept open.

An address has a bounded number of them. A caller whose request was let in is known by its connection; the known ones
of a caller are bounded, and so are all of them, those of less stake giving way. All others are strangers: where there
are too many altogether, the oldest of these is cut, so that no crowd shuts out who can sign.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from ipaddress import IPv6Address, ip_network
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from subnets import Caller

from .limits import Limits

if TYPE_CHECKING:
    from ssl import SSLContext

KNOWN = 7 / 8
"""Of all connections, at most: the rest is for those who come to show who they are."""
HANDSHAKE_S = 5.0


class Connection(web.RequestHandler):
    """One connection, counted."""

    def __init__(self, door: Door, line: asyncio.Transport, network: str, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self.door, self.line, self.network = door, line, network
        self.caller: Caller | None = None
        """Who is known to be at the other end."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it off."""
        self.door.left(self)
        super().connection_lost(exc)


class Door:
    """Makes the protocol of each new connection, or cuts it."""

    def __init__(self, manager: web.Server, limits: Limits, tls: SSLContext | None = None) -> None:
        self._manager, self._limits, self._tls = manager, limits, tls
        self._by_network: Counter[str] = Counter()
        self._by_caller: Counter[str] = Counter()
        self._known: set[Connection] = set()
        self._strangers: dict[Connection, None] = {}
        """In the order in which they came."""
        self._handshakes: set[asyncio.Task[None]] = set()
        self.cut = 0
        """Connections that were not kept."""

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of a connection whose other end is not known yet."""
        return _Knock(self)

    def __len__(self) -> int:
        return len(self._known) + len(self._strangers)

    def opened(self, line: asyncio.Transport) -> None:
        """Keep a connection, or cut it."""
        network = _network(line)
        if self._by_network[network] >= self._limits.per_address:
            return self._cut(line)
        if len(self) >= self._limits.connections:
            if not self._strangers:
                return self._cut(line)
            oldest = next(iter(self._strangers))
            self.left(oldest)
            self._cut(oldest.line)
        connection = Connection(
            self,
            line,
            network,
            self._manager,
            loop=asyncio.get_running_loop(),
            access_log=None,
            keepalive_timeout=self._limits.idle_s,
            lingering_time=0.25,
            auto_decompress=False,
        )
        self._by_network[network] += 1
        self._strangers[connection] = None
        if self._tls is None:
            line.set_protocol(connection)
            connection.connection_made(line)
        else:
            shaking = asyncio.create_task(self._shake_hands(connection, self._tls))
            self._handshakes.add(shaking)
            shaking.add_done_callback(self._handshakes.discard)

    def trust(self, connection: Connection, caller: Caller) -> None:
        """Note whose request came from there, if there is room among those that are known."""
        if connection not in self._strangers or self._by_caller[caller.hotkey] >= self._limits.per_caller:
            return
        if len(self._known) >= self._limits.connections * KNOWN:
            poorest = min(self._known, key=_stake)
            if _stake(poorest) >= caller.stake:
                return
            self._forget(poorest)
            self._strangers[poorest] = None
        del self._strangers[connection]
        connection.caller = caller
        self._by_caller[caller.hotkey] += 1
        self._known.add(connection)

    def left(self, connection: Connection) -> None:
        """Count a connection off, once."""
        if connection in self._known:
            self._forget(connection)
        elif connection in self._strangers:
            del self._strangers[connection]
        else:
            return
        _count_off(self._by_network, connection.network)

    async def close(self) -> None:
        """End the handshakes that are under way."""
        for shaking in (under_way := [*self._handshakes]):
            shaking.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _shake_hands(self, connection: Connection, tls: SSLContext) -> None:
        early = _Early()
        secured: asyncio.Transport | None = None
        with suppress(OSError):
            secured = await asyncio.get_running_loop().start_tls(
                connection.line, early, tls, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
        if secured is None or early.ended or connection not in self._strangers:
            self.left(connection)
            connection.line.abort()
            return
        secured.set_protocol(connection)
        connection.connection_made(secured)
        if early.came:
            connection.data_received(bytes(early.came))

    def _forget(self, connection: Connection) -> None:
        self._known.discard(connection)
        if connection.caller is not None:
            _count_off(self._by_caller, connection.caller.hotkey)
            connection.caller = None

    def _cut(self, line: asyncio.Transport) -> None:
        self.cut += 1
        line.abort()


class _Knock(asyncio.Protocol):
    """A connection until its address is known: cheaper to cut than one that HTTP has been set up for."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._door.opened(cast(asyncio.Transport, transport))


class _Early(asyncio.Protocol):
    """Keeps what comes between the end of a handshake and the moment when we hear of it."""

    def __init__(self) -> None:
        self.came = bytearray()
        self.ended = False

    def data_received(self, data: bytes) -> None:
        self.came += data

    def connection_lost(self, exc: BaseException | None) -> None:
        self.ended = True


def _network(line: asyncio.Transport) -> str:
    """Who is counted as one: an address, and of IPv6 the network that one line is given."""
    address = str((line.get_extra_info("peername") or ("",))[0]).partition("%")[0]
    if ":" not in address:
        return address
    mapped = IPv6Address(address).ipv4_mapped
    return str(mapped or ip_network((address, 64), strict=False))


def _stake(connection: Connection) -> float:
    return connection.caller.stake if connection.caller is not None else 0.0


def _count_off(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]
