"""A host port: where a host takes queries from its relay and answers them.

A host with one slot serves its calls one after another, in the order of their arrival, so that the next query is at
hand when one ends. Every answer is sent before the next query of the call begins.
"""

from __future__ import annotations

import asyncio
import pickle
import ssl
from collections.abc import AsyncIterator, Sequence

from cluster.cpu import process_cpu_s
from cluster.hosts.host import Host, Served
from cluster.text import safe_text
from subnets import Query

from .channel import Address, Channel
from .messages import Answers, Body, Cancel, Failed, Forget, HostMessage, Serve


class HostPort:
    """Serves a host's miners over one connection to a relay; when it ends, all work is cancelled."""

    def __init__(self, host: Host, *, in_turn: bool) -> None:
        self._host = host
        self._in_turn = asyncio.Lock() if in_turn else None
        self._queries: dict[int, Query] = {}
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._channel = Channel(self._receive, self.close)

    async def connect(self, address: Address, number: int, secret: bytes, tls: ssl.SSLContext | None = None) -> None:
        """Connect to the relay; raises OSError if that fails."""
        await self._channel.connect(address, number, secret, tls)
        self._number = number

    def close(self) -> None:
        """Cancel all work and leave."""
        for task in self._calls.values():
            task.cancel()
        self._channel.close()

    def _receive(self, message: HostMessage) -> None:
        match message:
            case Body(query, pickled):
                self._queries[query] = pickle.loads(pickled)
            case Forget(query):
                self._queries.pop(query, None)
            case Serve(_, call, query, uids):
                task = asyncio.create_task(self._serve(call, uids, self._queries[query]))
                self._calls[call] = task
                task.add_done_callback(lambda _: self._calls.pop(call, None))
            case Cancel(_, call):
                if (running := self._calls.get(call)) is not None:
                    running.cancel()

    async def _serve(self, call: int, uids: Sequence[int], query: Query) -> None:
        left = len(uids)
        try:
            async for served in self._served(uids, query):
                left -= len(served.responses)
                packed = pickle.dumps(served.responses, protocol=5)
                self._channel.send(Answers(self._number, call, packed, served.cpu_s, left == 0))
        except Exception as error:
            self._channel.send(Failed(self._number, call, f"{type(error).__name__}: {safe_text(error)}"))

    async def _served(self, uids: Sequence[int], query: Query) -> AsyncIterator[Served]:
        if self._in_turn is not None:
            async with self._in_turn:
                for uid in uids:
                    yield await self._serve_one(uid, query)
        elif len(uids) == 1:
            yield await self._serve_one(uids[0], query)
        else:
            async for served in self._host.serve_all(uids, query):
                yield served

    async def _serve_one(self, uid: int, query: Query) -> Served:
        return Served((await self._host.serve(uid, query),), process_cpu_s())
