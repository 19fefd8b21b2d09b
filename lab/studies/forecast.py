"""Forecast: the time and money that a study will take, estimated from a short probe and its smallest arm."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from lab.config.prices import price
from lab.config.run_config import RunConfig
from lab.record.completed_run import CompletedRun
from lab.record.entries import GradedRound
from lab.record.record import RunRecord
from lab.results.bill import Bill
from subnets import Cost

from .arm import Arm, singly

IDENTITY = ("name", "count", "coldkey", "stake", "seed")
"""Keys of a miner's table that identify it and say nothing about its work."""
CARRYING = ("transport and scheduling", "consensus", "record", "providers' servers")
"""Parts of the bill that are spread over all answers."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Estimated cost of the remaining arms."""

    wall_s: float
    cpu_s: float
    usd: float
    """Cost at the config's prices, payments to APIs included."""
    by_arm_s: dict[str, float]
    """Wall seconds of each arm and of the work after the arms, without the probe."""

    def plus(self, more_s: dict[str, float], config: RunConfig) -> Forecast:
        """Add work on one core: wall seconds by name."""
        added_s = sum(more_s.values())
        usd = self.usd + price(Cost(cpu_s=added_s), config.prices)
        return Forecast(self.wall_s + added_s, self.cpu_s + added_s, usd, self.by_arm_s | more_s)


def estimate(probe: RunRecord, smallest: RunRecord | None, start_s: float, arms: Sequence[Arm]) -> Forecast:
    """Estimate the cost of arms from the probe's answers, tasks and grades.

    A miner that the probe did not ask is assumed to cost as much as others of its kind, or else as the average miner.
    Queries that share an engine cost less together; comparing the smallest arm with the probe shows how much less.
    An arm's wall time is its CPU time over the cores that its rounds in flight can keep busy, at the probe's
    efficiency.

    Args:
        probe: the record of the short run, with a miner of every table.
        smallest: the record of an arm with fewer queries in flight; None assumes that sharing an engine saves nothing.
        start_s: seconds to start and stop a pool.
        arms: the arms that remain to be played.
    """
    costs = _RunCosts.of(probe)
    bill, epochs = Bill.of(probe), costs.run.epochs
    cpu_s_of = {part.name: part.cost.cpu_s for part in bill.parts}
    task_s = _average([graded.task_cost for graded in costs.rounds]).cpu_s
    grade_s = sum(graded.grading_cost.cpu_s + graded.measuring_cost.cpu_s for graded in costs.rounds) / max(
        1, sum(len(graded.answers) for graded in costs.rounds)
    )
    carrying_s = sum(cpu_s_of.get(name, 0.0) for name in CARRYING) / bill.answers
    baseline_s = cpu_s_of["doing it once"] / max(1, sum(len(epoch.baseline) for epoch in epochs))
    cores = max((epoch.use.cores for epoch in epochs), default=1)
    efficiency = bill.total_cpu_s / max(1e-9, bill.wall_s * _busy(costs.run.config, cores))
    sharing = _EngineSharing.of(costs, None if smallest is None else _RunCosts.of(smallest))
    by_arm_s, cpu_s, usd = {}, 0.0, 0.0
    for arm in arms:
        answers = costs.answers(arm.config)
        answers_s = sum(cost.cpu_s for cost in answers) * sharing.factor(_in_flight(arm.config))
        own_s = task_s + (grade_s + carrying_s) * len(answers) + (baseline_s if arm.config.bare.every else 0.0)
        cpu_s += arm.rounds * (answers_s + own_s)
        usd += arm.rounds * sum(price(cost, arm.config.prices) for cost in answers)
        usd += price(Cost(cpu_s=arm.rounds * own_s), arm.config.prices)
        busy = min(1.0, efficiency) * _busy(arm.config, cores)
        by_arm_s[arm.name] = start_s + arm.rounds * (answers_s + own_s) / max(1e-9, busy)
    return Forecast(sum(by_arm_s.values()), cpu_s, usd, by_arm_s)


