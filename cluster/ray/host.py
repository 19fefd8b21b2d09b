"""Hosts on Ray."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cluster.errors import HostDied, PoolError
from cluster.hosts.host import Host
from cluster.hosts.host_link import not_ready
from cluster.hosts.validator_worker import Failure
from cluster.plan import Group
from cluster.relays.channel import Address
from cluster.relays.host_port import HostPort
from cluster.relays.messages import Expect
from cluster.relays.relay_client import NumberedQuery, RelayClient, RelayLost
from cluster.text import safe_text
from miners import Miner, Pay
from subnets import Cost, Query, Response

from .actor import HEALTH_S, Actor, Shell, list_amounts
from .error_text import shorten
from .nodes import RayNodes
from .relays import RayRelays, tls_of_member

logger = logging.getLogger(__name__)

CLOSE_S = 20.0
"""Time that the engines of a living host have to close: vLLM takes up to 5 s each for end, sockets and processes."""
CALLS = 16
"""Concurrent calls of an actor through Ray. Queries come through its relay."""
MAX_RELAYS = 4
"""Relays that one call may use, each after the death of the one before, until the host counts as lost."""


class HostActor(Shell, Host):
    """A host as an actor."""

    def __init__(self, name: str, miners: Mapping[int, Miner], threads: int) -> None:
        super().__init__(name, miners, threads, owns_process=True)
        self._port: HostPort | None = None

    async def ready(self) -> Failure | None:
        """Open the engines."""
        try:
            await self.open()
        except Exception as error:
            return Failure(f"{type(error).__name__}: {safe_text(error)}")
        return None

    async def attach(self, address: Address, expected: Expect, in_turn: bool) -> Failure | None:
        """Take queries from a relay; what came from an earlier one is cancelled."""
        if self._port is not None:
            self._port.close()
        self._port = HostPort(self, in_turn=in_turn)
        try:
            await self._port.connect(address, expected.host, expected.secret, tls_of_member())
        except OSError as error:
            return Failure(f"{type(error).__name__}: {safe_text(error)}")
        return None

    async def baseline_or_failure(self, uid: int, queries: Sequence[Query]) -> list[Cost | None] | Failure:
        """Run one miner alone."""
        try:
            return await self.baseline(uid, queries)
        except Exception as error:
            return Failure(f"miner {uid} alone: {type(error).__name__}: {safe_text(error)}")

    def __repr__(self) -> str:
        return f"host {self.name}"


class RayHost(Actor):
    """The link to a host on Ray."""

    def __init__(
        self,
        group: Group,
        number: int,
        before_s: Mapping[int, float],
        start_timeout_s: float,
        nodes: RayNodes,
        relays: RayRelays,
    ) -> None:
        super().__init__(group.host_names()[number], before_s, start_timeout_s)
        self._group = group
        self._nodes = nodes
        self._relays = relays
        self._relay: RelayClient | None = None
        self._number = 0
        """The host's number on its relay."""
        self._attaching = asyncio.Lock()

    async def start(self) -> None:
        """Place the actor, open its engines, and attach it to the relay of its machine."""
        from ray.exceptions import RayError

        group = self._group
        threads = max(1, int(group.cpus)) if group.cpus else 0
        arguments = (self.name, dict(group.miners), threads)
        options = self._nodes.options(self.name, group)
        timeout_s = self._start_timeout_s + self._nodes.wait_s
        self._nodes.require(self.name, group)
        async with self._nodes.reporting(f"{self.name} needs {list_amounts(group.needs, group.needs)}", timeout_s):
            await self.place(HostActor, arguments, CALLS, options, timeout_s)
        try:
            async with asyncio.timeout(self._start_timeout_s):
                failure = await self._handle.ready.remote()
        except TimeoutError:
            raise not_ready(self.name, self._start_timeout_s) from None
        except RayError as error:
            raise PoolError(f"host {self.name} died while it opened its engines: {shorten(error)}") from error
        if failure is not None:
            raise PoolError(f"host {self.name}: {failure.reason}")
        self._relay = None
        await self._attach(None)

    async def _attach(self, lost: RelayClient | None) -> None:
        """Attach the actor to a relay, unless another call has already replaced the one that is lost.

        Raises:
            PoolError: there is no relay, or the host can't reach it.
        """
        from ray.exceptions import RayError

        async with self._attaching:
            if self._relay is not lost or self.node is None:
                return
            relay = await self._relays.on(self.node)
            try:
                expected = await relay.expect()
                failure = await self._placed().attach.remote(relay.address, expected, self._group.slots == 1)
            except RelayLost:
                raise PoolError(f"host {self.name}: its relay died") from None
            except RayError as error:
                raise PoolError(f"host {self.name} died before it was attached: {shorten(error)}") from error
            if failure is not None:
                raise PoolError(f"host {self.name} can't reach the relay at {relay.address}: {failure.reason}")
            self._relay, self._number = relay, expected.host

    async def serve(self, uids: Sequence[int], packed: NumberedQuery) -> AsyncIterator[tuple[Response, ...]]:
        """Serve in the actor; cancelling this cancels the miners' work. A relay that dies is replaced."""
        left = dict.fromkeys(uids)
        for _ in range(MAX_RELAYS):
            self._placed()
            relay = self._relay
            assert relay is not None
            try:
                async for served in relay.serve(self._number, list(left), packed):
                    self.note_cpu(served.cpu_s)
                    for response in served.responses:
                        left.pop(response.uid, None)
                    yield served.responses
                return
            except HostDied:
                raise HostDied(f"host {self.name} died with the query in flight: {await self._end_of_life()}") from None
            except PoolError as error:  # raised in the actor: the host lives
                raise PoolError(f"host {self.name}: {error}") from error
            except RelayLost:
                logger.warning("the relay of host %s died; its queries are sent again", self.name)
                await self._attach_again(relay)
        raise HostDied(f"host {self.name}: {MAX_RELAYS} relays died with the query in flight")

    async def _attach_again(self, lost: RelayClient) -> None:
        from ray.exceptions import RayError

        try:
            async with asyncio.timeout(HEALTH_S):
                await self.ask_health("process")  # its machine may be gone, and a relay would wait for it
            await self._attach(lost)
        except (PoolError, RayError, TimeoutError) as error:
            raise HostDied(f"host {self.name} was lost with its relay: {shorten(error)}") from error

    async def _end_of_life(self) -> str:
        """Return what Ray knows about the end of the actor."""
        from ray.exceptions import RayError

        try:
            async with asyncio.timeout(HEALTH_S):
                await self.ask_health("process")
        except (RayError, TimeoutError, HostDied) as error:
            return shorten(error)
        return "its connection ended"

    async def paid(self, pays: Sequence[Mapping[int, Pay]], *, again: bool) -> None:
        """Have the actor notify its miners."""
        from ray.exceptions import RayError

        try:
            await self._placed().paid.remote(pays, again=again)
        except RayError as error:
            raise HostDied(f"host {self.name}: {shorten(error)}") from error

    async def baseline(self, uid: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run the miner in the actor."""
        from ray.exceptions import RayError

        try:
            costs: list[Cost | None] | Failure
            costs = await self._placed().baseline_or_failure.remote(uid, list(queries))
        except RayError as error:
            raise HostDied(f"host {self.name}: {shorten(error)}") from error
        if isinstance(costs, Failure):
            raise PoolError(costs.reason)
        return costs

    async def close(self) -> None:
        """Close the engines, then kill the actor."""
        if self._handle is not None:
            with suppress(Exception):  # whatever state it is in, the kill follows
                async with asyncio.timeout(HEALTH_S) as timeout:
                    await self._handle.paid.remote((), again=False)  # answers if its event loop is free
                    timeout.reschedule(asyncio.get_running_loop().time() + CLOSE_S)
                    await self._handle.close.remote()
        await self.end()

    def _placed(self) -> Any:
        if self._handle is None:
            raise HostDied(f"host {self.name} is gone")
        return self._handle
