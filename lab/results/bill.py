"""The N+V bill: what the subnet used, part by part, compared with the price of doing the same work once.

    bill = Bill.of(record)
    bill.overhead.value        # e.g. 6.3: the subnet used 6.3 times the CPU of doing each page once

CPU is what is metered. Each part has its own meter; transport and scheduling is what our processes used beyond
those. The total is read separately, from the processes themselves: if a meter counts something twice, the parts exceed
the total, and `unexplained_cpu_s` says by how much.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from lab.config.prices import PriceTable, price
from lab.record.completed_run import CompletedRun
from lab.record.entries import GradedRound
from lab.record.record import RunRecord
from lab.statistics import NONNEGATIVE, Estimate, mean, ratio
from subnets import Cost

ROLES = ("driver", "host", "validator", "system")
"""What our processes do."""

SUBNET_PARTS = ("miners", "making tasks", "grading", "transport and scheduling", "consensus", "record", "providers")
"""Parts that belong to the subnet; measuring true quality and doing the work once are the laboratory's own.

"providers" is what the servers of the run used: the far end of the APIs that miners call. It costs no dollars, since
miners pay providers by the token, and their lines include that.
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
    """CPU seconds of all our processes, read from the processes."""
    unexplained_cpu_s: float
    """Amount by which the meters of some role exceed what its processes used."""
    setup_cpu_s: float
    """CPU seconds to start processes and engines, before the first query; not in the total."""
    idle_cpu_s: float
    """Core seconds of the machine that none of our processes used."""
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
    """CPU seconds to do one task's work once, with no subnet around it."""
    once_usd: Estimate
    overhead: Estimate
    """CPU of the subnet for a task, divided by that of doing the task once."""
    overhead_of_one: Estimate
    """The same if a customer wanted only one of the V validators' tasks and the others check."""
    useful_work: Estimate
    """1 / overhead: the share of the subnet's CPU that doing each task once would have needed."""
    grading_share: float
    """Share of making tasks and grading in the subnet's CPU."""
    prices: PriceTable
    sessions: int
    """Processes that worked on the run. What a killed one used after its last epoch, beyond the meters of its
    finished rounds, is unknown and not included."""

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
        """Cost of the subnet's own parts in dollars."""
        return sum(part.usd for part in self.subnet_parts)

    @classmethod
    def of(cls, record: RunRecord) -> Bill:
        """Add up the record of a run, as far as its last complete epoch."""
        return cls.of_run(CompletedRun.of(record))

    @classmethod
    def of_run(cls, run: CompletedRun) -> Bill:
        """Add up what was read of a record."""
        return _add_up(run)


def total(costs: Iterable[Cost]) -> Cost:
    """Sum of costs."""
    listed = list(costs)
    return Cost(*(sum(getattr(cost, item.name) for cost in listed) for item in fields(Cost))) if listed else Cost()


