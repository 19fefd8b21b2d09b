"""The driver's connection to one relay, over which it calls the hosts of that machine."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import secrets
import ssl
import weakref
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from cluster.errors import HostDied, PoolError
from cluster.hosts.host import Served
from subnets import Query

from .channel import Address, Channel
from .messages import DRIVER, Answers, Body, Cancel, Expect, Expecting, Failed, Forget, Gone, Serve


class RelayLost(Exception):
    """The relay is gone; its hosts may live."""


class NumberedQuery:
    """A query on its way to the hosts, pickled once. When it is no longer used, the relays forget it."""

    _numbers = itertools.count()

    def __init__(self, query: Query) -> None:
        self.number = next(self._numbers)
        self._query = query
        self.holders: weakref.WeakSet[RelayClient] = weakref.WeakSet()
        """Relays that have it."""
        weakref.finalize(self, _forget, self.number, self.holders).atexit = False

    @cached_property
    def pickled(self) -> bytes:
        """The query as hosts receive it."""
        return pickle.dumps(self._query, protocol=5)


def _forget(number: int, holders: weakref.WeakSet[RelayClient]) -> None:
    for relay in holders:
        relay.forget_soon(number)


@dataclass(eq=False, slots=True)
class _Call:
    """A call of a host that has not ended."""

    host: int
    arrived: deque[Served] = field(default_factory=deque)
    ended: BaseException | None = None
    """Why nothing more comes; StopAsyncIteration if all is well."""
    news: asyncio.Future[None] | None = None
    """Set while somebody waits."""

    def add(self, served: Served | None, ended: BaseException | None = None) -> None:
        if served is not None:
            self.arrived.append(served)
        self.ended = self.ended or ended
        if self.news is not None and not self.news.done():
            self.news.set_result(None)


class RelayClient:
    """Calls hosts through their relay."""

    def __init__(self) -> None:
        self._channel = Channel(self._receive, self._lose)
        self._calls: dict[int, _Call] = {}
        self._call_numbers = itertools.count()
        self._host_numbers = itertools.count(DRIVER + 1)
        self._expecting: dict[int, asyncio.Future[None]] = {}
        self._gone: set[int] = set()

    @property
    def is_open(self) -> bool:
        """True until the relay is gone."""
        return self._channel.is_open

    async def connect(self, address: Address, secret: bytes, tls: ssl.SSLContext | None = None) -> None:
        """Connect as the relay's driver; raises OSError if that fails."""
        self._loop = asyncio.get_running_loop()
        await self._channel.connect(address, DRIVER, secret, tls)
        self.address = address

    async def close(self) -> None:
        """Leave; the relay ends, and its hosts cancel their work."""
        await self._channel.end()

    async def expect(self) -> Expect:
        """Announce a host; return what it has to know. Raises RelayLost if the relay is gone."""
        if not self.is_open:
            raise RelayLost
        announced = Expect(next(self._host_numbers), secrets.token_bytes(32))
        expecting = self._expecting[announced.host] = asyncio.get_running_loop().create_future()
        self._channel.send(announced)
        await expecting
        return announced

    def forget_soon(self, query: int) -> None:
        """Have the relay and its hosts drop a query; may be called from any thread, at any time."""
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self._channel.send, Forget(query))

    async def serve(self, host: int, uids: Sequence[int], query: NumberedQuery) -> AsyncIterator[Served]:
        """Have a host give miners a query; yield responses as they come.

        Raises:
            RelayLost: the relay is gone, and with it what the host had not yet answered.
            HostDied: the host is gone.
            PoolError: the host failed; it lives.
        """
        if not self.is_open:
            raise RelayLost
        if host in self._gone:
            raise HostDied("it is gone")
        if self not in query.holders:
            query.holders.add(self)
            self._channel.send(Body(query.number, query.pickled))
        number, call = next(self._call_numbers), _Call(host)
        self._calls[number] = call
        self._channel.send(Serve(host, number, query.number, tuple(uids)))
        try:
            while True:
                while call.arrived:
                    yield call.arrived.popleft()
                if call.ended is not None:
                    break
                call.news = asyncio.get_running_loop().create_future()
                await call.news
        finally:
            del self._calls[number]
            if call.ended is None:
                self._channel.send(Cancel(host, number))
        if not isinstance(call.ended, StopAsyncIteration):
            raise call.ended

    def _receive(self, message: object) -> None:
        match message:
            case Answers(host, number, responses, cpu_s, last):
                if (call := self._calls.get(number)) is not None:
                    try:
                        served = Served(pickle.loads(responses), cpu_s)
                    except Exception:  # its own code may have written anything; the other hosts go on
                        self._end_calls(host, "it sent an answer that can't be read")
                    else:
                        call.add(served, StopAsyncIteration() if last else None)
            case Failed(_, number, reason):
                if (call := self._calls.get(number)) is not None:
                    call.add(None, PoolError(reason))
            case Expecting(host):
                self._expecting.pop(host).set_result(None)
            case Gone(host):
                self._end_calls(host, "it died with the query in flight")

    def _end_calls(self, host: int, reason: str) -> None:
        """Take a host for dead."""
        self._gone.add(host)
        for call in self._calls.values():
            if call.host == host:
                call.add(None, HostDied(reason))

    def _lose(self) -> None:
        for call in self._calls.values():
            call.add(None, RelayLost())
        for expecting in self._expecting.values():
            expecting.set_exception(RelayLost())
