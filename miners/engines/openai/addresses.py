"""Addresses: which hosts an engine may call, and a transport that calls no other.

A host is resolved once for each connection, its addresses are checked, and the connection goes to the address that
was checked. Private, loopback and link-local networks, where metadata services and databases live, are refused
unless the host is allowed by name. Redirects and proxies of the environment are not followed.
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
    """Bytes of one exchange, and how many may be received."""

    sent_bytes: int = 0
    received_bytes: int = 0
    most_bytes: int = 10_000_000


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
ENDING_IN_IPV4 = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
"""Compatible, mapped, translated and NAT64 addresses: a packet may go on to the IPv4 address in their last 32 bits."""
LOCAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "fec0::/10")))
"""Special networks that some releases of Python call global."""

traffic: ContextVar[Traffic | None] = ContextVar("traffic", default=None)
"""Where the transport counts what the running task sends and receives."""


def check_url(url: str) -> str:
    """Return the host of a base URL.

    Raises:
        ValueError: it is no http or https URL, or holds a user name or password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{_plain(url)!r} is no base URL; write http://HOST:PORT/v1 or https://HOST/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "base_url holds a user name or password; put the key in an environment variable, named by key_env"
        )
    if parts.query or parts.fragment:
        raise ValueError("base_url ends in ? or #; write the path alone")
    return parts.hostname


def _plain(url: str) -> str:
    """Leave out what may be a secret."""
    return url.split("@")[-1].split("?")[0][:80]


def public(address: str) -> bool:
    """Whether an address, and the IPv4 address it may hold, belongs to no private, local or special network."""
    found = ipaddress.ip_address(address.partition("%")[0])
    held = getattr(found, "sixtofour", None)
    if any(found in network for network in ENDING_IN_IPV4):
        held = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return _global(found) and (held is None or _global(held))


def _global(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in LOCAL)


async def resolve(host: str, port: int, private_hosts: Collection[str]) -> str:
    """Return an address of the host that may be called.

    Raises:
        APIError: it can't be resolved, or lies in a private network and is not allowed by name.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise APIError(f"{host} can't be resolved: {error}") from None
    addresses = [str(entry[4][0]) for entry in found]
    if host not in private_hosts and (refused := [address for address in addresses if not public(address)]):
        raise APIError(
            f"{host} is {refused[0]}, in a private network; "
            f'if that is meant, allow it by name: private_hosts = ["{host}"]'
        )
    # Loopback servers are often bound to IPv4 alone.
    return min(addresses, key=lambda address: ":" in address)


def guarded_client(private_hosts: Collection[str], *, stall_s: float, connections: int) -> Any:
    """Make an HTTP client that calls only what may be called; close it with `aclose`."""
    import httpx2

    class Counted(httpx2.AsyncByteStream):  # type: ignore[misc]
        """A body that is counted as it comes, and cut when there is too much of it."""

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
            # The certificate must be that of the name, whatever address it was found at.
            request.extensions = {**request.extensions, "sni_hostname": host}
            if (counted := traffic.get()) is not None:
                counted.sent_bytes += int(request.headers.get("content-length", 0))
            response = await self._inner.handle_async_request(request)
            # What is counted below is what came; unpacked, it could be a thousand times as much.
            if response.headers.get("content-encoding", "identity") != "identity":
                await response.aclose()
                raise APIError(f"{host} sent an encoded answer; answers are sent as they are")
            response.stream = Counted(response.stream)
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
