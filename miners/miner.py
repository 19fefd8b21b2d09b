"""A miner: an identity with a strategy for answering.

One method is required, `forward`. Its fields are the options of a `[[miners]]` table. What costs
money (a tesseract process, a model on a GPU) is an `Engine`; miners with equal engines on one host
share a single one.

    class Parrot(Miner):
        async def forward(self, query: Query) -> Answer:
            return Answer(text=query.prompt.text)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar, Self

from pydantic import Field

from subnets import Answer, Plugin, Query, Subnet

from .pay import Pay


class Miner(Plugin, ABC):
    """Base of every miner, honest or not."""

    honest: ClassVar[bool] = True
    """False for a strategy that is meant to game the grading."""
    metered: ClassVar[bool] = True
    """False where the work is done elsewhere, so that what it costs is not known here."""
    description: ClassVar[str] = ""
    employs: ClassVar[tuple[str, ...]] = ()
    """Options that hold miners working for this one alone. They are not victims, but their own victims are."""
    needs_miners: ClassVar[tuple[str, ...]] = ()
    """Options that hold another miner of the run, which a config may give by name."""

    seed: int = Field(0, ge=0)
    """Of the miner's own randomness; the run sets it. Combine it with `query.id`, so that an answer does not
    depend on the order or the place in which queries are served."""

    min_stake: float = Field(0.0, ge=0)
    """Callers with less on the subnet are refused."""
    require_permit: bool = False
    """Callers without a validator permit are refused."""

    @abstractmethod
    async def forward(self, query: Query) -> Answer | bytes:
        """Answer the query. Raise to fail; bytes are sent as they are, as a foreign server's reply would be.

        Work that occupies a core belongs in an engine, so that one query does not stall the others of its host.
        """

    def blacklist(self, query: Query) -> str:
        """Say why this caller is refused; empty to serve it. Asked before any work is done."""
        caller = query.caller
        if self.require_permit and not caller.validator_permit:
            return "only validators with a permit are served"
        if not caller.stake >= self.min_stake:  # so that a stake that is no number is refused too
            return f"a stake of {caller.stake:g} is too little; at least {self.min_stake:g} is served"
        return ""

    def priority(self, query: Query) -> float:
        """Rank the query among those that wait for this miner's host: higher is served first."""
        return query.caller.stake

    def informed(self, subnet: Subnet, task_seeds: tuple[int, ...]) -> Miner:
        """Return this miner, given the secrets of its run; an honest miner makes no use of them."""
        return self

    def paid(self, pay: Pay) -> None:
        """Learn what an epoch brought: called once an epoch, in order, between two queries; passed to who is employed.

        It is all that a miner is told. One that is made anew is told again from the first epoch on, so whatever it
        makes of this must be a function of what it was told. It should take no time: a miner that its host hangs or
        dies of here is told nothing more. The pool's own instance, asked for `priority` alone, is not told.
        """
        for name in self.employs:
            if isinstance(employee := getattr(self, name), Miner):
                employee.paid(pay)

    @property
    def learns(self) -> bool:
        """Whether it makes anything of its pay, or employs one that does; nobody else is told."""
        employed = (getattr(self, name) for name in self.employs)
        return type(self).paid is not Miner.paid or any(isinstance(one, Miner) and one.learns for one in employed)

    def engines(self) -> tuple[Engine, ...]:
        """Return the engines that must be on the miner's host: those among its fields, nested miners' too."""
        own = [value for value in self._values() if isinstance(value, Engine)]
        nested = [engine for value in self._values() if isinstance(value, Miner) for engine in value.engines()]
        return tuple({engine.key: engine for engine in own + nested}.values())

    def victims(self) -> tuple[Miner, ...]:
        """Return the miners nested in this one: they must be served on the same host, before it."""
        nested = [(name, value) for name in type(self).model_fields if isinstance(value := getattr(self, name), Miner)]
        return tuple(one for name, value in nested for one in (value.victims() if name in self.employs else (value,)))

    def sharing(self, engines: Mapping[str, Engine]) -> Self:
        """Return a copy that uses the given engines, found by their keys, in place of its equal own."""
        update: dict[str, Any] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Engine):
                update[name] = engines[value.key]
            elif isinstance(value, Miner):
                update[name] = value.sharing(engines)
        return self.model_copy(update=update)

    def _values(self) -> list[Any]:
        return [getattr(self, name) for name in type(self).model_fields]


class Engine(Plugin, ABC):
    """What does the costly part of a miner's work. Equal options mean the same engine.

    Made cheap and opened late: a host calls `open` once before the first query and `close` at the end;
    in between the engine's own methods (`read`, `generate`) meter themselves with `subnets.spend`.
    """

    description: ClassVar[str] = ""

    async def open(self) -> None:  # noqa: B027  an engine without state has nothing to open
        """Load models, start processes. Raise with the fix in the message."""

    async def close(self) -> None:  # noqa: B027
        """Release what `open` took."""

    @property
    def died(self) -> str:
        """Why the engine is gone, with all that it was doing; empty while it lives.

        Its host then closes it and opens it again, and what was lost is asked again. Charged is a miner that it dies
        of when nothing else is served.
        """
        return ""

    @property
    def cpus(self) -> float:
        """CPU cores that one instance keeps busy."""
        return 0.0

    @property
    def gpus(self) -> float:
        """GPUs, or the share of one, that one instance needs."""
        return 0.0

    @property
    def concurrency(self) -> int:
        """Queries that one instance serves at once."""
        return 256

    @property
    def replicable(self) -> bool:
        """Whether several hosts may each hold one, to share the queries: true where `open` is cheap."""
        return False


Overhear = Callable[[Miner, Query], Awaitable[Answer | bytes]]

overhearing: ContextVar[Overhear | None] = ContextVar("overhearing", default=None)
"""Set by a host: returns the answer that a miner of the same host gave, or is giving, to the query."""


async def overhear(victim: Miner, query: Query) -> Answer | bytes:
    """Get the victim's answer: the one that it gives anyway where the host has it, else its work done anew."""
    source = overhearing.get()
    return await (victim.forward(query) if source is None else source(victim, query))


Miner.model_rebuild()
