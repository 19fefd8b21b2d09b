"""A link: how a pool reaches one host, wherever that runs."""

from __future__ import annotations

import os
import pickle
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from cluster.errors import HostDied, PoolError
from cluster.plan import Group
from cluster.said import plain
from miners import Pay
from subnets import Cost, Query, Response

from .host import Host

START_TIMEOUT_S = 300.0
"""What a host may take to start where nobody says: a model of 60 GB is read from a slow disk and compiled meanwhile."""


class HostLink(Protocol):
    """A host as its pool sees it."""

    name: str

    @property
    def pid(self) -> int | None:
        """Its process, wherever that runs; None where there is none now."""

    async def start(self) -> None:
        """Place the host and open its engines, anew where it had died.

        Raises:
            PoolError: it can't be placed or started in time; the message has the reason. Close what is left of it.
        """

    def serve(self, uids: Sequence[int], parcel: Any) -> AsyncIterator[tuple[Response, ...]]:
        """Give miners the query in `parcel` (as the pool packed it); yield responses as they come, in any order.

        Raises:
            HostDied: the host is gone; what it had not yet answered is lost.
        """

    async def bare(self, uid: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run one miner alone; raises PoolError with the reason where it fails, HostDied where the host is gone."""

    async def paid(self, pays: Sequence[Mapping[int, Pay]], *, again: bool) -> None:
        """Tell the host's miners what epochs brought them, `again` where another host did; raises HostDied.

        It takes as long as the miners' own code does: bound it, and close the host where it takes too long. Of no
        epochs it is a sign of life.
        """

    async def cpu_s(self) -> float | None:
        """CPU seconds of the host's process, of earlier ones in its place too; None where it has none of its own."""

    async def close(self) -> None:
        """End the host, by force if need be; it can be started again."""


class PackedQuery:
    """A query on its way to hosts on this machine; pickled once, if any of them needs that."""

    def __init__(self, query: Query) -> None:
        self.query = query

    @cached_property
    def pickled(self) -> bytes:
        """For hosts in other processes."""
        return pickle.dumps(self.query, protocol=5)


class InProcess:
    """A host in this process, on this event loop."""

    def __init__(self, group: Group, number: int) -> None:
        self.name = f"{group.name}-{number}" if group.hosts > 1 else group.name
        self._group = group
        self._host: Host | None = None

    @property
    def pid(self) -> int | None:
        """The driver's own."""
        return os.getpid()

    async def start(self) -> None:
        """Open the engines: instances of its own, as on any other host."""
        host = Host(self.name, pickle.loads(pickle.dumps(dict(self._group.miners))))
        try:
            await host.open()
        except Exception as error:
            raise PoolError(f"host {self.name}: {type(error).__name__}: {plain(error)}") from error
        self._host = host

    async def serve(self, uids: Sequence[int], parcel: Any) -> AsyncIterator[tuple[Response, ...]]:
        """Serve here."""
        async for served in self._started.serve_all(uids, parcel.query):
            yield served.responses

    async def bare(self, uid: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run here."""
        host = self._started
        try:
            return await host.bare(uid, queries)
        except Exception as error:
            raise PoolError(f"miner {uid} alone: {type(error).__name__}: {plain(error)}") from error

    async def paid(self, pays: Sequence[Mapping[int, Pay]], *, again: bool) -> None:
        """Tell them here, in this event loop's turn: a miner that hangs holds it, as at a query."""
        self._started.paid(pays, again=again)

    async def cpu_s(self) -> float | None:
        """None: its work is part of this process's."""
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
    """Say that a host takes too long to start."""
    return PoolError(f"host {name} was not ready within {timeout_s:g} s; pool.start_timeout_s gives it longer")