@dataclass(frozen=True, slots=True)
class _RunCosts:
    """Cost of a run's answers."""

    run: CompletedRun
    rounds: Sequence[GradedRound]
    """Without the first ones, which pay for loading models."""
    by_work: dict[str, Cost]
    """Cost of answering an average task, by the miner's options and by its kind."""
    fallback: Cost

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        run = CompletedRun.of(record)
        rounds = [graded for graded in run.rounds if graded.number >= run.config.pool.rounds_in_flight]
        rounds = rounds or list(run.rounds)
        tables = {table["name"]: table for table in _miner_tables(run.config)}
        names = run.names("miner")
        spent: defaultdict[str, list[Cost]] = defaultdict(list)
        for graded in rounds:
            for answer in graded.answers:
                table = tables[names[answer.uid]]
                spent[_work(table)].append(answer.cost)
                spent[table["kind"]].append(answer.cost)
        every = [answer.cost for graded in rounds for answer in graded.answers]
        size = _size(run, rounds)
        return cls(run, rounds, {work: _average(costs, size) for work, costs in spent.items()}, _average(every, size))

    def covers(self, config: RunConfig) -> bool:
        """Return True if this run has a miner with the options of each miner of `config`."""
        return all(_work(table) in self.by_work for table in _miner_tables(config))

    def answers(self, config: RunConfig) -> list[Cost]:
        """Return the assumed cost of an answer of each miner of another run."""
        return [
            self.by_work.get(_work(table), self.by_work.get(table["kind"], self.fallback))
            for table in _miner_tables(config)
        ]


@dataclass(frozen=True, slots=True)
class _EngineSharing:
    """Cost of an answer with c queries in flight over its cost in the probe: each + fixed / c."""

    each: float = 1.0
    fixed: float = 0.0

    @classmethod
    def of(cls, probe: _RunCosts, smallest: _RunCosts | None) -> Self:
        if smallest is None or not probe.covers(smallest.run.config):
            return cls()
        config = smallest.run.config
        many, few = _in_flight(probe.run.config), _in_flight(config)
        expected_s, measured_s = (sum(cost.cpu_s for cost in costs.answers(config)) for costs in (probe, smallest))
        if few >= many or expected_s <= 0:
            return cls()
        fixed = min(many, (measured_s / expected_s - 1.0) / (1.0 / few - 1.0 / many))
        return cls(1.0 - fixed / many, fixed)

    def factor(self, in_flight: float) -> float:
        return self.each + self.fixed / in_flight


def _miner_tables(config: RunConfig) -> list[dict[str, Any]]:
    """Return one table for each miner of a config."""
    return singly(config.model_dump(mode="json")["miners"])


def _work(table: dict[str, Any]) -> str:
    """Identify a miner's work by its options, without the keys that identify the miner."""
    return json.dumps({key: value for key, value in table.items() if key not in IDENTITY}, sort_keys=True)


def _size(run: CompletedRun, rounds: Sequence[GradedRound]) -> float:
    """Return the size of a run's average task over that of the tasks of `rounds`, by the cost of doing them once."""
    baseline = {place: cost.cpu_s for epoch in run.epochs for place, cost in epoch.baseline.items()}
    sizes = [baseline[graded.key] for graded in rounds if graded.key in baseline]
    return sum(baseline.values()) / len(baseline) * len(sizes) / sum(sizes) if sum(sizes) > 0 else 1.0


def _busy(config: RunConfig, cores: int) -> float:
    """Return the number of cores that a run's rounds in flight can keep busy."""
    return float(min(cores, _in_flight(config), config.pool.hosts or cores))


def _in_flight(config: RunConfig) -> float:
    """Return the most queries that a run has in flight."""
    asking = sum(validator.asks for validator in config.build_validators())
    return float(len(config.miner_names) * asking * min(config.pool.rounds_in_flight, config.chain.rounds_per_epoch))


def _average(costs: Sequence[Cost], size: float = 1.0) -> Cost:
    if not costs:
        return Cost()
    total, share = sum(costs, start=Cost()), size / len(costs)
    return Cost(cpu_s=total.cpu_s * share, gpu_s=total.gpu_s * share, paid_usd=total.paid_usd * share)
