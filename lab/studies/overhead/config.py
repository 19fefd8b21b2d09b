"""What an answer costs: the N+V bill over a grid of miners and validators.

    config = OverheadConfig.read(Path("configs/studies/overhead_ocr.toml"))
    data = OverheadData.of(study)

Each point of the grid is a run of its own. Overhead is all that the miners and the validators of a task
used, over what it takes to produce the answer once:

    (sum of the miners' answers + V * (making the task and its reference, grading) + carrying) / once

Where every validator asks tasks of its own, which nobody else grades, and only one of them is wanted, the
miners' part counts V times as well: `apart`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lab.config.base import Table
from lab.config.prices import PriceTable, price
from lab.config.tables import ChainTable
from lab.record.completed_run import CompletedRun
from lab.record.entries import GradedRound
from lab.report.section import Publication
from lab.results.bill import Bill
from lab.statistics import Estimate, mean, ratio
from lab.statistics.resampling import resampled_sums
from lab.studies.arm import Arm, subset
from lab.studies.study import StudyConfig
from lab.studies.study_folder import Study, Watch
from subnets import Cost

RESOURCES = ("cpu_s", "gpu_s", "tokens", "energy_j", "usd")
"""In which an overhead is told."""

WITHIN = 0.01
"""Of the best quality: what is taken to be as good."""


PROBE_MINERS = 8
"""In the run that the forecast is made from: an engine that they share costs each of many less than each of a few."""


class Grid(Table):
    """The points at which the bill is measured."""

    miners: tuple[int, ...] = Field((1, 2, 4, 8), min_length=1)
    """N, ascending."""
    validators: tuple[int, ...] = Field((1, 2, 4), min_length=1)
    """V, ascending."""


class OverheadTable(Grid):
    """The `[overhead]` table."""

    full: Grid = Grid(miners=(1, 2, 4, 8, 16, 32, 64), validators=(1, 2, 4, 8, 16))
    """The grid of `--full`."""
    probe_rounds: int = Field(4, ge=1)
    """Of the run that the forecast is made from."""


class OverheadConfig(StudyConfig):
    """A run's config, whose miners and validators the grid takes the first of, and the grid."""

    study: ClassVar[str] = "overhead"

    overhead: OverheadTable = OverheadTable()

    @model_validator(mode="after")
    def _does_it_once(self) -> Self:
        if self.bare.every == 0:
            raise ValueError(".bare.every: 0; the study compares with doing each task once: leave it out, or write 1")
        if self.bare.miner is not None:
            raise ValueError(
                f".bare.miner: {self.bare.miner!r}; each point of the grid takes the first so many miners, and does "
                "its tasks once by the first honest one: leave it out, and write that miner's table first"
            )
        return self

    def grid(self, *, full: bool) -> Grid:
        """Return the points to measure."""
        return self.overhead.full if full else self.overhead

    def arms(self, *, full: bool) -> list[Arm]:
        """Return a run for each point of the grid."""
        grid = self.grid(full=full)
        return [
            Arm(f"n{miners}-v{validators}", subset(self, miners=miners, validators=validators))
            for validators in grid.validators
            for miners in grid.miners
        ]

    def probe(self) -> Arm:
        """Return the short run that the forecast is made from: one validator, and a miner of every table or more."""
        chain = ChainTable(epochs=1, rounds_per_epoch=self.overhead.probe_rounds)
        miners = min(max(len(self.miners), PROBE_MINERS), len(self.miner_names))
        return Arm("probe", subset(self, miners=miners, validators=1, chain=chain.model_dump(mode="json")))

    def publication(self, study: Study, *, full: bool, watch: Watch) -> Publication:
        """Work out the bill at each point of the grid."""
        from .page import publication

        return publication(OverheadData.of(study, self.arms(full=full)), self)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the grid."""

    miners: int
    """N"""
    validators: int
    """V"""
    overhead: dict[str, Estimate]
    """By resource; its value is None where doing the work once uses none of it."""
    apart: Estimate
    """In CPU, where the validators' tasks are their own and one of them is wanted."""
    useful_work: Estimate
    """1 / overhead in CPU."""
    grading_share: Estimate
    """Of making tasks and grading, in the CPU of one task."""
    carrying_share: Estimate
    """Of transport, scheduling, consensus and record, which no task has for itself, in the CPU of one task."""
    parts: dict[str, Estimate]
    """CPU seconds of one task, by part of the bill; one that no task has for itself has no interval."""
    unexplained: float
    """What meters counted beyond what the processes used, over the latter. What processes used beyond their meters
    is carried, under transport and scheduling."""
    quality: Estimate
    """True quality of the answer that a customer gets: that of the miner which the validators' other grades
    put first; over the tasks that all points share, so that luck with tasks makes no difference. Tasks without
    other grades to go by are left out."""