@dataclass(frozen=True, slots=True)
class _Meters:
    """What the record says of a run, as far as its last complete epoch."""

    run: CompletedRun

    @property
    def prices(self) -> PriceTable:
        """Prices of the run's config."""
        return self.run.config.prices

    @property
    def groups(self) -> dict[str, Cost]:
        """Metered cost of every part but miners, transport and servers."""
        epochs, rounds = self.run.epochs, self.run.rounds
        return {
            "making tasks": total(graded.task_cost for graded in rounds),
            "grading": total(graded.grading_cost for graded in rounds),
            "consensus": total(epoch.use.consensus for epoch in epochs),
            "record": total(epoch.use.bookkeeping for epoch in epochs),
            "measuring quality": total(graded.measuring_cost for graded in rounds),
        } | self._customers

    @property
    def _customers(self) -> dict[str, Cost]:
        """Cost of answering and grading for customers; empty if there were none."""
        cost = self.run.customers.answers + self.run.customers.grading
        return {"customers": cost} if cost != Cost() else {}

    @property
    def miners(self) -> dict[int, Cost]:
        """Cost of each miner's answers, with the bytes that they moved."""
        costs: defaultdict[int, list[Cost]] = defaultdict(list)
        sent, received = Counter[int](), Counter[int]()
        for graded in self.run.rounds:
            for answer in graded.answers:
                costs[answer.uid].append(answer.cost)
                sent[answer.uid] += graded.query_bytes
                received[answer.uid] += answer.size
        return {
            uid: total(own) + Cost(sent_bytes=sent[uid], received_bytes=received[uid])
            for uid, own in sorted(costs.items())
        }

    @property
    def baseline(self) -> dict[str, Cost]:
        """Cost of doing each task once, by its round's key, without what servers used for it."""
        return {key: cost for epoch in self.run.epochs for key, cost in epoch.baseline.items()}

    @property
    def whole_baseline(self) -> dict[str, Cost]:
        """The same with what servers used, spread evenly over the tasks of their epoch."""
        return {
            key: replace(cost, cpu_s=cost.cpu_s + epoch.baseline_servers_cpu_s / len(epoch.baseline))
            for epoch in self.run.epochs
            for key, cost in epoch.baseline.items()
        }

    @property
    def baseline_servers_cpu_s(self) -> float:
        """CPU seconds of servers while tasks were done once."""
        return sum(epoch.baseline_servers_cpu_s for epoch in self.run.epochs)

    @property
    def servers_cpu_s(self) -> float:
        """CPU seconds of servers while miners were asked."""
        used = sum(epoch.use.cpu_s.get("server", 0.0) for epoch in self.run.epochs)
        return used - self.baseline_servers_cpu_s

    @property
    def roles(self) -> dict[str, float]:
        """CPU seconds of our processes, by role."""
        return {role: sum(epoch.use.cpu_s.get(role, 0.0) for epoch in self.run.epochs) for role in ROLES}

    def rounds(self, *, interrupted: bool) -> list[GradedRound]:
        """Return the rounds of a session that was killed before their epoch ended, or all others.

        An interrupted round has its meters, but no process to compare them with.
        """
        sessions = {epoch.number: epoch.use.session for epoch in self.run.epochs}
        per_epoch = self.run.config.chain.rounds_per_epoch
        return [
            graded
            for graded in self.run.rounds
            if (graded.session != sessions[graded.number // per_epoch]) == interrupted
        ]


@dataclass(frozen=True, slots=True)
class _Rest:
    """What our processes used beyond their meters."""

    transport_cpu_s: float
    unexplained_cpu_s: float
    """What meters counted beyond their processes."""


def _add_up(run: CompletedRun) -> Bill:
    meters = _Meters(run)
    rest = _rest(meters)
    groups = meters.groups | {"transport and scheduling": Cost(cpu_s=rest.transport_cpu_s)}
    rounds, epochs, prices = run.rounds, run.epochs, meters.prices
    metered = _metered_cpu_s(meters)
    idle = max(0.0, sum(epoch.use.wall_s * epoch.use.cores for epoch in epochs) - metered)
    subnet = _cpu_by_round(meters, groups)
    baseline = meters.whole_baseline
    pairs = [
        (cpu_s, baseline[graded.key].cpu_s)
        for cpu_s, graded in zip(subnet, rounds, strict=True)
        if graded.key in baseline and baseline[graded.key].cpu_s > 0
    ]
    above, below = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    validators = len({graded.validator for graded in rounds})
    checking = groups["making tasks"].cpu_s + groups["grading"].cpu_s
    return Bill(
        parts=tuple(_parts(meters, groups)),
        total_cpu_s=metered,
        unexplained_cpu_s=rest.unexplained_cpu_s,
        setup_cpu_s=sum(epoch.use.setup_cpu_s for epoch in epochs),
        idle_cpu_s=idle,
        idle_usd=price(Cost(cpu_s=idle), prices),
        wall_s=sum(epoch.use.wall_s for epoch in epochs),
        cores=max((epoch.use.cores for epoch in epochs), default=0),
        miners=mean([float(len(graded.answers)) for graded in rounds], NONNEGATIVE),
        validators=validators,
        tasks=len(rounds),
        answers=sum(len(graded.answers) for graded in rounds),
        lost=sum(answer.fault == "lost" for graded in rounds for answer in graded.answers),
        once_cpu_s=mean([cost.cpu_s for cost in baseline.values()], NONNEGATIVE),
        once_usd=mean([price(cost, prices) for cost in meters.baseline.values()], NONNEGATIVE),
        overhead=ratio(above, below, NONNEGATIVE),
        overhead_of_one=ratio([cpu_s * validators for cpu_s in above], below, NONNEGATIVE),
        useful_work=ratio(below, above, NONNEGATIVE),
        grading_share=checking / sum(subnet) if sum(subnet) else 0.0,
        prices=prices,
        sessions=len({epoch.use.session for epoch in epochs}),
    )


def _parts(meters: _Meters, groups: Mapping[str, Cost]) -> list[Part]:
    """Return the lines of the bill."""
    prices, names = meters.prices, meters.run.names("miner")
    baseline = total(meters.baseline.values())
    lines = [Part(names[uid], "miners", cost, price(cost, prices)) for uid, cost in meters.miners.items()]
    lines += [Part(name, name, cost, price(cost, prices)) for name, cost in groups.items()]
    with_servers = baseline + Cost(cpu_s=meters.baseline_servers_cpu_s)
    lines.append(Part("doing it once", "doing it once", with_servers, price(baseline, prices)))
    if meters.run.config.servers:
        lines.append(Part("providers' servers", "providers", Cost(cpu_s=meters.servers_cpu_s), usd=0.0))
    return lines


def _metered_cpu_s(meters: _Meters) -> float:
    """CPU seconds of all our processes; of interrupted rounds, whose processes are gone, their meters."""
    interrupted = sum(map(_all_cpu_s, meters.rounds(interrupted=True)))
    return sum(meters.roles.values()) + meters.servers_cpu_s + meters.baseline_servers_cpu_s + interrupted


def _cpu_by_round(meters: _Meters, groups: Mapping[str, Cost]) -> list[float]:
    """CPU seconds of the subnet for each round; what has no meter of its own is spread evenly.

    A round in which nobody was asked is spread over the others, too, since it brought no answer.
    """
    rounds = meters.run.rounds
    answered = sum(bool(graded.answers) for graded in rounds)
    shared = groups["transport and scheduling"].cpu_s + groups["consensus"].cpu_s + groups["record"].cpu_s
    shared += meters.servers_cpu_s + sum(_subnet_cpu_s(graded) for graded in rounds if not graded.answers)
    return [_subnet_cpu_s(graded) + shared / answered if graded.answers else 0.0 for graded in rounds]


def _subnet_cpu_s(graded: GradedRound) -> float:
    """CPU seconds of a round that are the subnet's."""
    return sum(answer.cost.cpu_s for answer in graded.answers) + graded.task_cost.cpu_s + graded.grading_cost.cpu_s


def _all_cpu_s(graded: GradedRound) -> float:
    """CPU seconds of a round, including the laboratory's own measuring."""
    return _subnet_cpu_s(graded) + graded.measuring_cost.cpu_s


def _rest(meters: _Meters) -> _Rest:
    """Compare each role's processes with their meters."""
    roles, rounds, groups = meters.roles, meters.rounds(interrupted=False), meters.groups
    answering = sum(answer.cost.cpu_s for graded in rounds for answer in graded.answers)
    validating = sum(_all_cpu_s(graded) for graded in rounds) - answering
    keeping = groups["consensus"].cpu_s + groups["record"].cpu_s
    once = total(meters.baseline.values()).cpu_s
    answering += meters.run.customers.answers.cpu_s
    validating += meters.run.customers.grading.cpu_s
    if meters.run.config.pool.kind == "local":
        # Validators, and miners without an engine, work in the driver's own process.
        rests = [sum(roles.values()) - answering - once - validating - keeping]
    else:
        rests = [
            roles["host"] - answering - once,
            roles["validator"] - validating,
            roles["driver"] - keeping,
            roles["system"],
        ]
    return _Rest(sum(rest for rest in rests if rest > 0), -sum(rest for rest in rests if rest < 0))
