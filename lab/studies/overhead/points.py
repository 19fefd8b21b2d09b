"""Points of the overhead study: the N+V bill for each number of miners and validators.

    data = OverheadData.read(config, study, arms)
    data.points[0].overhead["cpu_s"].text()

Each point of the grid is a run of its own. Overhead is everything that the miners and validators of a task used,
over the cost of producing the answer once:

    (sum of the miners' answers + V * (making the task and its reference, grading) + carrying) / baseline

That is the case of a customer who wants every validator's task. If only one validator's task is wanted and the others
only check the miners, by tasks of their own, the miners' part counts V times as well: `apart`.

The quality of a customer's answer does not come from each point's own run, whose few miners are the first of the
config, often the best. It is that of N miners drawn at random from the largest run with V validators.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lab.config.prices import PriceTable, price
from lab.record.completed_run import CompletedRun
from lab.record.entries import GradedRound
from lab.results.bill import Bill
from lab.statistics import NONNEGATIVE, Estimate, mean, mean_score, ratio
from lab.statistics.estimate import jackknifed
from lab.studies.arm import Arm
from lab.studies.study_folder import StudyFolder
from subnets import Cost

from .config import OverheadConfig

RESOURCES = ("cpu_s", "gpu_s", "tokens", "energy_j", "usd")
"""Resources for which an overhead is given."""

MINER_DRAWS = 200
"""Draws of miners for the quality of a customer's answer."""
WITHIN = 0.01
"""Relative distance from the best quality up to which a quality counts as equally good."""


@dataclass(frozen=True, slots=True)
class GridPoint:
    """One point of the grid."""

    miners: int
    """N"""
    validators: int
    """V"""
    overhead: dict[str, Estimate]
    """Overhead by resource; no value where doing the work once uses none of it."""
    apart: Estimate
    """Overhead in CPU if only one validator's task is wanted and the others only check."""
    useful_work: Estimate
    """1 / overhead in CPU."""
    grading_share: Estimate
    """Share of making tasks and grading in the CPU of one task."""
    carrying_share: Estimate
    """Share of transport, scheduling, consensus and record in the CPU of one task; these are spread over all tasks."""
    parts: dict[str, Estimate]
    """CPU seconds of one task, by part of the bill; a part that is spread over all tasks has no interval."""
    unexplained: float
    """CPU that meters counted in excess of what the processes used, over the latter. CPU that no meter explains is
    billed under transport and scheduling."""
    quality: Estimate
    """True quality of the answer that a customer gets from N miners drawn at random: the answer of the one that the
    validators' other grades rank first, mean over draws of miners. n counts tasks."""


@dataclass(frozen=True, slots=True)
class OverheadData:
    """The whole grid."""

    points: tuple[GridPoint, ...]
    unit: UnitCosts
    """Costs of the parts, over all arms."""

    @classmethod
    def read(cls, config: OverheadConfig, study: StudyFolder, arms: Sequence[Arm]) -> Self:
        """Read the records of a study's arms."""
        billed = []
        for arm in arms:
            with study.record(arm) as record:
                run = CompletedRun.of(record)
            billed.append((run, Bill.of_run(run)))
        largest: dict[int, CustomerAnswers] = {}
        for run, bill in sorted(billed, key=lambda pair: len(pair[0].config.miner_names)):
            largest[bill.validators] = CustomerAnswers.of(run)
        return cls(
            tuple(_point(run, bill, largest[bill.validators]) for run, bill in billed),
            UnitCosts.of([pair for run, _ in billed for pair in _with_baseline(run)]),
        )

    def cheapest(self) -> GridPoint | None:
        """Return the point of least overhead whose quality is within 1 % of the best; None if every quality is 0."""
        known = [point for point in self.points if point.quality.value]
        if not known:
            return None
        best = max(point.quality.value or 0.0 for point in known)
        good = [point for point in known if (point.quality.value or 0.0) >= (1 - WITHIN) * best]
        return min(good, key=lambda point: point.overhead["cpu_s"].value or float("inf"))


