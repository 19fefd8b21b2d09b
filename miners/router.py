"""The router: one miner before several engines, that learns which is the cheapest that still wins.

A miner learns what it earned once an epoch, so the router stays with one engine for an epoch and holds the epoch's
profit for each answer against that engine. Which one comes next is UCB1 over those profits: a pure function of what
it was told, so that a router made anew chooses as before once it is told again.

    { kind = "router", choices = [{ kind = "vllm" }, { kind = "openai", model = "large" }] }
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, PrivateAttr

from miners.engines.language import AnyLanguageEngine
from miners.engines.openai import OpenAI
from miners.engines.transformers import Transformers
from subnets import Answer, Query

from .miner import Engine
from .pay import Pay
from .prompted import Prompted


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of an epoch with one engine."""

    choice: int
    profit_usd: float


class Router(Prompted):
    """Answers with the engine that has paid best."""

    description = "learns which of its engines is the cheapest that still wins"

    choices: tuple[AnyLanguageEngine, ...] = Field((Transformers(), OpenAI()), min_length=1)
    """The engines, in the order in which they are first tried."""
    curiosity: float = Field(0.5, ge=0.0)
    """Weight of what is not known: 0 takes what has paid best and never looks again."""
    memory: int = Field(50, ge=1)
    """Epochs that count: pay changes as others do."""

    _trials: list[Trial] = PrivateAttr(default_factory=list)

    def engines(self) -> tuple[Engine, ...]:
        """Return all engines that it may use."""
        return tuple({engine.key: engine for engine in self.choices}.values())

    def sharing(self, engines: Mapping[str, Engine]) -> Self:
        """Return a copy that uses the given engines in place of its equal own."""
        return self.model_copy(update={"choices": tuple(engines[engine.key] for engine in self.choices)})

    async def forward(self, query: Query) -> Answer:
        """Ask the engine of this epoch."""
        return await self.ask(self.choices[self.choice], query)

    def paid(self, pay: Pay) -> None:
        """Learn what the epoch brought; called once an epoch, in order."""
        if pay.answers:
            self._trials.append(Trial(self.choice, pay.profit_usd))

    @property
    def choice(self) -> int:
        """Which engine is used now."""
        return choose(self._trials[-self.memory :], len(self.choices), self.curiosity)

    def __getstate__(self) -> dict[Any, Any]:
        """Pickle what it was told along with its options."""
        return super().__getstate__() | {"trials": list(self._trials)}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Take up where the pickled one was."""
        trials = state.pop("trials")
        super().__setstate__(state)
        self._trials.extend(trials)


def choose(trials: Sequence[Trial], choices: int, curiosity: float = 0.5) -> int:
    """Return the choice to try next: the first untried, else the highest mean profit plus what may be hidden.

    UCB1 (Auer, Cesa-Bianchi and Fischer 2002) with profits scaled by the range of those seen:
    mean + curiosity * range * sqrt(2 ln n / n_choice).
    """
    known: list[list[float]] = [[] for _ in range(choices)]
    for trial in trials:
        known[trial.choice].append(trial.profit_usd)
    for choice, profits in enumerate(known):
        if not profits:
            return choice
    span = max(trial.profit_usd for trial in trials) - min(trial.profit_usd for trial in trials)

    def hope(choice: int) -> float:
        profits = known[choice]
        doubt = math.sqrt(2.0 * math.log(len(trials)) / len(profits))
        return math.fsum(profits) / len(profits) + curiosity * span * doubt

    return max(range(choices), key=hope)
