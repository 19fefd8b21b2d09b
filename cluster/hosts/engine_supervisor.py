"""The engines of one host: opened together; one that dies is closed and opened again, for the next query.

What was in flight on a dead engine is lost here; the scheduler asks it again and charges the miner that an engine
dies of, so no number of deaths gives an engine up. One that does not open again and again is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cluster.said import plain
from miners import Engine

logger = logging.getLogger(__name__)

MAX_OPENINGS = 3
"""Attempts to open an engine that died, before it is given up."""


@dataclass(eq=False, slots=True)
class _Place:
    """One engine, and how it is."""

    engine: Engine
    down: str = ""
    """Why it can't be used; empty while it can."""
    failures: int = 0
    """To open, since it last did."""
    revival: asyncio.Task[None] | None = None


class Engines:
    """Opens, closes and revives."""

    def __init__(self, engines: Iterable[Engine]) -> None:
        self._places = {engine.key: _Place(engine) for engine in engines}

    async def open(self) -> None:
        """Open all, one after another; where one fails, close the others and raise what it raised."""
        opened: list[Engine] = []
        try:
            for place in self._places.values():
                await place.engine.open()
                opened.append(place.engine)
        except BaseException:
            await close_all(opened)
            raise

    async def close(self) -> None:
        """Close all, those that come after one that fails at it too."""
        if revivals := {place.revival for place in self._places.values() if place.revival is not None}:
            for revival in revivals:
                revival.cancel()
            await asyncio.wait(revivals)
        await close_all(place.engine for place in self._places.values())

    async def ready(self, keys: Iterable[str], patience_s: float) -> str:
        """Open those of these engines again that died; return why one is still down, empty where all live."""
        down = [place for place in self._of(keys) if _is_down(place)]
        for place in down:
            if place.revival is None and place.failures < MAX_OPENINGS:
                place.revival = asyncio.create_task(self._revive(place))
        if revivals := {place.revival for place in down if place.revival is not None}:
            await asyncio.wait(revivals, timeout=patience_s)
        return next((place.down for place in down if place.down), "")

    def down(self, keys: Iterable[str]) -> str:
        """Say why one of these engines can't be used now; empty where all can."""
        return next((place.down for place in self._of(keys) if _is_down(place)), "")

    def opening(self, keys: Iterable[str]) -> bool:
        """Whether one of these engines is being opened again."""
        return any(place.revival is not None for place in self._of(keys))

    def _of(self, keys: Iterable[str]) -> list[_Place]:
        return [self._places[key] for key in keys]

    async def _revive(self, place: _Place) -> None:
        reason = place.down
        logger.warning("an engine is opened again: %s", reason)
        try:
            await place.engine.close()
            await place.engine.open()
        except Exception as error:  # whatever keeps it from opening, it is tried again or given up
            place.failures += 1
            place.down = f"{reason}; it did not open again: {type(error).__name__}: {plain(error)}"
        else:
            place.down, place.failures = "", 0
        finally:
            place.revival = None
        if place.failures == MAX_OPENINGS:
            logger.error("an engine is given up: %s", place.down)


class Closable(Protocol):
    """Whatever can be closed."""

    async def close(self) -> None:
        """End it."""


async def close_all(parts: Iterable[Closable]) -> None:
    """Close all at once, and log what fails at it."""
    for error in await asyncio.gather(*(part.close() for part in parts), return_exceptions=True):
        if isinstance(error, BaseException):
            logger.warning("while closing: %s: %s", type(error).__name__, plain(error))


def _is_down(place: _Place) -> bool:
    if not place.down and place.engine.died:
        place.down = place.engine.died
    return bool(place.down)
