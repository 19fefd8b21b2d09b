"""Progress of a run, as its driver reports it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a run stands. A `RunStatus` is RUNNING between its start and its end; events say what just happened."""

    STARTING = "starting"
    WAITING = "waiting"
    """It waits for machines."""
    RUNNING = "running"
    ROUND = "round"
    """A round was finished."""
    EPOCH = "epoch"
    """An epoch was paid."""
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a run."""

    stage: Stage
    rounds: int
    """Finished rounds, including those of earlier sessions."""
    total_rounds: int
    """Rounds of the whole run."""
    note: str = ""
    """The missing machines, while the run waits for them."""


Watch = Callable[[Event], None]
