"""What an answer costs: the N+V bill over a grid of miners and validators.

    config = OverheadConfig.read(Path("configs/overhead_ocr.toml"))
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

from pydantic import Field, model_validator

from lab.bill import Bill, price
from lab.config import ChainTable, PriceTable, RunConfig
from lab.config_table import Table
from lab.entries import Epoch, GradedRound
from lab.record import RunRecord
from lab.statistics import Figure, mean, ratio
from subnets import Cost

from .arm import Arm, subset
from .arms import Study, Watch
from .measured import StudyConfig
from .publication import Publication

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
        from .overhead_page import publication

        return publication(OverheadData.of(study, self.arms(full=full)), self)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the grid."""

    miners: int
    """N"""
    validators: int
    """V"""
    overhead: dict[str, Figure]
    """By resource; its value is None where doing the work once uses none of it."""
    apart: Figure
    """In CPU, where the validators' tasks are their own and one of them is wanted."""
    useful_work: Figure
    """1 / overhead in CPU."""
    grading_share: Figure
    """Of making tasks and grading, in the CPU of one task."""
    carrying_share: float
    """Of transport, scheduling, consensus and record, in the subnet's CPU."""
    parts: dict[str, float]
    """CPU seconds of one task, by part of the bill."""
    unexplained: float
    """Share of the total that the parts don't add up to."""
    quality: Figure
    """True quality of the answer that a customer gets: that of the miner which the validators' other grades
    put first; over the tasks that all points share, so that luck with tasks makes no difference."""
    rounds: int


@dataclass(frozen=True, slots=True)
class OverheadData:
    """The whole grid."""

    points: tuple[Point, ...]
    unit: Unit
    """What its parts cost, over all arms."""

    @classmethod
    def of(cls, study: Study, arms: Sequence[Arm]) -> Self:
        """Read the records of a study's arms."""
        points, units = [], []
        asked = []
        for arm in arms:
            with study.record(arm) as record:
                asked.append({GradedRound.of(entry).task_id for entry in record.entries("round")})
        shared = set.intersection(*asked)
        for arm in arms:
            with study.record(arm) as record:
                points.append(_point(arm, record, shared))
                units.append(list(_units(record)))
        return cls(tuple(points), Unit.of([one for some in units for one in some]))

    def cheapest(self) -> Point | None:
        """Return the point of least overhead whose quality is within 1 % of the best; None if none is above 0."""
        known = [point for point in self.points if point.quality.value]
        if not known:
            return None
        best = max(point.quality.value or 0.0 for point in known)
        good = [point for point in known if (point.quality.value or 0.0) >= (1 - WITHIN) * best]
        return min(good, key=lambda point: point.overhead["cpu_s"].value or float("inf"))


@dataclass(frozen=True, slots=True)
class Unit:
    """CPU of one part of a subnet's work, over that of doing a task once."""

    answer: Figure
    """One miner's answer."""
    task: Figure
    """Making one task with its reference."""
    grade: Figure
    """One grade of one answer."""

    @classmethod
    def of(cls, rounds: Sequence[tuple[GradedRound, Cost]]) -> Self:
        """Take the averages over rounds and what each costs once; those with the same task are one observation."""
        by_task: defaultdict[tuple[str, int], list[float]] = defaultdict(lambda: [0.0] * 5)
        for graded, once in rounds:
            asked = len(graded.answers)
            used = (
                *(_answers(graded).cpu_s, asked * once.cpu_s),
                *(graded.task_cost.cpu_s, once.cpu_s, graded.grading_cost.cpu_s),
            )
            found = by_task[graded.task_id, graded.task_seed]
            by_task[graded.task_id, graded.task_seed] = [a + b for a, b in zip(found, used, strict=True)]
        answers, scaled, tasks, once_s, grades = zip(*by_task.values(), strict=True) if by_task else [()] * 5
        return cls(answer=_ratio(answers, scaled), task=_ratio(tasks, once_s), grade=_ratio(grades, scaled))

    def overhead(
        self, *, runs: float, references: float = 0.0, tasks: float = 1.0, grades: float = 0.0
    ) -> float | None:
        """Bill a subnet by its shape: how much of each part is behind one answer that somebody wanted.

        A reference written by a model costs what an answer does. None where nothing was measured.
        """
        if self.answer.value is None or self.task.value is None or self.grade.value is None:
            return None
        return (runs + references) * self.answer.value + tasks * self.task.value + grades * self.grade.value


