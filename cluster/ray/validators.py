"""Validators on Ray."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cluster.errors import NoRoom, PoolError
from cluster.hosts.validator_worker import ValidatorWorker

from .actor import Actor, Shell
from .error_text import shorten

logger = logging.getLogger(__name__)


class ValidatorActor(Shell, ValidatorWorker):
    """A validator worker as an actor."""


class RayValidators(Actor):
    """A validator worker on Ray, seen from the driver."""

    def __init__(self, name: str, arguments: tuple[Any, ...], before_s: Mapping[int, float], timeout_s: float) -> None:
        super().__init__(name, before_s, timeout_s)
        self._arguments = arguments
        self._placing = asyncio.Lock()

    async def start(self) -> None:
        """Place the actor and let its graders load what they need, however long that takes."""
        await self._ready()

    async def leave(self, node: str) -> None:
        """Move to another machine once the current call is done; later calls wait for the move."""
        from ray.exceptions import RayError

        async with self._placing:
            if self.node != node:
                return
            with suppress(RayError):  # it died while working; it is replaced anyway
                await self._handle.process.remote()  # answers last: the actor runs one call at a time
            await self.end()
        try:
            await self._ready()
        except PoolError as error:
            logger.warning("%s; the next call tries again", error)

    async def ask(self, method: str, *arguments: Any, restarts: int) -> Any:
        """Call a method; an actor that dies is replaced and asked again, since its work has no side effects.

        Raises:
            NoRoom: it was not placed in time.
            PoolError: it died more than `restarts` times.
        """
        from ray.exceptions import RayError, RayTaskError

        for attempt in range(restarts + 1):
            try:
                handle = await self._ready()
            except NoRoom:
                raise
            except PoolError as error:  # placed on a machine that was gone before Ray noticed
                if attempt == restarts:
                    raise
                logger.warning("%s; placing it again", error)
                continue
            try:
                return await getattr(handle, method).remote(*arguments)
            except RayTaskError as error:
                raise PoolError(f"{self.name} failed in {method}: {shorten(error)}") from error
            except RayError as error:
                logger.warning("%s died in %s: %s", self.name, method, shorten(error))
                if attempt == restarts:
                    raise PoolError(f"{self.name} died {attempt + 1} times in {method}: {shorten(error)}") from error
                async with self._placing:
                    if self._handle is handle:
                        await self.end()
        raise AssertionError

    async def _ready(self) -> Any:
        """Return the actor, placed and warm."""
        from ray.exceptions import RayError

        async with self._placing:
            if self._handle is None:
                options = {"num_cpus": 0.0, "num_gpus": 0.0}
                await self.place(ValidatorActor, self._arguments, 1, options, self._start_timeout_s)
                handle: Any = self._handle
                try:
                    await handle.warm.remote()
                except RayError as error:
                    await self.end()
                    raise PoolError(f"{self.name} failed to warm up: {shorten(error)}") from error
            return self._handle
