"""Addresses that an engine may call, and a transport that calls no others.

A host is resolved once for each connection, its addresses are checked, and the connection goes to a checked address.
Private, loopback and link-local networks, which hold metadata services and databases, are refused unless the host is
allowed by name. Redirects are not followed, and proxies from the environment are not used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Collection
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from miners.errors import APIError


@dataclass(slots=True)
class Traffic:
    """Bytes of one exchange, and the most that may be received."""

    sent_bytes: int = 0
    received_bytes: int = 0
    most_bytes: int = 10_000_000


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
ENDING_IN_IPV4 = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
"""Compatible, mapped, translated and NAT64 addresses: a packet may go on to the IPv4 address in their last 32 bits."""
LOCAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "fec0::/10", "3fff::/20", "5f00::/16")))
"""Special networks that some releases of Python call global."""

traffic: ContextVar[Traffic | None] = ContextVar("traffic", default=None)
"""Counter of the bytes that the running task sends and receives."""


def check_url(url: str) -> str:
    """Return the host of a base URL.

    Raises:
        ValueError: not an http or https URL, or one with a user name or password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{_plain(url)!r} is not a base URL; write http://HOST:PORT/v1 or https://HOST/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "base_url contains a user name or password; put the key in an environment variable, named by key_env"
        )
    if parts.query or parts.fragment:
        raise ValueError("base_url ends in ? or #; write the path alone")
    return parts.hostname


def _plain(url: str) -> str:
    """Remove the parts of a URL that may be secret."""
    return url.split("@")[-1].split("?")[0][:80]


def public(address: str) -> bool:
    """Return True if an address, and any IPv4 address embedded in it, is in no private, local or special network."""
    outer = ipaddress.ip_address(address.partition("%")[0])
    tunnelled = getattr(outer, "sixtofour", None)
    if tunnelled is not None:  # releases of Python disagree about the outer address
        return _global(tunnelled)
    if any(outer in network for network in ENDING_IN_IPV4):
        return _global(outer) and _global(ipaddress.IPv4Address(int(outer) & 0xFFFFFFFF))
    return _global(outer)


def _global(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in LOCAL)


async def resolve(host: str, port: int, private_hosts: Collection[str]) -> str:
    """Return an address of the host that may be called.

    Raises:
        APIError: it can't be resolved, or it is in a private network and not allowed by name.
    """
    try:
        entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise APIError(f"{host} can't be resolved: {error}") from None
    addresses = [str(entry[4][0]) for entry in entries]
    if host not in private_hosts and (refused := [address for address in addresses if not public(address)]):
        raise APIError(
            f"{host} is {refused[0]}, in a private network; "
            f'if that is intended, allow it by name: private_hosts = ["{host}"]'
        )
    # Loopback servers often listen on IPv4 only.
    return min(addresses, key=lambda address: ":" in address)


def guarded_client(private_hosts: Collection[str], *, stall_s: float, connections: int) -> Any:
    """Create an HTTP client that calls only allowed addresses; close it with `aclose`."""
    import httpx2

    class Counted(httpx2.AsyncByteStream):  # type: ignore[misc]
        """A body that is counted as it arrives and cut when it is too long."""

        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            counted = traffic.get()
            async for part in self._stream:
                if counted is not None:
                    counted.received_bytes += len(part)
                    if counted.received_bytes > counted.most_bytes:
                        raise APIError(f"the server sent more than {counted.most_bytes:,} bytes; the rest is not read")
                yield part

        async def aclose(self) -> None:
            await self._stream.aclose()

    class Guarded(httpx2.AsyncBaseTransport):  # type: ignore[misc]
        """Sends requests to checked addresses."""

        def __init__(self) -> None:
            limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
            self._inner = httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)

        async def handle_async_request(self, request: Any) -> Any:
            host = request.url.host
            port = request.url.port or (443 if request.url.scheme == "https" else 80)
            address = await resolve(host, port, private_hosts)
            request.url = request.url.copy_with(host=address)
            # The certificate must match the name, whatever the address.
            request.extensions = {**request.extensions, "sni_hostname": host}
            if (counted := traffic.get()) is not None:
                counted.sent_bytes += int(request.headers.get("content-length", 0))
            response = await self._inner.handle_async_request(request)
            # Bytes are counted as they arrive; decompressed, they could be a thousand times as many.
            if response.headers.get("content-encoding", "identity") != "identity":
                await response.aclose()
                raise APIError(f"{host} sent a compressed answer; only plain ones are accepted")
            response.stream = Counted(response.stream)
            # The client logs this phrase, in which a server may echo what it was sent.
            response.extensions.pop("reason_phrase", None)
            return response

        async def aclose(self) -> None:
            await self._inner.aclose()

    return httpx2.AsyncClient(
        transport=Guarded(),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(stall_s),
        headers={"Accept-Encoding": "identity"},
    )
