"""Cost: what a piece of work used, metered where it happens.

    with Meter() as meter:            # synchronous work in this thread
        make_page()
    await Meter().run(coroutine)      # a coroutine among others on one event loop

Work that runs elsewhere (a child process, another thread, a GPU engine shared by many) meters
itself and reports its cost with `spend`.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, fields
from types import coroutine
from typing import Any, Self, TypeVar

from inference.clock import native_cpu_s
from inference.pickling import pickled_by_position

T = TypeVar("T")


@pickled_by_position
@dataclass(frozen=True, slots=True)
class Cost:
    """Resources used. Costs add up field by field."""

    cpu_s: float = 0.0
    """CPU time of the process and its children, user and system."""
    wall_s: float = 0.0
    gpu_s: float = 0.0
    """Seconds of one whole GPU; a shared one is split by tokens."""
    energy_j: float = 0.0
    """Energy by the GPU's own counter; 0 if it has none."""
    input_tokens: int = 0
    output_tokens: int = 0
    """Counted with the model's own tokenizer."""
    sent_bytes: int = 0
    received_bytes: int = 0
    paid_usd: float = 0.0
    """Amount paid to an API. The lab prices CPU and GPU time itself."""
    first_token_s: float = 0.0
    """Time to a completion's first token, by the engine's clock; summed over completions like the other fields."""

    def __add__(self, other: Cost) -> Cost:
        # Spelled out, because it runs several times for each answer and a loop over the fields is 2.5 times slower.
        return Cost(
            self.cpu_s + other.cpu_s,
            self.wall_s + other.wall_s,
            self.gpu_s + other.gpu_s,
            self.energy_j + other.energy_j,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.sent_bytes + other.sent_bytes,
            self.received_bytes + other.received_bytes,
            self.paid_usd + other.paid_usd,
            self.first_token_s + other.first_token_s,
        )

    def __sub__(self, other: Cost) -> Cost:
        return Cost(*[getattr(self, name) - getattr(other, name) for name in AMOUNTS])

    def split(self, parts: int) -> list[Cost]:
        """Return costs that add up to this one, as equal as whole numbers allow."""
        values = {name: getattr(self, name) for name in AMOUNTS}
        equal = Cost(
            **{name: value // parts if isinstance(value, int) else value / parts for name, value in values.items()}
        )
        rest = Cost(**{name: value % parts for name, value in values.items() if isinstance(value, int)})
        return [equal + rest, *[equal] * (parts - 1)]


AMOUNTS = tuple(field.name for field in fields(Cost))
WHOLE = tuple(isinstance(field.default, int) for field in fields(Cost))
"""Whether each amount is a whole number."""


def spend(cost: Cost) -> None:
    """Charge work done elsewhere to the meter around this code; without one, charge nobody.

    Raises:
        ValueError: an impossible amount; nothing is charged.
    """
    _check(cost)
    meter = _paying.get()
    if meter is not None:
        total = meter.cost + cost
        _check(total)  # valid amounts can add up to infinity
        meter.cost = total


def _check(cost: Cost) -> None:
    for name, whole in zip(AMOUNTS, WHOLE, strict=True):
        value = getattr(cost, name)
        # The range excludes infinity and NaN, too.
        if not isinstance(value, int if whole else int | float) or not 0 <= value <= sys.float_info.max:
            kind = "whole numbers" if whole else "finite numbers"
            raise ValueError(f"{name} {str(value)[:40]} can't be spent; allowed: {kind}, 0 and more")


def process_cpu_s() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@contextmanager
def off_thread(gpu: bool = False, **tokens: int) -> Iterator[None]:
    """Charge the CPU seconds that native threads of libraries use meanwhile, and with `gpu` the elapsed GPU time.

    One caller at a time, because such a thread can't be traced to the work that it does; waiting is not charged.
    Python's threads are left out: validators that work in them are metered there.
    """
    with _off_thread:
        neighbours = {thread: native_cpu_s([thread]) for thread in _other_threads()}
        wall, native_s = time.perf_counter(), process_cpu_s() - time.thread_time()
        try:
            yield
        finally:
            native_s = process_cpu_s() - time.thread_time() - native_s
            # The time of a thread that has ended meanwhile can no longer be read and stays in the remainder.
            native_s -= sum(max(0.0, native_cpu_s([thread]) - before_s) for thread, before_s in neighbours.items())
            gpu_s = (time.perf_counter() - wall) if gpu else 0.0
            spend(Cost(cpu_s=max(0.0, native_s), gpu_s=gpu_s, **tokens))


_off_thread = threading.RLock()


def _other_threads() -> list[int]:
    own = threading.get_native_id()
    return [thread.native_id for thread in threading.enumerate() if thread.native_id and thread.native_id != own]


class Meter:
    """Collects this thread's CPU time, the wall time, and everything that is spent inside."""

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
        """Await `work`, charging only its own steps and not those of its neighbours on the event loop."""
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
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            finally:
                self.cost += Cost(cpu_s=time.thread_time() - started)
            try:
                reply, thrown = (yield awaited), None
            except BaseException as error:  # passed on to the work, cancellation included
                thrown = error


_paying: ContextVar[Meter | None] = ContextVar("_paying", default=None)
