"""Cost: what a piece of work used, metered where it happens.

    with Meter() as meter:            # synchronous work in this thread
        make_page()
    await Meter().run(coroutine)      # a coroutine among others on one event loop

Work that runs elsewhere (a child process, another thread, a GPU engine shared by many) meters
itself and reports to whoever is paying, with `spend`.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Coroutine, Generator
from contextvars import ContextVar, Token
from dataclasses import dataclass, fields
from types import coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """Resources used. Costs add up field by field."""

    cpu_s: float = 0.0
    """Of the process and its children, user and system."""
    wall_s: float = 0.0
    gpu_s: float = 0.0
    """Seconds of one whole GPU; a shared one is split by tokens."""
    energy_j: float = 0.0
    """By the GPU's own counter; 0 where it has none."""
    input_tokens: int = 0
    output_tokens: int = 0
    """Counted with the model's own tokenizer."""
    sent_bytes: int = 0
    received_bytes: int = 0
    paid_usd: float = 0.0
    """Paid to an API. Prices of CPU and GPU time are the lab's to apply."""
    first_token_s: float = 0.0
    """Until a completion's first token was there, by its engine's clock; added up over completions like the rest."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __sub__(self, other: Cost) -> Cost:
        return Cost(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(self)))


def spend(cost: Cost) -> None:
    """Charge work done elsewhere to the meter that runs around this code; without one, to nobody.

    Raises:
        ValueError: an amount that nobody can have used; nothing is charged.
    """
    _check(cost)
    meter = _paying.get()
    if meter is not None:
        total = meter.cost + cost
        _check(total)  # amounts that are fine one by one can add up to infinity
        meter.cost = total


def _check(cost: Cost) -> None:
    for one in fields(cost):
        value, whole = getattr(cost, one.name), isinstance(one.default, int)
        # The range shuts out infinity and NaN too.
        if not isinstance(value, int if whole else int | float) or not 0 <= value <= sys.float_info.max:
            kind = "whole numbers" if whole else "finite numbers"
            raise ValueError(f"{one.name} {str(value)[:40]} can't be spent; allowed: {kind}, 0 and more")


def process_cpu_s() -> float:
    """CPU seconds of this process and those of its children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Meter:
    """Collects the CPU of this thread, the wall time, and all that is spent inside."""

    def __init__(self) -> None:
        self.cost = Cost()
        self._paying: Token[Meter | None] | None = None

    def __enter__(self) -> Self:
        self._paying = _paying.set(self)
        self._wall, self._cpu = time.perf_counter(), time.thread_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cost += Cost(cpu_s=time.thread_time() - self._cpu, wall_s=time.perf_counter() - self._wall)
        if self._paying is not None:
            _paying.reset(self._paying)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work`, charging only the steps that are its own and not those of its neighbours on the loop."""
        token, started = _paying.set(self), time.perf_counter()
        try:
            return await self._step(work)
        finally:
            self.cost += Cost(wall_s=time.perf_counter() - started)
            _paying.reset(token)

    @coroutine
    def _step(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        reply: Any = None
        thrown: BaseException | None = None
        while True:
            started = time.thread_time()
            try:
                awaited = work.send(reply) if thrown is None else work.throw(thrown)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            finally:
                self.cost += Cost(cpu_s=time.thread_time() - started)
            try:
                reply, thrown = (yield awaited), None
            except BaseException as error:  # passed on to the work, cancellation included
                thrown = error


_paying: ContextVar[Meter | None] = ContextVar("_paying", default=None)
