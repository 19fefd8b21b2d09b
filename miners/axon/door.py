"""The door: which connections are kept open.

Each address may have a limited number of connections. A connection is known once a request of a registered caller was
admitted over it. Known connections are limited for each caller and in total, and those with less stake give way. All
others are strangers: when there are too many connections, the oldest stranger is cut, so that a crowd can't shut out
callers that can sign.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import IPv6Address, ip_network
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from subnets import Caller

from .limits import Limits, Rate
from .protocol import JSON, STATUS, Code, Denial

if TYPE_CHECKING:
    from ssl import SSLContext

KNOWN = 7 / 8
"""Largest share of connections that may be known; the rest is left for callers not yet identified."""
HANDSHAKE_S = 5.0
LOGS, LOGS_BURST = 0.1, 5
"""Exceptions to log per second on average, and in a burst."""


class Connection(web.RequestHandler):
    """One connection."""

    def __init__(
        self, door: Door, transport: asyncio.Transport, network: str, manager: web.Server, **options: Any
    ) -> None:
        super().__init__(manager, **options)
        self.door, self.link, self.network = door, transport, network
        self.caller: Caller | None = None
        """The caller at the other end, once known."""
        self.malformed = False
        """True once the other end has sent something other than HTTP."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """Report the closed connection to the door."""
        self.door.closed(self)
        super().connection_lost(exc)

    def _make_error_handler(self, err_info: object) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        """Let the axon refuse malformed HTTP, within its limits; aiohttp would answer and log each one."""
        assert self._request_handler is not None
        self.malformed = True
        return self._request_handler

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that failed here without revealing the library."""
        self.log_exception("a request failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer is already on its way")
        code = Code.TIMEOUT if status == STATUS[Code.TIMEOUT] else Code.FAILED
        body = Denial(error=code, reason="the server failed").body()
        reply = web.Response(body=body, status=STATUS[code], content_type=JSON, headers={"Server": "subnetlab"})
        reply.force_close()
        return reply

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log an exception, unless there were too many."""
        if self.door.logs.take(""):
            super().log_exception(*args, **kw)


class Door:
    """Creates the protocol of each new connection, or cuts it."""

    def __init__(self, manager: web.Server, limits: Limits, tls: SSLContext | None = None) -> None:
        self._manager, self._limits, self._tls = manager, limits, tls
        self._by_network: Counter[str] = Counter()
        self._by_caller: Counter[str] = Counter()
        self._known: set[Connection] = set()
        self._strangers: dict[Connection, None] = {}
        """Unknown connections, oldest first; a dict because it keeps their order."""
        self._handshakes: set[asyncio.Task[None]] = set()
        self.logs = Rate(LOGS, LOGS_BURST)
        self.cut = 0
        """Number of connections that were cut."""

    def __call__(self) -> asyncio.Protocol:
        """Create the protocol of a connection whose address is not known yet."""
        return _Knock(self)

    def __len__(self) -> int:
        return len(self._known) + len(self._strangers)

    def opened(self, transport: asyncio.Transport) -> None:
        """Keep a connection, or cut it."""
        network = _network(transport)
        if self._by_network[network] >= self._limits.per_address:
            return self._cut(transport)
        if len(self) >= self._limits.connections:
            if not self._strangers:
                return self._cut(transport)
            oldest = next(iter(self._strangers))
            self.closed(oldest)
            self._cut(oldest.link)
        connection = Connection(
            self,
            transport,
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
            transport.set_protocol(connection)
            connection.connection_made(transport)
        else:
            handshake = asyncio.create_task(self._shake_hands(connection, self._tls))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshakes.discard)

    def trust(self, connection: Connection, caller: Caller) -> None:
        """Mark a connection as its caller's, if there is room for another known one."""
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

    def closed(self, connection: Connection) -> None:
        """Forget a closed connection; further calls do nothing."""
        if connection in self._known:
            self._forget(connection)
        elif connection in self._strangers:
            del self._strangers[connection]
        else:
            return
        _count_off(self._by_network, connection.network)

    async def close(self) -> None:
        """Cancel the handshakes in progress."""
        handshakes = [*self._handshakes]
        for handshake in handshakes:
            handshake.cancel()
        await asyncio.gather(*handshakes, return_exceptions=True)

    async def _shake_hands(self, connection: Connection, tls: SSLContext) -> None:
        early = _Early()
        secured: asyncio.Transport | None = None
        with suppress(OSError):
            secured = await asyncio.get_running_loop().start_tls(
                connection.link, early, tls, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
        if secured is None or early.ended or connection not in self._strangers:
            self.closed(connection)
            connection.link.abort()
            return
        secured.set_protocol(connection)
        connection.connection_made(secured)
        if early.data:
            connection.data_received(bytes(early.data))

    def _forget(self, connection: Connection) -> None:
        self._known.discard(connection)
        if connection.caller is not None:
            _count_off(self._by_caller, connection.caller.hotkey)
            connection.caller = None

    def _cut(self, transport: asyncio.Transport) -> None:
        self.cut += 1
        transport.abort()


class _Knock(asyncio.Protocol):
    """A connection until its address is known; cheaper to cut than one with HTTP set up."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._door.opened(cast(asyncio.Transport, transport))


class _Early(asyncio.Protocol):
    """Buffers data that arrives between the end of a handshake and the moment that we notice it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.ended = False

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: BaseException | None) -> None:
        self.ended = True


def _network(transport: asyncio.Transport) -> str:
    """Return the key by which connections are limited: an IPv4 address, or the IPv6 network that one customer gets."""
    address = str((transport.get_extra_info("peername") or ("",))[0]).partition("%")[0]
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