@dataclass(frozen=True, slots=True, eq=False)
class UnitCosts:
    """CPU of each part of a subnet's work, over the CPU of doing a task once."""

    spent: NDArray[np.float64]
    """CPU seconds of each task (T, 5), summed over its rounds: answers; the baseline for each answer; making the task
    with its reference; the baseline for each round; grades."""

    @classmethod
    def of(cls, rounds: Sequence[tuple[GradedRound, Cost]]) -> Self:
        """Sum rounds, each paired with its baseline; rounds with the same task are one observation."""
        by_task: defaultdict[tuple[str, int], NDArray[np.float64]] = defaultdict(lambda: np.zeros(5))
        for graded, baseline in rounds:
            answers = (_answers(graded).cpu_s, len(graded.answers) * baseline.cpu_s)
            by_task[graded.task_id, graded.task_seed] += np.array(
                [*answers, graded.task_cost.cpu_s, baseline.cpu_s, graded.grading_cost.cpu_s]
            )
        return cls(np.array(list(by_task.values())).reshape(-1, 5))

    @property
    def answer(self) -> Estimate:
        """Cost of one miner's answer."""
        return self._billed(answers=1.0)

    @property
    def task(self) -> Estimate:
        """Cost of making one task with its reference."""
        return self._billed(tasks=1.0)

    @property
    def grade(self) -> Estimate:
        """Cost of one grade of one answer."""
        return self._billed(grades=1.0)

    def overhead(self, *, runs: float, references: float = 0.0, grades: float = 0.0) -> Estimate:
        """Bill a subnet by its shape: the runs, model-written references and grades behind one wanted answer.

        A reference written by a model costs as much as an answer. The interval is over tasks, for all parts together.
        """
        return self._billed(answers=runs + references, tasks=1.0, grades=grades)

    def _billed(self, answers: float = 0.0, tasks: float = 0.0, grades: float = 0.0) -> Estimate:
        """Return the cost of so many of each part together; no value if nothing was measured."""

        def billed(sums: NDArray[np.float64]) -> NDArray[np.float64]:
            answering, answering_baseline, making, making_baseline, grading = sums.T
            with np.errstate(invalid="ignore"):  # no task, or none with answers
                return np.asarray(
                    (answers * answering + grades * grading) / answering_baseline + tasks * making / making_baseline
                )

        return jackknifed(self.spent, billed, NONNEGATIVE)


@dataclass(frozen=True, slots=True, eq=False)
class CustomerAnswers:
    """What a customer would get from the miners of a run, whichever of them there were."""

    merits: NDArray[np.float64]
    """(T, M): mean grade of each miner in all other rounds, weighted by the validators' stakes, because a new question
    has no grade yet; NaN without another grade, or if the miner was not asked."""
    qualities: NDArray[np.float64]
    """(T, M): true quality of each answer; NaN if unknown."""

    @classmethod
    def of(cls, run: CompletedRun) -> Self:
        """Read a run."""
        rounds = run.rounds
        uids = sorted({answer.uid for graded in rounds for answer in graded.answers})
        stakes = [table.stake for table in run.config.validators for _ in table.names()]
        weights, grades = np.zeros((len(rounds), len(uids))), np.zeros((len(rounds), len(uids)))
        asked, qualities = np.zeros(grades.shape, bool), np.full(grades.shape, np.nan)
        for row, graded in enumerate(rounds):
            for answer in graded.answers:
                place = row, uids.index(answer.uid)
                asked[place] = True
                qualities[place] = np.nan if answer.quality is None else answer.quality
                if answer.score is not None:
                    weights[place] = stakes[graded.validator]
                    grades[place] = stakes[graded.validator] * answer.score
        others = weights.sum(axis=0) - weights
        merits = np.divide(
            grades.sum(axis=0) - grades, others, out=np.full(grades.shape, np.nan), where=asked & (others > 0)
        )
        return cls(merits, qualities)

    def quality(self, miners: int) -> Estimate:
        """Return the quality of a customer's answer from so many miners, drawn at random without replacement.

        A round in which no drawn miner has a merit, or the chosen answer's quality is unknown, is left out of the draw.
        """
        rng = np.random.default_rng(0)
        tasks, count = self.merits.shape
        chosen = np.full((MINER_DRAWS, tasks), np.nan)
        # Equal merits go to the first miner of a draw, which is in random order.
        for draw in range(MINER_DRAWS):
            drawn = rng.permutation(count)[:miners]
            merits = np.where(np.isnan(self.merits[:, drawn]), -np.inf, self.merits[:, drawn])
            best = merits.argmax(axis=1)
            qualities = self.qualities[np.arange(tasks), drawn[best]]
            chosen[draw] = np.where(np.isfinite(merits.max(axis=1)), qualities, np.nan)
        known = ~np.isnan(chosen)
        means = np.where(known, chosen, 0.0).sum(axis=0)[known.any(axis=0)] / known.sum(axis=0)[known.any(axis=0)]
        return mean_score(means.tolist())


