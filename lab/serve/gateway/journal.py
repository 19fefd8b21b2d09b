"""The journal: writes entries in groups, so that many requests at once share the cost of a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from lab.record.record import Draft


class Journal:
    """Writes to a record in order; each writer waits until its entries are durable."""

    def __init__(self, append: Callable[[Sequence[Draft]], Awaitable[None]]) -> None:
        self._append = append
        self._waiting: list[tuple[Draft, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, draft: Draft) -> None:
        """Write an entry, even if the caller is cancelled meanwhile; raises RecordError if it can't be written."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        await asyncio.shield(written)

    async def close(self) -> None:
        """Wait until everything is written."""
        if self._writer is not None:
            await self._writer

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                await self._append([draft for draft, _ in group])
            except Exception as error:
                for _, written in group:
                    written.set_exception(error)
                    written.exception()  # whoever waits gets it; nobody else needs to hear of it
            else:
                for _, written in group:
                    written.set_result(None)
