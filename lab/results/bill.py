"""The N+V bill: what the subnet used, part by part, beside the price of doing the same work once.

    bill = Bill.of(record)
    bill.overhead.value        # e.g. 6.3: the subnet used 6.3 times the CPU of doing each page once

CPU is what is metered. Each part has its own meter; transport and scheduling is what our processes
used beyond those. The total is read apart, from the processes themselves: where a meter counted
something twice, the parts exceed it, and `unexplained` says by how much.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lab.config.prices import PriceTable, price
from lab.record.completed_run import CompletedRun
from lab.record.entries import GradedRound
from lab.record.record import RunRecord
from lab.statistics import Estimate, mean, ratio
from subnets import Cost

ROLES = ("driver", "host", "validator", "system")
"""Of our processes."""

SUBNET_PARTS = ("miners", "making tasks", "grading", "transport and scheduling", "consensus", "record", "providers")
"""What belongs to the subnet; measuring true quality and doing the work once are the laboratory's own.

"providers" is what the servers of the run used: the far end of the APIs that miners call. It has no dollars of its
own, since miners pay providers by the token, and that is in the miners' lines.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the bill."""

    name: str
    group: str
    """"miners" for each miner's line, else the name."""
    cost: Cost
    usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """What a run used."""

    parts: tuple[Part, ...]
    """They add up to `total_cpu_s`, within `unexplained_cpu_s`."""
    total_cpu_s: float
    """Of all our processes, read from the processes."""
    unexplained_cpu_s: float
    """By how much the meters of some role exceed what its processes used."""
    setup_cpu_s: float
    """Starting processes and engines, before the first query; not in the total."""
    idle_cpu_s: float
    """Core seconds of the machine that nothing of ours used."""
    idle_usd: float
    wall_s: float
    cores: int
    miners: Estimate
    """N: miners asked in a round."""
    validators: int
    """V: validators that ask."""
    tasks: int
    answers: int
    lost: int
    """Queries that never reached their miner; unscored."""
    once_cpu_s: Estimate
    """CPU to do one task's work once, with no subnet around it."""
    once_usd: Estimate
    overhead: Estimate
    """CPU of the subnet for a task, over that of doing the task once."""
    overhead_of_one: Estimate
    """The same where only one of the V validators' tasks was wanted by a customer and the others check."""
    useful_work: Estimate
    """1 / overhead: the share of the subnet's CPU that doing each task once would have needed."""
    grading_share: float
    """Of making tasks and grading, in the subnet's CPU."""
    prices: PriceTable
    sessions: int
    """Processes that worked on the run. Of one that was killed, what it used after its last epoch beyond the
    meters of its finished rounds is not known and not in here."""

    @property
    def subnet_parts(self) -> list[Part]:
        """The lines that are the subnet's: its miners, then the others by size."""
        parts = [part for part in self.parts if part.group in SUBNET_PARTS]
        return sorted(parts, key=lambda part: 0.0 if part.group == "miners" else 1.0 / (1e-9 + part.cost.cpu_s))

    @property
    def own_parts(self) -> list[Part]:
        """The lines that are the laboratory's own."""
        return [part for part in self.parts if part.group not in SUBNET_PARTS]

    @property
    def subnet_cpu_s(self) -> float:
        """CPU seconds of the subnet's own parts."""
        return sum(part.cost.cpu_s for part in self.subnet_parts)

    @property
    def subnet_usd(self) -> float:
        """Dollars for the subnet's own parts."""
        return sum(part.usd for part in self.subnet_parts)

    @classmethod
    def of(cls, record: RunRecord) -> Bill:
        """Add up the record of a run, as far as its last complete epoch."""
        return _add_up(CompletedRun.of(record))


def total(costs: Iterable[Cost]) -> Cost:
    """Sum of costs."""
    return sum(costs, start=Cost())


