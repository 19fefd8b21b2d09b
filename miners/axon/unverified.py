"""Bodies that are read before their sender is known, where a signature can't be verified without them.

Anybody may send one in a validator's name, so they take no room from callers that are known: there is a fixed number of
them, and when it is reached, the oldest of the address that sends most is dropped.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from .protocol import Code, Refusal


class UnverifiedBodies:
    """Reads up to `room` bodies at once."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._reading: dict[asyncio.Task[bytes], str] = {}
        """Networks by reading, oldest first; a dict because it keeps their order."""
        self._dropped: set[asyncio.Task[bytes]] = set()

    def __len__(self) -> int:
        return len(self._reading)

    async def read(self, network: str, body: Coroutine[Any, Any, bytes]) -> bytes:
        """Read a body; raises Refusal if it has to give way to a later one."""
        if len(self._reading) >= self._room:
            ((crowd, _),) = Counter(self._reading.values()).most_common(1)
            oldest = next(task for task, sender in self._reading.items() if sender == crowd)
            del self._reading[oldest]
            self._dropped.add(oldest)
            oldest.cancel()
        task = asyncio.ensure_future(body)
        self._reading[task] = network
        try:
            return await task
        except asyncio.CancelledError:
            if task not in self._dropped:
                raise
            raise Refusal(Code.BUSY, "too many requests arrive at once, most of them from here") from None
        finally:
            self._reading.pop(task, None)
            self._dropped.discard(task)
            if not task.done():
                task.cancel()
