"""Guests: what works beside the rounds of a run, with the same pool and record, such as a gateway for customers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from cluster import Pool
from lab.config.run_config import RunConfig
from lab.record.record import Draft, RunRecord

from .customers.choice import Standing
from .economy import Economy


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run whose pool is started, as its guest sees it."""

    config: RunConfig
    record: RunRecord
    pool: Pool
    economy: Economy
    session: int
    """Number of this part of the run, from 0; each resumption begins another."""
    append: Callable[[Sequence[Draft]], Awaitable[None]]
    """Writes entries, all in one transaction."""
    standing: Callable[[], Standing]
    """Returns what the last completed epoch says of the miners."""


class Guest(ABC):
    """Works beside a run."""

    @abstractmethod
    def visit(self, run: OpenRun) -> AbstractAsyncContextManager[None]:
        """Work from before the first round until the run ends or is stopped."""

    @abstractmethod
    async def stay(self) -> None:
        """Keep the run's pool open after its last epoch, until this returns."""
