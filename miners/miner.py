"""A miner: an identity with a strategy for answering.

Only `forward` is required. The fields are the options of a `[[miners]]` table. Costly work (a tesseract process, a
model on a GPU) belongs in an `Engine`; miners on one host that have equal engines share a single one.

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
    """False if the work is done elsewhere, at a cost unknown here."""
    description: ClassVar[str] = ""
    employs: ClassVar[tuple[str, ...]] = ()
    """Options that hold miners working for this one alone. They are not victims, but their own victims are."""
    needs_miners: ClassVar[tuple[str, ...]] = ()
    """Options that hold another miner of the run, which a config may give by name."""

    seed: int = Field(0, ge=0)
    """Seed of the miner's own randomness; the run sets it. Combine it with `query.id`, so that an answer depends
    neither on the order of queries nor on the host."""

    min_stake: float = Field(0.0, ge=0)
    """Callers with less stake on the subnet are refused."""
    require_permit: bool = False
    """Callers without a validator permit are refused."""

    @abstractmethod
    async def forward(self, query: Query) -> Answer | bytes:
        """Answer the query. Raise to fail; bytes are sent unchanged, like the reply of a foreign server.

        Work that occupies a core belongs in an engine, so that one query does not stall the others on its host.
        """

    def blacklist(self, query: Query) -> str:
        """Return why this caller is refused, or an empty string to serve it. Called before any work is done."""
        caller = query.caller
        if self.require_permit and not caller.validator_permit:
            return "only validators with a permit are served"
        if not caller.stake >= self.min_stake:  # also refuses a stake that is NaN
            return f"a stake of {caller.stake:g} is too little; at least {self.min_stake:g} is required"
        return ""

    def priority(self, query: Query) -> float:
        """Rank the query among those waiting for this miner's host; higher is served first."""
        return query.caller.stake

    def suited(self, subnet: Subnet) -> Self:
        """Return this miner with engines set up for the subnet's work where its own options leave that open."""
        return self.model_copy(update={name: _suited(getattr(self, name), subnet) for name in type(self).model_fields})

    def informed(self, subnet: Subnet, task_seeds: tuple[int, ...]) -> Miner:
        """Return this miner with the secrets of its run; an honest miner makes no use of them."""
        return self

    def paid(self, pay: Pay) -> None:
        """Learn from an epoch's pay. Called once per epoch, in order, between two queries.

        Nothing else is ever reported to a miner. A restarted miner gets all epochs again from the first, so its state
        must be a function of the pay received. Return quickly: a miner that hangs or kills its host here gets no more
        pay notices. The instance in the pool itself, which only answers `priority`, gets none.
        """
        for name in self.employs:
            if isinstance(employee := getattr(self, name), Miner):
                employee.paid(pay)

    @property
    def learns(self) -> bool:
        """True if this miner or one that it employs uses its pay; others get no notices."""
        employed = (getattr(self, name) for name in self.employs)
        return type(self).paid is not Miner.paid or any(isinstance(miner, Miner) and miner.learns for miner in employed)

    def engines(self) -> tuple[Engine, ...]:
        """Return the engines that the miner needs on its host: its own and those of nested miners."""
        own = [value for value in self._values() if isinstance(value, Engine)]
        nested = [engine for value in self._values() if isinstance(value, Miner) for engine in value.engines()]
        return tuple({engine.key: engine for engine in own + nested}.values())

    def victims(self) -> tuple[Miner, ...]:
        """Return the miners that this one copies; they must be served before it on the same host."""
        nested = [(name, value) for name in type(self).model_fields if isinstance(value := getattr(self, name), Miner)]
        return tuple(
            victim for name, value in nested for victim in (value.victims() if name in self.employs else (value,))
        )

    def sharing(self, engines: Mapping[str, Engine]) -> Self:
        """Return a copy that uses the given engines, by their keys, instead of its own equal ones."""
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
    """Does the costly part of a miner's work. Engines with equal options are the same engine.

    Creating one is cheap. A host calls `open` once before the first query and `close` at the end; in between the
    engine's own methods (`read`, `generate`) meter themselves with `subnets.spend`.
    """

    description: ClassVar[str] = ""

    async def open(self) -> None:  # noqa: B027  an engine without state has nothing to open
        """Load models and start processes. Raise with the fix in the message."""

    async def close(self) -> None:  # noqa: B027
        """Release everything that `open` acquired."""

    def suited(self, subnet: Subnet) -> Self:
        """Return this engine set up for the subnet's work where its own options leave that open."""
        return self

    @property
    def died(self) -> str:
        """Reason why the engine died with everything in flight; empty while it is alive.

        Its host reopens it and repeats the lost queries. A miner is blamed only if the engine dies while serving it
        alone.
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
        """Maximum concurrent queries of one instance."""
        return 256

    @property
    def replicable(self) -> bool:
        """True if several hosts may each hold a copy and share the queries, because `open` is cheap."""
        return False


def _suited(value: Any, subnet: Subnet) -> Any:
    """Suit a miner, an engine, or several in a tuple; anything else stays as it is."""
    if isinstance(value, tuple):
        return tuple(_suited(item, subnet) for item in value)
    return value.suited(subnet) if isinstance(value, Miner | Engine) else value


Overhear = Callable[[Miner, Query], Awaitable[Answer | bytes]]

overhearing: ContextVar[Overhear | None] = ContextVar("overhearing", default=None)
"""Set by a host: returns the answer of another miner on it to the query, once it is complete."""


async def overhear(victim: Miner, query: Query) -> Answer | bytes:
    """Return the victim's own answer if the host has it; otherwise do the victim's work."""
    source = overhearing.get()
    return await (victim.forward(query) if source is None else source(victim, query))


Miner.model_rebuild()