def _add_up(played: CompletedRun) -> Bill:
    config, epochs, rounds, names = played.config, played.epochs, played.rounds, played.names("miner")
    once = {place: cost for epoch in epochs for place, cost in epoch.baseline.items()}
    by_miner: defaultdict[int, Cost] = defaultdict(Cost)
    for graded in rounds:
        for answer in graded.answers:
            moved = Cost(sent_bytes=graded.query_bytes, received_bytes=answer.size)
            by_miner[answer.uid] += answer.cost + moved
    grouped = {
        "making tasks": total(graded.task_cost for graded in rounds),
        "grading": total(graded.grading_cost for graded in rounds),
        "consensus": total(epoch.use.consensus for epoch in epochs),
        "record": total(epoch.use.bookkeeping for epoch in epochs),
        "measuring quality": total(graded.measuring_cost for graded in rounds),
    }
    roles = {role: sum(epoch.use.cpu_s.get(role, 0.0) for epoch in epochs) for role in ROLES}
    closing = {epoch.number: epoch.use.session for epoch in epochs}
    per_epoch = config.chain.rounds_per_epoch
    # A round of a session that was killed before its epoch ended has its meters, but no process to hold them against.
    whole = [graded for graded in rounds if graded.session == closing[graded.number // per_epoch]]
    cut = [graded for graded in rounds if graded.session != closing[graded.number // per_epoch]]
    keeping = grouped["consensus"].cpu_s + grouped["record"].cpu_s
    working = total(once.values())
    rests = _rests(roles, whole, keeping, working.cpu_s, local=config.pool.kind == "local")
    transport = sum(rest for rest in rests if rest > 0)
    unexplained = -sum(rest for rest in rests if rest < 0)
    grouped["transport and scheduling"] = Cost(cpu_s=transport)

    lines = [Part(names[uid], "miners", cost, price(cost, config.prices)) for uid, cost in sorted(by_miner.items())]
    lines += [Part(name, name, cost, price(cost, config.prices)) for name, cost in grouped.items()]
    served_once = sum(epoch.baseline_servers_cpu_s for epoch in epochs)
    lines.append(
        Part("doing it once", "doing it once", working + Cost(cpu_s=served_once), price(working, config.prices))
    )
    served = sum(epoch.use.cpu_s.get("server", 0.0) for epoch in epochs) - served_once
    if config.servers:
        lines.append(Part("providers' servers", "providers", Cost(cpu_s=served), usd=0.0))
    wall, cores = sum(epoch.use.wall_s for epoch in epochs), max((epoch.use.cores for epoch in epochs), default=0)
    metered = sum(roles.values()) + served + served_once + sum(map(_all_of, cut))
    idle = max(0.0, sum(epoch.use.wall_s * epoch.use.cores for epoch in epochs) - metered)

    # What no round has for itself (transport, consensus, record, servers) is spread evenly over the rounds.
    shared = transport + grouped["consensus"].cpu_s + grouped["record"].cpu_s + served
    own_server = {
        place: epoch.baseline_servers_cpu_s / len(epoch.baseline) for epoch in epochs for place in epoch.baseline
    }
    done_once = {place: replace(cost, cpu_s=cost.cpu_s + own_server[place]) for place, cost in once.items()}
    subnet = [_cpu_of(graded) + shared / len(rounds) for graded in rounds]
    compared = [
        (cpu, done_once[graded.key].cpu_s)
        for cpu, graded in zip(subnet, rounds, strict=True)
        if graded.key in done_once and done_once[graded.key].cpu_s > 0
    ]
    above, below = [pair[0] for pair in compared], [pair[1] for pair in compared]
    asking = len({graded.validator for graded in rounds})
    overhead = ratio(above, below)
    checking = grouped["making tasks"].cpu_s + grouped["grading"].cpu_s
    return Bill(
        parts=tuple(lines),
        total_cpu_s=metered,
        unexplained_cpu_s=unexplained,
        setup_cpu_s=sum(epoch.use.setup_cpu_s for epoch in epochs),
        idle_cpu_s=idle,
        idle_usd=price(Cost(cpu_s=idle), config.prices),
        wall_s=wall,
        cores=cores,
        miners=mean([float(len(graded.answers)) for graded in rounds]),
        validators=asking,
        tasks=len(rounds),
        answers=sum(len(graded.answers) for graded in rounds),
        lost=sum(answer.fault == "lost" for graded in rounds for answer in graded.answers),
        once_cpu_s=mean([cost.cpu_s for cost in done_once.values()]),
        once_usd=mean([price(cost, config.prices) for cost in once.values()]),
        overhead=overhead,
        overhead_of_one=ratio([cpu * asking for cpu in above], below),
        useful_work=ratio(below, above),
        grading_share=checking / sum(subnet) if subnet and sum(subnet) else 0.0,
        prices=config.prices,
        sessions=len({epoch.use.session for epoch in epochs}),
    )


def _cpu_of(graded: GradedRound) -> float:
    """CPU seconds of a round that are the subnet's."""
    return sum(answer.cost.cpu_s for answer in graded.answers) + graded.task_cost.cpu_s + graded.grading_cost.cpu_s


def _all_of(graded: GradedRound) -> float:
    """CPU seconds of a round, the laboratory's own measuring included."""
    return _cpu_of(graded) + graded.measuring_cost.cpu_s


def _rests(
    roles: dict[str, float], rounds: list[GradedRound], keeping: float, once: float, *, local: bool
) -> list[float]:
    """Return, for each role, what its processes used beyond its meters."""
    answering = sum(answer.cost.cpu_s for graded in rounds for answer in graded.answers)
    validating = sum(_all_of(graded) for graded in rounds) - answering
    if local:  # validators, and miners without an engine, work in the driver's own process
        return [sum(roles.values()) - answering - once - validating - keeping]
    return [
        roles["host"] - answering - once,
        roles["validator"] - validating,
        roles["driver"] - keeping,
        roles["system"],
    ]
