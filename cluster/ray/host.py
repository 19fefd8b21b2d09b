"""Hosts on Ray."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cluster.cpu import process_cpu_s
from cluster.errors import HostDied, PoolError
from cluster.hosts.host import Host, Served
from cluster.hosts.host_link import not_ready
from cluster.hosts.validator_worker import Failure
from cluster.plan import Group
from cluster.text import safe_text
from miners import Miner, Pay
from subnets import Cost, Query, Response

from .actor import HEALTH_S, Actor, Shell, list_amounts
from .error_text import shorten
from .nodes import RayNodes

CLOSE_S = 20.0
"""Time that the engines of a living host have to close: vLLM takes up to 5 s each for end, sockets and processes."""
SPARE_CALLS = 64
"""Concurrent calls beyond a host's slots, for ended calls whose last responses are still on the way."""


class HostActor(Shell, Host):
    """A host as an actor."""

    def __init__(self, name: str, miners: Mapping[int, Miner], threads: int) -> None:
        super().__init__(name, miners, threads, owns_process=True)

    async def ready(self) -> Failure | None:
        """Open the engines."""
        try:
            await self.open()
        except Exception as error:
            return Failure(f"{type(error).__name__}: {safe_text(error)}")
        return None

    async def serve_one(self, uid: int, query: Query) -> Served:
        """Give one miner the query; a single reply costs half of what a stream does."""
        return Served((await self.serve(uid, query),), process_cpu_s())

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
        self, group: Group, number: int, before_s: Mapping[int, float], start_timeout_s: float, nodes: RayNodes
    ) -> None:
        super().__init__(group.host_names()[number], before_s, start_timeout_s)
        self._group = group
        self._nodes = nodes

    async def start(self) -> None:
        """Place the actor and open its engines."""
        from ray.exceptions import RayError

        group = self._group
        threads = max(1, int(group.cpus)) if group.cpus else 0
        arguments = (self.name, dict(group.miners), threads)
        options = self._nodes.options(self.name, group)
        timeout_s = self._start_timeout_s + self._nodes.wait_s
        self._nodes.require(self.name, group)
        async with self._nodes.reporting(f"{self.name} needs {list_amounts(group.needs, group.needs)}", timeout_s):
            await self.place(HostActor, arguments, group.slots + SPARE_CALLS, options, timeout_s)
        try:
            async with asyncio.timeout(self._start_timeout_s):
                failure = await self._handle.ready.remote()
        except TimeoutError:
            raise not_ready(self.name, self._start_timeout_s) from None
        except RayError as error:
            raise PoolError(f"host {self.name} died while it opened its engines: {shorten(error)}") from error
        if failure is not None:
            raise PoolError(f"host {self.name}: {failure.reason}")

    async def serve(self, uids: Sequence[int], packed: Any) -> AsyncIterator[tuple[Response, ...]]:
        """Serve in the actor; cancelling this cancels the miners' work."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        handle = self._placed()
        if len(uids) == 1:
            work = handle.serve_one.remote(uids[0], packed)
            references = _single(work)
        else:
            work = references = handle.serve_all.options(num_returns="streaming").remote(list(uids), packed)
        ended = False
        try:
            async for reference in references:
                served = await reference
                self.note_cpu(served.cpu_s)
                yield served.responses
            ended = True
        except RayTaskError as error:  # raised in the actor: the host lives
            raise PoolError(f"host {self.name}: {shorten(error)}") from error
        except RayError as error:  # it died, Ray ended it for lack of memory, or its machine vanished with the answer
            ended = True
            raise HostDied(f"host {self.name} died with the query in flight: {shorten(error)}") from error
        finally:
            if not ended:
                with suppress(Exception):  # the host may have died, or answered, in between
                    ray.cancel(work)

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


async def _single(reference: Any) -> AsyncIterator[Any]:
    """Yield one reference, as a stream does."""
    yield reference