def _point(arm: Arm, record: RunRecord, common: set[str]) -> Point:
    bill, config = Bill.of(record), arm.config
    asking = bill.validators
    rounds = list(_units(record))
    groups: defaultdict[str, float] = defaultdict(float)
    for part in bill.subnet_parts:
        groups[part.group] += part.cost.cpu_s
    checking = ("making tasks", "grading")
    shared = sum(cpu_s for group, cpu_s in groups.items() if group not in ("miners", *checking))
    carrying = shared - groups.get("providers", 0.0)
    carried = Cost(cpu_s=shared / max(1, bill.tasks))
    above = [
        _answers(graded) + _times(graded.task_cost + graded.grading_cost, asking) + carried for graded, _ in rounds
    ]
    apart = [
        (_answers(graded) + graded.task_cost + graded.grading_cost + carried).cpu_s * asking for graded, _ in rounds
    ]
    below = [cost for _, cost in rounds]
    overhead = {
        resource: _ratio(
            [_amount(cost, resource, config.prices) for cost in above],
            [_amount(cost, resource, config.prices) for cost in below],
        )
        for resource in RESOURCES
    }
    checked = [asking * (graded.task_cost + graded.grading_cost).cpu_s for graded, _ in rounds]
    spent = [cost.cpu_s for cost in above]
    tasks = max(1, bill.tasks)
    return Point(
        miners=len(config.miner_names),
        validators=asking,
        overhead=overhead,
        apart=_ratio(apart, [cost.cpu_s for cost in below]),
        useful_work=_ratio([cost.cpu_s for cost in below], spent),
        grading_share=_ratio(checked, spent),
        carrying_share=carrying / bill.subnet_cpu_s if bill.subnet_cpu_s else 0.0,
        parts={group: cpu_s / tasks * (asking if group in checking else 1) for group, cpu_s in groups.items()},
        unexplained=bill.unexplained_cpu_s / bill.total_cpu_s if bill.total_cpu_s else 0.0,
        quality=mean(list(_customer(record, config, common))),
        rounds=len(rounds),
    )


def _units(record: RunRecord) -> Iterator[tuple[GradedRound, Cost]]:
    """Yield the rounds of a run whose work was also done once, with what that cost."""
    once: dict[str, Cost] = {}
    for epoch in map(Epoch.of, record.entries("epoch")):
        served = Cost(cpu_s=epoch.once_servers_cpu_s / max(1, len(epoch.once)))
        once |= {place: cost + served for place, cost in epoch.once.items()}
    for graded in map(GradedRound.of, record.entries("round")):
        if graded.place in once and once[graded.place].cpu_s > 0:
            yield graded, once[graded.place]


def _customer(record: RunRecord, config: RunConfig, tasks: set[str]) -> Iterator[float]:
    """Yield, for each round with one of these tasks, the quality of the answer of whom all other rounds put first.

    Grades count by their validator's stake. The round's own are left out: a customer's question has no grade yet.
    """
    rounds = [GradedRound.of(entry) for entry in record.entries("round")]
    stakes = dict(enumerate(table.stake for table in config.validators for _ in table.names()))
    scores: dict[int, dict[str, tuple[float, float]]] = defaultdict(dict)
    for graded in rounds:
        for answer in graded.answers:
            if answer.score is not None:
                scores[answer.uid][graded.place] = (stakes[graded.validator], answer.score)
    for graded in rounds:
        if graded.task_id not in tasks:
            continue
        merit = {}
        for answer in graded.answers:
            others = [pair for place, pair in scores[answer.uid].items() if place != graded.place]
            weight = sum(stake for stake, _ in others)
            merit[answer.uid] = sum(stake * value for stake, value in others) / weight if weight else 0.0
        best = max(graded.answers, key=lambda answer: (merit[answer.uid], -answer.uid), default=None)
        if best is not None and best.quality is not None:
            yield best.quality


def _answers(graded: GradedRound) -> Cost:
    return sum((answer.cost for answer in graded.answers), start=Cost())


def _times(cost: Cost, times: int) -> Cost:
    return sum([cost] * times, start=Cost())


def _amount(cost: Cost, resource: str, prices: PriceTable) -> float:
    if resource == "tokens":
        return float(cost.input_tokens + cost.output_tokens)
    return price(cost, prices) if resource == "usd" else float(getattr(cost, resource))


def _ratio(above: Sequence[float], below: Sequence[float]) -> Figure:
    """Ratio of sums with its interval; without a value where there is nothing below."""
    return ratio(above, below) if sum(below) > 0 else Figure(None, None, None, len(below))
