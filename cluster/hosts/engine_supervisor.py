"""The engines of one host: opened together; an engine that dies is closed and reopened for the next query.

Queries in flight on a dead engine are lost here; the scheduler retries them and blames the miner that kills engines.
So an engine is never given up because it died too often, only because it repeatedly failed to open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cluster.text import safe_text
from miners import Engine

logger = logging.getLogger(__name__)

MAX_OPENINGS = 3
"""Attempts to open an engine that died, before it is given up."""


@dataclass(eq=False, slots=True)
class _EngineState:
    """One engine, and whether it can be used."""

    engine: Engine
    down: str = ""
    """Why it can't be used; empty while it can."""
    failures: int = 0
    """Failed attempts to open it since it last opened."""
    reopening: asyncio.Task[None] | None = None


class EngineSupervisor:
    """Opens, closes and reopens engines."""

    def __init__(self, engines: Iterable[Engine]) -> None:
        self._states = {engine.key: _EngineState(engine) for engine in engines}

    async def open(self) -> None:
        """Open all, one after another; if one fails, close the others and raise its error."""
        opened: list[Engine] = []
        try:
            for state in self._states.values():
                await state.engine.open()
                opened.append(state.engine)
        except BaseException:
            await close_all(opened)
            raise

    async def close(self) -> None:
        """Close all, even if some fail to close."""
        if tasks := {state.reopening for state in self._states.values() if state.reopening is not None}:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await close_all(state.engine for state in self._states.values())

    async def ready(self, keys: Iterable[str], timeout_s: float) -> str:
        """Reopen those of these engines that died; return why one is still down, empty if all are up."""
        down = [state for state in self._of(keys) if _is_down(state)]
        for state in down:
            if state.reopening is None and state.failures < MAX_OPENINGS:
                state.reopening = asyncio.create_task(self._reopen(state))
        if tasks := {state.reopening for state in down if state.reopening is not None}:
            await asyncio.wait(tasks, timeout=timeout_s)
        return next((state.down for state in down if state.down), "")

    def down(self, keys: Iterable[str]) -> str:
        """Return why one of these engines can't be used now; empty if all can."""
        return next((state.down for state in self._of(keys) if _is_down(state)), "")

    def opening(self, keys: Iterable[str]) -> bool:
        """Return whether one of these engines is reopening."""
        return any(state.reopening is not None for state in self._of(keys))

    def _of(self, keys: Iterable[str]) -> list[_EngineState]:
        return [self._states[key] for key in keys]

    async def _reopen(self, state: _EngineState) -> None:
        reason = state.down
        logger.warning("reopening an engine: %s", reason)
        try:
            await state.engine.close()
            await state.engine.open()
        except Exception as error:  # anything may keep an engine from opening
            state.failures += 1
            state.down = f"{reason}; it did not open again: {type(error).__name__}: {safe_text(error)}"
        else:
            state.down, state.failures = "", 0
        finally:
            state.reopening = None
        if state.failures == MAX_OPENINGS:
            logger.error("giving up an engine: %s", state.down)


class Closable(Protocol):
    """Anything that can be closed."""

    async def close(self) -> None:
        """End it."""


async def close_all(parts: Iterable[Closable]) -> None:
    """Close all at once, and log failures."""
    for error in await asyncio.gather(*(part.close() for part in parts), return_exceptions=True):
        if isinstance(error, BaseException):
            logger.warning("while closing: %s: %s", type(error).__name__, safe_text(error))


def _is_down(state: _EngineState) -> bool:
    if not state.down and state.engine.died:
        state.down = state.engine.died
    return bool(state.down)
