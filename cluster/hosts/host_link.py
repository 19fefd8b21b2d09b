"""A host link: how a pool reaches one host, wherever that runs."""

from __future__ import annotations

import os
import pickle
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from cluster.errors import HostDied, PoolError
from cluster.plan import Group
from cluster.text import safe_text
from miners import Pay
from subnets import Cost, Query, Response

from .host import Host

START_TIMEOUT_S = 300.0
"""Default time that a host has to start: enough to read a model of 60 GB from a slow disk and to compile it."""


class HostLink(Protocol):
    """A host as its pool sees it."""

    name: str

    @property
    def pid(self) -> int | None:
        """Process id on its machine; None while the host does not run."""

    async def start(self) -> None:
        """Place the host and open its engines; a host that died is restarted.

        Raises:
            PoolError: it can't be placed or started in time; the message has the reason. Close what is left of it.
        """

    def serve(self, uids: Sequence[int], packed: Any) -> AsyncIterator[tuple[Response, ...]]:
        """Give miners the query that the pool packed; yield responses as they come, in any order.

        Raises:
            HostDied: the host is gone; what it had not yet answered is lost.
        """

    async def baseline(self, uid: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run one miner alone.

        Raises:
            PoolError: the miner failed; the message has the reason.
            HostDied: the host is gone.
        """

    async def paid(self, pays: Sequence[Mapping[int, Pay]], *, again: bool) -> None:
        """Have the host notify its miners of their pay for each epoch, `again` if another host did so before.

        It takes as long as the miners' own code does: set a time limit, and close the host if it is exceeded. Without
        epochs it serves as a probe.

        Raises:
            HostDied: the host is gone.
        """

    async def cpu_s(self) -> float | None:
        """Return the CPU seconds of the host's process and its predecessors; None if it has no own process."""

    async def close(self) -> None:
        """End the host, by force if need be; it can be started again."""


class PackedQuery:
    """A query on its way to hosts on this machine, pickled once if any of them needs that."""

    def __init__(self, query: Query) -> None:
        self.query = query

    @cached_property
    def pickled(self) -> bytes:
        """The query for hosts in other processes."""
        return pickle.dumps(self.query, protocol=5)


class InProcess:
    """A host in this process, on this event loop."""

    def __init__(self, group: Group, number: int) -> None:
        self.name = group.host_names()[number]
        self._group = group
        self._host: Host | None = None

    @property
    def pid(self) -> int | None:
        """The id of this process."""
        return os.getpid()

    async def start(self) -> None:
        """Open the engines: own instances, as on any other host."""
        host = Host(self.name, pickle.loads(pickle.dumps(dict(self._group.miners))))
        try:
            await host.open()
        except Exception as error:
            raise PoolError(f"host {self.name}: {type(error).__name__}: {safe_text(error)}") from error
        self._host = host

    async def serve(self, uids: Sequence[int], packed: Any) -> AsyncIterator[tuple[Response, ...]]:
        """Serve on this event loop."""
        async for served in self._started.serve_all(uids, packed.query):
            yield served.responses

    async def baseline(self, uid: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run the miner on this event loop."""
        host = self._started
        try:
            return await host.baseline(uid, queries)
        except Exception as error:
            raise PoolError(f"miner {uid} alone: {type(error).__name__}: {safe_text(error)}") from error

    async def paid(self, pays: Sequence[Mapping[int, Pay]], *, again: bool) -> None:
        """Notify the miners on this event loop, which a miner that hangs blocks, as it can with a query."""
        self._started.paid(pays, again=again)

    async def cpu_s(self) -> float | None:
        """Return None: its work is part of this process's."""
        return None

    async def close(self) -> None:
        """Close the engines."""
        if self._host is not None:
            host, self._host = self._host, None
            await host.close()

    @property
    def _started(self) -> Host:
        if self._host is None:
            raise HostDied(f"host {self.name} is gone")
        return self._host


def not_ready(name: str, timeout_s: float) -> PoolError:
    """Return the error for a host that takes too long to start."""
    return PoolError(f"host {name} was not ready within {timeout_s:g} s; pool.start_timeout_s gives it longer")