@dataclass(frozen=True, slots=True)
class OverheadData:
    """The whole grid."""

    points: tuple[Point, ...]
    unit: Unit
    """What its parts cost, over all arms."""

    @classmethod
    def of(cls, study: Study, arms: Sequence[Arm]) -> Self:
        """Read the records of a study's arms."""
        found = []
        for arm in arms:
            with study.record(arm) as record:
                found.append((CompletedRun.of(record), Bill.of(record)))
        shared = set.intersection(*({graded.task_id for graded in played.rounds} for played, _ in found))
        return cls(
            tuple(_point(played, bill, shared) for played, bill in found),
            Unit.of([one for played, _ in found for one in _units(played)]),
        )

    def cheapest(self) -> Point | None:
        """Return the point of least overhead whose quality is within 1 % of the best; None if none is above 0."""
        known = [point for point in self.points if point.quality.value]
        if not known:
            return None
        best = max(point.quality.value or 0.0 for point in known)
        good = [point for point in known if (point.quality.value or 0.0) >= (1 - WITHIN) * best]
        return min(good, key=lambda point: point.overhead["cpu_s"].value or float("inf"))


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """CPU of each part of a subnet's work, over that of doing a task once."""

    spent: NDArray[np.float64]
    """CPU seconds of each task (T, 5), over its rounds: answers; doing it once for each of these; making it with its
    reference; doing it once for each round; grades of its answers."""

    @classmethod
    def of(cls, rounds: Sequence[tuple[GradedRound, Cost]]) -> Self:
        """Add up rounds and what each costs once; those with the same task are one observation."""
        by_task: defaultdict[tuple[str, int], NDArray[np.float64]] = defaultdict(lambda: np.zeros(5))
        for graded, once in rounds:
            answered = (_answers(graded).cpu_s, len(graded.answers) * once.cpu_s)
            by_task[graded.task_id, graded.task_seed] += np.array(
                [*answered, graded.task_cost.cpu_s, once.cpu_s, graded.grading_cost.cpu_s]
            )
        return cls(np.array(list(by_task.values())).reshape(-1, 5))

    @property
    def answer(self) -> Estimate:
        """One miner's answer."""
        return self._billed(answers=1.0)

    @property
    def task(self) -> Estimate:
        """Making one task with its reference."""
        return self._billed(tasks=1.0)

    @property
    def grade(self) -> Estimate:
        """One grade of one answer."""
        return self._billed(grades=1.0)

    def overhead(self, *, runs: float, references: float = 0.0, grades: float = 0.0) -> Estimate:
        """Bill a subnet by its shape: how much of each part is behind one answer that somebody wanted.

        A reference written by a model costs what an answer does. Its interval is over tasks, of all parts together.
        """
        return self._billed(answers=runs + references, tasks=1.0, grades=grades)

    def _billed(self, answers: float = 0.0, tasks: float = 0.0, grades: float = 0.0) -> Estimate:
        """So many of each part together; without a value where nothing was measured."""

        def billed(sums: NDArray[np.float64]) -> NDArray[np.float64]:
            answering, answered_once, making, made_once, grading = sums.T
            with np.errstate(invalid="ignore"):  # no task, or none with answers
                return np.asarray((answers * answering + grades * grading) / answered_once + tasks * making / made_once)

        value = float(billed(self.spent.sum(axis=0, keepdims=True))[0])
        draws = billed(resampled_sums(self.spent)) if len(self.spent) else np.empty(0)
        return Estimate.of_draws(value, draws, len(self.spent))


