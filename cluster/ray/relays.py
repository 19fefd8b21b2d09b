"""Relays on Ray: one actor on each machine that has hosts."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
from collections.abc import Mapping, Set

from cluster.cpu import tree_cpu_s
from cluster.errors import PoolError
from cluster.relays.channel import Address
from cluster.relays.relay import Relay
from cluster.relays.relay_client import RelayClient

from .actor import Actor, Shell
from .error_text import shorten
from .nodes import NODE_ID

PLACEMENT_S = 60.0
"""Time in which a relay must have a process on its machine."""


class RelayActor(Shell):
    """A relay as an actor."""

    async def listen(self, secret: bytes) -> Address:
        """Listen for the driver and the hosts, on the address that Ray uses on this machine."""
        import ray

        node = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
        self._relay = Relay(secret)
        return await self._relay.listen(node, _tls(ssl.Purpose.CLIENT_AUTH))

    def cpu_s(self) -> float:
        """Return the CPU seconds of this process."""
        return tree_cpu_s(os.getpid())


class RayRelay(Actor):
    """One relay and its connection, seen from the driver."""

    client: RelayClient | None = None

    async def start(self, node: str) -> RelayClient:
        """Place the actor on a machine and connect to it.

        Raises:
            PoolError: it can't be placed or reached.
        """
        from ray.exceptions import RayError

        options = {"num_cpus": 0.0, "num_gpus": 0.0, "label_selector": {NODE_ID: node}}
        await self.place(RelayActor, (), 4, options, PLACEMENT_S)
        client, secret, address = RelayClient(), secrets.token_bytes(32), None
        try:
            address = await self._handle.listen.remote(secret)
            await client.connect(address, secret, tls_of_member())
        except RayError as error:
            await self.end()
            raise PoolError(f"{self.name} died while it started: {shorten(error)}") from error
        except OSError as error:
            await self.end()
            raise PoolError(
                f"{self.name} can't be reached at {address}: {shorten(error)}; open all ports between the machines"
            ) from error
        self.client = client
        return client

    async def close(self) -> None:
        """Leave the relay and end it; it can be started again."""
        client, self.client = self.client, None
        if client is not None:
            await client.close()
        await self.end()


class RayRelays:
    """The relays of one pool, started where and when they are needed."""

    def __init__(self, before_s: Mapping[int, float]) -> None:
        self._before_s = before_s
        self._by_node: dict[str, RayRelay] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def actors(self) -> list[RayRelay]:
        """Return all relays."""
        return list(self._by_node.values())

    async def on(self, node: str) -> RelayClient:
        """Return the connection to the relay of a machine; start it, or replace it if it died.

        Raises:
            PoolError: it can't be placed or reached.
        """
        async with self._locks.setdefault(node, asyncio.Lock()):
            relay = self._by_node.setdefault(node, RayRelay(f"relay-{len(self._by_node)}", self._before_s, PLACEMENT_S))
            if relay.client is None or not relay.client.is_open:
                await relay.close()
                await relay.start(node)
            assert relay.client is not None
            return relay.client

    async def leave(self, nodes: Set[str]) -> None:
        """End the relays of machines that need none any more; a machine that leaves waits for that."""
        for node in nodes & self._by_node.keys():
            async with self._locks[node]:
                await self._by_node[node].close()

    async def close(self) -> None:
        """End all relays."""
        for relay in self._by_node.values():
            await relay.close()


def tls_of_member() -> ssl.SSLContext | None:
    """Return how a member encrypts its connection to a relay; None if Ray uses no TLS."""
    return _tls(ssl.Purpose.SERVER_AUTH)


def _tls(purpose: ssl.Purpose) -> ssl.SSLContext | None:
    """Return a context with Ray's certificates, which both sides must have; Ray's name no machines."""
    if os.environ.get("RAY_USE_TLS", "0").lower() not in ("1", "true"):
        return None
    context = ssl.create_default_context(purpose, cafile=os.environ["RAY_TLS_CA_CERT"])
    context.load_cert_chain(os.environ["RAY_TLS_SERVER_CERT"], os.environ["RAY_TLS_SERVER_KEY"])
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    return context
