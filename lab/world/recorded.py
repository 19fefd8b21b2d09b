"""Recorded answers as supply: the grades and costs of a run's real answers, drawn again task by task.

    [subnet]
    kind = "lab.world.recorded:RecordedWork"
    run = "runs/ocr"

    [[miners]]
    name = "reader"
    kind = "lab.world.recorded:Redrawn"
    run = "runs/ocr"
    miner = "full"

All miners that are asked the same task give what was recorded for the same task, so what they have in common stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from lab.config.prices import price
from lab.record.completed_run import CompletedRun
from lab.record.run_folder import open_run
from miners import Miner
from subnets import Answer, Cost, Message, PluginError, Prompt, Query, Task, spend

from .work import GradedWork


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What is drawn of one answer."""

    grade: float
    """Grade by the validator that asked."""
    cost_usd: float


@lru_cache(maxsize=8)
def recorded(run: Path) -> tuple[dict[str, RecordedAnswer], ...]:
    """Return the answers of each round of a run by the miner's name, leaving out those that nobody graded.

    Raises:
        PluginError: the run has no graded answers.
    """
    with open_run(run) as record:
        played = CompletedRun.of(record)
        names = played.names("miner")
        rounds = tuple(
            {
                names[answer.uid]: RecordedAnswer(answer.score, price(answer.cost, played.config.prices))
                for answer in graded.answers
                if answer.score is not None
            }
            for graded in sorted(played.rounds, key=lambda each: (each.number, each.validator))
        )
    if not any(rounds):
        raise PluginError(f"{run} has no graded answers to draw from; play a run that grades each round")
    return tuple(filter(None, rounds))


class RecordedWork(GradedWork):
    """Tasks of a recorded run, drawn with replacement."""

    run: Path
    """Folder of the recorded run."""

    def task(self, seed: int) -> Task:
        """Draw a recorded round; the prompt is its place, and nothing else is asked."""
        place = seed % len(recorded(self.run))
        return replace(super().task(seed), prompt=Prompt((Message("user", str(place)),)))


class Redrawn(Miner):
    """A miner whose answers are those of a miner of a recorded run, at their recorded cost."""

    description: ClassVar[str] = "gives the recorded answers of a miner again"

    run: Path
    """Folder of the recorded run."""
    miner: str
    """Name of the miner in that run."""

    async def forward(self, query: Query) -> Answer:
        """Return the recorded answer to the drawn task; fail if the miner was not asked it then."""
        answers = recorded(self.run)[int(query.prompt.text)]
        if self.miner not in answers:
            raise LookupError(f"{self.miner} has no graded answer to round {query.prompt.text} of {self.run}")
        answer = answers[self.miner]
        spend(Cost(paid_usd=answer.cost_usd))
        return Answer(text=f"{answer.grade:.6f}")
