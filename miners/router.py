"""The router: a miner with several engines that learns which of them is the cheapest that still wins.

A miner learns its earnings once an epoch, so the router keeps one engine for an epoch and credits it with the
epoch's profit for each answer. The next engine follows by UCB1 over those profits. The choice is a pure function of
the pay received, so a restarted router that gets its pay again chooses as before.

    { kind = "router", choices = [{ kind = "vllm" }, { kind = "openai", model = "large" }] }
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, PrivateAttr

from miners.engines.language import AnyLanguageEngine
from miners.engines.openai import OpenAI
from miners.engines.transformers import Transformers
from subnets import Answer, Query

from .miner import Engine, Miner
from .pay import Pay
from .prompted import Prompted


@dataclass(frozen=True, slots=True)
class Trial:
    """Result of an epoch with one engine."""

    choice: int
    profit_usd: float


class Learning(Miner):
    """Base of the miners that learn from their pay which of their choices is the best."""

    curiosity: float = Field(0.5, ge=0.0)
    """Weight of exploration: with 0 the router keeps the best engine so far and never tries another again."""
    memory: int = Field(50, ge=1)
    """Number of last epochs that count, because pay changes with the behaviour of others."""

    _trials: list[Trial] = PrivateAttr(default_factory=list)

    @abstractmethod
    def options(self) -> tuple[Engine, ...]:
        """Return the engines to choose from, in the order in which they are first tried."""

    def engines(self) -> tuple[Engine, ...]:
        """Return all engines that the router may use."""
        return tuple({engine.key: engine for engine in self.options()}.values())

    def sharing(self, engines: Mapping[str, Engine]) -> Self:
        """Return a copy that uses the given engines instead of its own equal ones."""
        return self.model_copy(update={"choices": tuple(engines[engine.key] for engine in self.options())})

    def paid(self, pay: Pay) -> None:
        """Credit this epoch's engine with its profit."""
        if pay.answers:
            self._trials.append(Trial(self.choice, pay.profit_usd))

    @property
    def choice(self) -> int:
        """Index of the engine in use."""
        return choose(self._trials[-self.memory :], len(self.options()), self.curiosity)

    def __getstate__(self) -> dict[Any, Any]:
        """Pickle the trials along with the options."""
        return super().__getstate__() | {"trials": list(self._trials)}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Restore options and trials."""
        trials = state.pop("trials")
        super().__setstate__(state)
        self._trials.extend(trials)


class Router(Learning, Prompted):
    """Answers with the engine that has earned the most."""

    description = "learns which of its engines is the cheapest that still wins"

    choices: tuple[AnyLanguageEngine, ...] = Field((Transformers(), OpenAI()), min_length=1)
    """The engines, in the order in which they are first tried."""

    def options(self) -> tuple[Engine, ...]:
        """Return the choices."""
        return self.choices

    async def forward(self, query: Query) -> Answer:
        """Ask this epoch's engine."""
        return await self.ask(self.choices[self.choice], query)


def choose(trials: Sequence[Trial], choices: int, curiosity: float = 0.5) -> int:
    """Return the choice to try next: the first untried one, else the one with the highest upper confidence bound.

    UCB1 (Auer, Cesa-Bianchi and Fischer 2002) with profits scaled by the range of those seen:
    mean + curiosity * range * sqrt(2 ln n / n_choice).
    """
    profits_of: list[list[float]] = [[] for _ in range(choices)]
    for trial in trials:
        profits_of[trial.choice].append(trial.profit_usd)
    for choice, profits in enumerate(profits_of):
        if not profits:
            return choice
    span = max(trial.profit_usd for trial in trials) - min(trial.profit_usd for trial in trials)

    def upper_bound(choice: int) -> float:
        profits = profits_of[choice]
        uncertainty = math.sqrt(2.0 * math.log(len(trials)) / len(profits))
        return math.fsum(profits) / len(profits) + curiosity * span * uncertainty

    return max(range(choices), key=upper_bound)
