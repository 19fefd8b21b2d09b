"""A turn: one miner's work on one query, with the time and the CPU that it takes.

Miners of a host share its event loop. Each step of a miner's work notes how long it held the loop, so that the time
that others took can be separated from a miner's own. Tasks that a miner starts belong to its turn too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter, thread_time
from typing import Any

from cluster.text import safe_text
from subnets import Cost, Meter, Query


@dataclass(slots=True)
class LoopUse:
    """Time for which the miners of a host have held its event loop, since the host started."""

    held_s: float = 0.0


@dataclass(slots=True)
class Turn:
    """One miner's work on one query."""

    uid: int
    query: Query
    loop_use: LoopUse
    meter: Meter
    started: float
    """When the miner was given the query."""
    others_before_s: float
    """Time for which other miners had held the event loop by then."""
    ended: float | None = None
    others_s: float = 0.0
    """Time for which other miners held the event loop between `started` and `ended`."""
    held_s: float = 0.0
    """Time for which this miner held the event loop."""
    borrowed_s: float = 0.0
    """Time that a victim had already spent on an answer that was overheard."""

    def begin(self) -> None:
        """Start the clock."""
        self.started, self.others_before_s = perf_counter(), self.loop_use.held_s - self.held_s

    def stop(self) -> None:
        """Stop the clock; if it is stopped twice, the second stop counts."""
        self.ended = None
        self.others_s, self.ended = self.held_by_others_s(), perf_counter()

    def elapsed_s(self) -> float:
        """Return the time since the start, or until the turn ended."""
        return (self.ended or perf_counter()) - self.started

    def held_by_others_s(self) -> float:
        """Return how long other miners have held the event loop in this turn."""
        if self.ended is not None:
            return self.others_s
        return self.loop_use.held_s - self.held_s - self.others_before_s

    def left_s(self) -> float:
        """Return the time that the turn has left, or had left when it ended; negative once it is late.

        Time that others took is given back, up to one timeout, so that a caller knows when to give up on a host.
        """
        credit_s = min(self.held_by_others_s(), self.query.timeout_s)
        return self.query.timeout_s + credit_s - self.elapsed_s()


current_turn: ContextVar[Turn | None] = ContextVar("current_turn", default=None)
"""The turn that this code, and every task started by it, belongs to."""


class Steps(Coroutine[Any, Any, Any]):
    """The work of a task in a turn; times how long its steps hold the event loop, and meters them unless `metered`."""

    def __init__(self, turn: Turn, work: Coroutine[Any, Any, Any], *, metered: bool) -> None:
        self._turn, self._work, self._metered = turn, work, metered

    def send(self, value: Any) -> Any:
        """Take the next step."""
        return self._step(lambda: self._work.send(value))

    def throw(self, *error: Any) -> Any:
        """Take the next step with an error."""
        return self._step(lambda: self._work.throw(*error))

    def close(self) -> None:
        """End the work."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise TypeError("the work of a task can't be awaited by itself")

    def _step(self, step: Callable[[], Any]) -> Any:
        cpu_s, started = thread_time(), perf_counter()
        try:
            return step()
        except (SystemExit, KeyboardInterrupt) as error:  # raised in a miner's task, it would end the host
            raise RuntimeError(f"{type(error).__name__}: {safe_text(error)}") from error
        finally:
            held_s = perf_counter() - started
            self._turn.held_s += held_s
            self._turn.loop_use.held_s += held_s
            if not self._metered:
                self._turn.meter.cost += Cost(cpu_s=thread_time() - cpu_s)


def create_task_in_turn(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """Create a task, as a task factory; within a turn its steps count as that turn's."""
    turn = current_turn.get()
    return asyncio.Task(work if turn is None else Steps(turn, work, metered=False), loop=loop, **options)
