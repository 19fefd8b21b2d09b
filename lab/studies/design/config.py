"""Config of the design study: recorded answers, the graders that could have graded them, and the space of designs.

The first arm records what all miners answer, the second is a run of the config's own validators on other tasks: its pay
is foretold from the first.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from lab.config.base import Table
from lab.studies.arm import Arm, subset
from lab.studies.grading.config import GradingConfig, Share, answers_truly
from subnets import Scorer
from validators import SCORERS
from validators.sampling import All, RandomK
from validators.scorers.jury import Jury

from .space import GraderChoice, Space

LAUNCHED = "launched"
"""Name of the arm that is foretold."""
JURY = "jury"
LEAST_TASKS = 20
"""Tasks in each half, below which groups of tasks are too small for an interval."""


class SearchTable(Table):
    """The `[design]` table: how many designs are searched, and among what."""

    designs: int = Field(512, ge=8)
    """Number of designs at the start of the search."""
    full_designs: int = Field(4096, ge=8)
    """Number of designs with `--full`."""
    rounds: int = Field(32, ge=8, multiple_of=8)
    """Rounds of each validator in a replay."""
    miners: tuple[Annotated[int, Field(ge=1)], ...] = Field((), max_length=8)
    """Numbers of honest miners; omit them for half of those of the config, and all."""
    gold: tuple[Share, ...] = Field((0.0, 0.1), max_length=8)
    """Shares of tasks whose truth a validator with a jury knows; empty for no juries."""
    gold_usd: float = Field(0.0, ge=0.0)
    """Price in dollars of knowing the truth of a task."""


class DesignConfig(GradingConfig):
    """A run's config, the graders and the search."""

    design: SearchTable = SearchTable()

    @model_validator(mode="after")
    def _check_design(self) -> Self:
        tasks, least = self.grading.tasks, 2 * LEAST_TASKS
        if tasks < least:
            raise ValueError(f".grading.tasks: {tasks}; half of the tasks are held out, so give {least} or more")
        for place, grader in enumerate(self.graders):
            if grader.reference is not None or grader.tasks is not None:
                key = "tasks" if grader.reference is None else "reference"
                raise ValueError(f".graders[{place}].{key}: every design must be ready to run; leave it out")
        honest = sum(map(answers_truly, self.build_miners()))
        if honest == len(self.miner_names):
            raise ValueError(".miners: all are honest; add adversaries, so that designs differ in what these earn")
        if wrong := [count for count in self.design.miners if count > honest]:
            raise ValueError(f".design.miners: {wrong[0]}, and the config has {honest} honest miners; give fewer")
        for place, validator in enumerate(self.build_validators()):
            if validator.ledger is not None or not isinstance(validator.sampler, All | RandomK):
                key = "sampler" if validator.ledger is None else "ledger"
                raise ValueError(
                    f".validators: {self.validator_names[place]!r} has a {key} that can't be replayed; leave it out"
                )
        if self.own_grader is None:
            raise ValueError(
                ".graders: none grades as the first validator does; add a table with the same scorer, so that its pay "
                "can be foretold"
            )
        return self

    @property
    def own_grader(self) -> int | None:
        """Number of the grader that the validators of the config use; None if there is none."""
        own = SCORERS.spec(self.build_validators()[0].scorer or self.subnet.scorer())
        for place, grader in enumerate(self.graders):
            if SCORERS.spec(grader.scorer or self.subnet.scorer()) == own:
                return place
        return None

    def jury(self, gold: float) -> Jury:
        """Return the jury with a share of gold, over all recorded tasks."""
        return Jury(gold=gold, window=self.grading.tasks)

    def space(self) -> Space:
        """Return the designs to search among."""
        choices: list[GraderChoice] = []
        for place, grader in enumerate(self.graders):
            known = knows_the_truth(grader.scorer or self.subnet.scorer())
            choices.append(GraderChoice(grader.name, place, 1.0 if known else 0.0))
        first = len(self.graders)
        choices += [GraderChoice(JURY, first + place, gold) for place, gold in enumerate(self.design.gold)]
        honest = sum(map(answers_truly, self.build_miners()))
        return Space(tuple(choices), self.design.miners or tuple(sorted({max(1, honest // 2), honest})))

    def at_length(self, *, full: bool) -> Self:
        """Return the config with the number of designs and tasks of the long form."""
        config = super().at_length(full=full)
        if not full:
            return config
        return config.model_copy(
            update={
                "design": config.design.model_copy(update={"designs": config.design.full_designs}),
                "grading": config.grading.model_copy(update={"tasks": config.grading.full_tasks}),
            }
        )

    def arms(self, *, full: bool) -> list[Arm]:
        """Return the run in which all miners answer, and the one whose pay is foretold."""
        (answers,) = super().arms(full=full)
        return [answers, Arm(LAUNCHED, subset(self, seed=self.seed + 1, bare={"every": 0}))]


def knows_the_truth(scorer: Scorer) -> bool:
    """Return True if a scorer compares with the task's own reference."""
    return scorer.needs_reference or SCORERS.spec(scorer).get("reference", False) is True