def _point(played: CompletedRun, bill: Bill, common: set[str]) -> Point:
    asking, prices = bill.validators, played.config.prices
    tasks = max(1, bill.tasks)
    groups: defaultdict[str, float] = defaultdict(float)
    for part in bill.subnet_parts:
        groups[part.group] += part.cost.cpu_s / tasks
    by_round = {
        "miners": mean([_answers(graded).cpu_s for graded in played.rounds]),
        "making tasks": mean([asking * graded.task_cost.cpu_s for graded in played.rounds]),
        "grading": mean([asking * graded.grading_cost.cpu_s for graded in played.rounds]),
    }
    spread = {group: cpu_s for group, cpu_s in groups.items() if group not in by_round}
    carried = Cost(cpu_s=sum(spread.values()))
    rounds = list(_units(played))
    checks = [graded.task_cost + graded.grading_cost for graded, _ in rounds]
    answers = [_answers(graded) for graded, _ in rounds]
    above = [own + _times(check, asking) + carried for own, check in zip(answers, checks, strict=True)]
    apart = [asking * (own + check + carried).cpu_s for own, check in zip(answers, checks, strict=True)]
    below = [cost for _, cost in rounds]
    spent, once = [cost.cpu_s for cost in above], [cost.cpu_s for cost in below]
    carrying_s = carried.cpu_s - spread.get("providers", 0.0)
    return Point(
        miners=len(played.config.miner_names),
        validators=asking,
        overhead={
            resource: _ratio(*([_amount(cost, resource, prices) for cost in costs] for costs in (above, below)))
            for resource in RESOURCES
        },
        apart=_ratio(apart, once),
        useful_work=_ratio(once, spent),
        grading_share=_ratio([asking * check.cpu_s for check in checks], spent),
        carrying_share=_ratio([carrying_s] * len(spent), spent),
        parts=by_round | {group: Estimate(cpu_s, None, None, bill.tasks) for group, cpu_s in spread.items()},
        unexplained=bill.unexplained_cpu_s / bill.total_cpu_s if bill.total_cpu_s else 0.0,
        quality=mean(list(_customer(played, common))),
    )


def _units(played: CompletedRun) -> Iterator[tuple[GradedRound, Cost]]:
    """Yield the rounds of a run whose work was also done once, with what that cost."""
    once: dict[str, Cost] = {}
    for epoch in played.epochs:
        served = Cost(cpu_s=epoch.once_servers_cpu_s / max(1, len(epoch.once)))
        once |= {place: cost + served for place, cost in epoch.once.items()}
    for graded in played.rounds:
        if graded.place in once and once[graded.place].cpu_s > 0:
            yield graded, once[graded.place]


def _customer(played: CompletedRun, tasks: set[str]) -> Iterator[float]:
    """Yield, for each round with one of these tasks, the quality of the answer of whom all other rounds put first.

    Grades count by their validator's stake. The round's own are left out: a customer's question has no grade yet.
    A miner without any other grade is not put first, and a round without such miners is left out.
    """
    rounds = played.rounds
    stakes = dict(enumerate(table.stake for table in played.config.validators for _ in table.names()))
    scores: dict[int, dict[str, tuple[float, float]]] = defaultdict(dict)
    for graded in rounds:
        for answer in graded.answers:
            if answer.score is not None:
                scores[answer.uid][graded.place] = (stakes[graded.validator], answer.score)
    for graded in rounds:
        if graded.task_id not in tasks:
            continue
        merits = []
        for answer in graded.answers:
            others = [pair for place, pair in scores[answer.uid].items() if place != graded.place]
            if weight := sum(stake for stake, _ in others):
                merits.append((sum(stake * value for stake, value in others) / weight, -answer.uid, answer.quality))
        if merits and (quality := max(merits)[2]) is not None:
            yield quality


def _answers(graded: GradedRound) -> Cost:
    return sum((answer.cost for answer in graded.answers), start=Cost())


def _times(cost: Cost, times: int) -> Cost:
    return sum([cost] * times, start=Cost())


def _amount(cost: Cost, resource: str, prices: PriceTable) -> float:
    if resource == "tokens":
        return float(cost.input_tokens + cost.output_tokens)
    return price(cost, prices) if resource == "usd" else float(getattr(cost, resource))


def _ratio(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """Ratio of sums with its interval; without a value where there is nothing below."""
    return ratio(above, below) if sum(below) > 0 else Estimate(None, None, None, len(below))
