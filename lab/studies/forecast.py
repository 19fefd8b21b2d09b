"""What a study's arms will take, foreseen from a short probe and the smallest of them."""

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
"""What makes a miner's table an identity, and says nothing of its work."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the arms that are left will take, by the probe and the smallest of them."""

    wall_s: float
    cpu_s: float
    usd: float
    """At the config's prices, with what is paid to APIs."""
    by_arm_s: dict[str, float]
    """Wall seconds of each arm and of what follows them, the probe left out."""

    def plus(self, more_s: dict[str, float], config: RunConfig) -> Forecast:
        """Add work on one core: wall seconds by name."""
        added_s = sum(more_s.values())
        usd = self.usd + price(Cost(cpu_s=added_s), config.prices)
        return Forecast(self.wall_s + added_s, self.cpu_s + added_s, usd, self.by_arm_s | more_s)


def foresee(probe: RunRecord, smallest: RunRecord | None, start_s: float, arms: Sequence[Arm]) -> Forecast:
    """Work out what arms will take from what the probe's answers, tasks and grades took.

    A miner that the probe has not asked is taken to cost what others of its kind do, or else all. Queries that share
    an engine cost less together: how much is told by the smallest arm beside the probe. The wall time of an arm is
    its CPU time over the cores that its rounds in flight can keep busy, at the probe's efficiency.

    Args:
        probe: the record of the short run with a miner of every table.
        smallest: that of an arm with fewer queries in flight; None takes answers to cost the same in any company.
        start_s: what the start and the end of a pool take.
        arms: what is left to be played.
    """
    found = _Found.of(probe)
    bill, epochs = Bill.of(probe), found.played.epochs
    known = {part.name: part.cost.cpu_s for part in bill.parts}
    task = _average([graded.task_cost for graded in found.rounds]).cpu_s
    graded_s = sum(graded.grading_cost.cpu_s + graded.measuring_cost.cpu_s for graded in found.rounds) / max(
        1, sum(len(graded.answers) for graded in found.rounds)
    )
    carrying = ("transport and scheduling", "consensus", "record", "providers' servers")
    carried_s = sum(known.get(name, 0.0) for name in carrying) / bill.answers
    once = known["doing it once"] / max(1, sum(len(epoch.once) for epoch in epochs))
    cores = max((epoch.use.cores for epoch in epochs), default=1)
    efficiency = bill.total_cpu_s / max(1e-9, bill.wall_s * _busy(found.played.config, cores))
    together = _Together.of(found, None if smallest is None else _Found.of(smallest))
    by_arm, cpu_s, usd = {}, 0.0, 0.0
    for arm in arms:
        asked = found.answers(arm.config)
        answers_s = sum(cost.cpu_s for cost in asked) * together.share(_in_flight(arm.config))
        bare = once if arm.config.bare.every else 0.0
        own_s = task + (graded_s + carried_s) * len(asked) + bare
        cpu_s += arm.rounds * (answers_s + own_s)
        usd += arm.rounds * sum(price(cost, arm.config.prices) for cost in asked)
        usd += price(Cost(cpu_s=arm.rounds * own_s), arm.config.prices)
        busy = min(1.0, efficiency) * _busy(arm.config, cores)
        by_arm[arm.name] = start_s + arm.rounds * (answers_s + own_s) / max(1e-9, busy)
    return Forecast(sum(by_arm.values()), cpu_s, usd, by_arm)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a run's answers cost."""

    played: CompletedRun
    rounds: Sequence[GradedRound]
    """Without the first ones, which pay for what is loaded once."""
    by_work: dict[str, Cost]
    """Of an answer to an average task, by what the miner does and by its kind."""
    fallback: Cost

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        played = CompletedRun.of(record)
        rounds = [graded for graded in played.rounds if graded.number >= played.config.pool.rounds_in_flight]
        rounds = rounds or list(played.rounds)
        tables = {table["name"]: table for table in singly_of(played.config)}
        names = played.names("miner")
        spent: defaultdict[str, list[Cost]] = defaultdict(list)
        for graded in rounds:
            for answer in graded.answers:
                table = tables[names[answer.uid]]
                spent[_work(table)].append(answer.cost)
                spent[table["kind"]].append(answer.cost)
        every = [answer.cost for graded in rounds for answer in graded.answers]
        size = _size(played, rounds)
        return cls(
            played, rounds, {work: _average(costs, size) for work, costs in spent.items()}, _average(every, size)
        )

    def knows(self, config: RunConfig) -> bool:
        """Whether all that another run's miners do was done in this one."""
        return all(_work(table) in self.by_work for table in singly_of(config))

    def answers(self, config: RunConfig) -> list[Cost]:
        """What an answer of each miner of another run is taken to cost."""
        return [
            self.by_work.get(_work(table), self.by_work.get(table["kind"], self.fallback))
            for table in singly_of(config)
        ]


@dataclass(frozen=True, slots=True)
class _Together:
    """What an answer costs with c queries in flight, beside what it costs in the probe: each + fixed / c."""

    each: float = 1.0
    fixed: float = 0.0

    @classmethod
    def of(cls, probe: _Found, smallest: _Found | None) -> Self:
        if smallest is None or not probe.knows(smallest.played.config):
            return cls()
        fewer = smallest.played.config
        many, few = _in_flight(probe.played.config), _in_flight(fewer)
        foreseen_s, took_s = (sum(cost.cpu_s for cost in found.answers(fewer)) for found in (probe, smallest))
        if few >= many or foreseen_s <= 0:
            return cls()
        fixed = min(many, (took_s / foreseen_s - 1.0) / (1.0 / few - 1.0 / many))
        return cls(1.0 - fixed / many, fixed)

    def share(self, in_flight: float) -> float:
        return self.each + self.fixed / in_flight


def singly_of(config: RunConfig) -> list[dict[str, Any]]:
    """Return the miners' tables of a config, one for each miner."""
    return singly(config.model_dump(mode="json")["miners"])


def _work(table: dict[str, Any]) -> str:
    """Name what a miner does: its options without what makes it an identity."""
    return json.dumps({key: value for key, value in table.items() if key not in IDENTITY}, sort_keys=True)


def _size(played: CompletedRun, rounds: Sequence[GradedRound]) -> float:
    """How large an average task of a run is beside those of some rounds, by what doing them once took."""
    once = {place: cost.cpu_s for epoch in played.epochs for place, cost in epoch.once.items()}
    these = [once[graded.place] for graded in rounds if graded.place in once]
    return sum(once.values()) / len(once) * len(these) / sum(these) if sum(these) > 0 else 1.0


def _busy(config: RunConfig, cores: int) -> float:
    """How many cores a run's rounds in flight can keep busy."""
    return float(min(cores, _in_flight(config), config.pool.hosts or cores))


def _in_flight(config: RunConfig) -> float:
    """Queries that a run has in flight at most."""
    asking = sum(validator.asks for validator in config.build_validators())
    return float(len(config.miner_names) * asking * min(config.pool.rounds_in_flight, config.chain.rounds_per_epoch))


def _average(costs: Sequence[Cost], size: float = 1.0) -> Cost:
    if not costs:
        return Cost()
    total, share = sum(costs, start=Cost()), size / len(costs)
    return Cost(cpu_s=total.cpu_s * share, gpu_s=total.gpu_s * share, paid_usd=total.paid_usd * share)