def _point(run: CompletedRun, bill: Bill, customers: CustomerAnswers) -> GridPoint:
    asking, prices = bill.validators, run.config.prices
    tasks = max(1, bill.tasks)
    groups: defaultdict[str, float] = defaultdict(float)
    for part in bill.subnet_parts:
        groups[part.group] += part.cost.cpu_s / tasks
    by_round = {
        "miners": mean([_answers(graded).cpu_s for graded in run.rounds], NONNEGATIVE),
        "making tasks": mean([asking * graded.task_cost.cpu_s for graded in run.rounds], NONNEGATIVE),
        "grading": mean([asking * graded.grading_cost.cpu_s for graded in run.rounds], NONNEGATIVE),
    }
    spread = {group: cpu_s for group, cpu_s in groups.items() if group not in by_round}
    carried = Cost(cpu_s=sum(spread.values()))
    rounds = list(_with_baseline(run))
    checks = [graded.task_cost + graded.grading_cost for graded, _ in rounds]
    answers = [_answers(graded) for graded, _ in rounds]
    above = [own + _times(check, asking) + carried for own, check in zip(answers, checks, strict=True)]
    apart = [asking * (own + check + carried).cpu_s for own, check in zip(answers, checks, strict=True)]
    below = [cost for _, cost in rounds]
    spent, baseline = [cost.cpu_s for cost in above], [cost.cpu_s for cost in below]
    carrying_s = carried.cpu_s - spread.get("providers", 0.0)
    return GridPoint(
        miners=len(run.config.miner_names),
        validators=asking,
        overhead={
            resource: _ratio(*([_amount(cost, resource, prices) for cost in costs] for costs in (above, below)))
            for resource in RESOURCES
        },
        apart=_ratio(apart, baseline),
        useful_work=_ratio(baseline, spent),
        grading_share=_ratio([asking * check.cpu_s for check in checks], spent),
        carrying_share=_ratio([carrying_s] * len(spent), spent),
        parts=by_round | {group: Estimate(cpu_s, None, None, bill.tasks) for group, cpu_s in spread.items()},
        unexplained=bill.unexplained_cpu_s / bill.total_cpu_s if bill.total_cpu_s else 0.0,
        quality=customers.quality(len(run.config.miner_names)),
    )


def _with_baseline(run: CompletedRun) -> Iterator[tuple[GradedRound, Cost]]:
    """Yield the rounds of a run whose work was also done once, each with the cost of that."""
    baseline: dict[str, Cost] = {}
    for epoch in run.epochs:
        servers = Cost(cpu_s=epoch.baseline_servers_cpu_s / max(1, len(epoch.baseline)))
        baseline |= {place: cost + servers for place, cost in epoch.baseline.items()}
    for graded in run.rounds:
        if graded.key in baseline and baseline[graded.key].cpu_s > 0:
            yield graded, baseline[graded.key]


def _answers(graded: GradedRound) -> Cost:
    return sum((answer.cost for answer in graded.answers), start=Cost())


def _times(cost: Cost, times: int) -> Cost:
    return sum([cost] * times, start=Cost())


def _amount(cost: Cost, resource: str, prices: PriceTable) -> float:
    if resource == "tokens":
        return float(cost.input_tokens + cost.output_tokens)
    return price(cost, prices) if resource == "usd" else float(getattr(cost, resource))


def _ratio(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """Return the ratio of sums with its interval; no value if the denominator is 0."""
    return ratio(above, below, NONNEGATIVE) if sum(below) > 0 else Estimate(None, None, None, len(below))
