"""Config of the querying study: the policies compared, and the subnet in which they ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from validators import Watchful

World = Literal["spread", "good or bad"]
"""The accuracies that miners have, and get when they change: anything in the range, or one of its two ends."""

SHARED = Watchful(floor=0.2, known_after=40, cap=240, alarm=5)
"""Options for validators that share their answers."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom validators ask, and what they remember."""

    name: str
    ledger: float | Watchful
    """The alpha of a moving average, or the options of the watchful ledger."""
    chance: float = 1.0
    """Chance that a miner is asked in a round; the watchful ledger has its own."""
    shared: bool = False
    """True if the validators share their answers."""


def policies() -> tuple[Policy, ...]:
    """Return the policies of the study; the first is what subnets do."""
    return (
        Policy("all, alpha .1", 0.1),
        Policy("all, alpha .05", 0.05),
        Policy("a third, alpha .1", 0.1, 1 / 3),
        Policy("a third, alpha .033", 0.033, 1 / 3),
        Policy("a fifth, alpha .02, shared", 0.02, 0.2, shared=True),
        Policy("watchful .3/30", Watchful()),
        Policy("watchful .2/240, shared", SHARED, shared=True),
    )


@dataclass(frozen=True, slots=True)
class QueryingConfig:
    """The subnet: every policy sees the same miners, the same answers and the same coins."""

    policies: tuple[Policy, ...] = field(default_factory=policies)
    changes: tuple[int, ...] = (0, 500, 200, 100)
    """Epochs after which a miner changes, in the mean; 0 for miners that never do."""
    worlds: tuple[World, ...] = ("spread", "good or bad")
    miners: int = 16
    validators: int = 4
    """Each asks in one round of each epoch, with a task of its own."""
    accuracies: tuple[float, float] = (0.5, 0.9)
    replications: int = 12
    epochs: int = 700
    warm_up: int = 100
    """Epochs before pay is looked at."""
    paid_every: int = 5
    """Pay is looked at once in so many epochs; in between it hardly changes."""
    rankings: int = 200
    """Replications of the contest between uniform and adaptive queries."""
