"""Arms: the runs that a study is made of, each a run of its own that can be resumed and audited.

    arms = [Arm("n8-v2", subset(config, miners=8, validators=2)), ...]
    study = Study(folder, config, "overhead", mode="new")
    with study.claim():
        study.play(arms, probe=Arm("probe", ...), budget=Budget.parse("10m"))

A short probe is run first, and of several arms the smallest: from what their start, answers, tasks and grades
took follows what all others will take.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from lab.bill import Bill, price
from lab.config import RunConfig
from lab.entries import Epoch, GradedRound, Start
from lab.errors import ConfigError, RecordError
from lab.folder import RunFolder, RunMode, first_difference, open_run
from lab.record import RunRecord
from lab.run import Event, run
from subnets import Cost

Watch = Callable[[str, int, int], None]
"""Hears what is under way, rounds done and rounds of all arms."""
Announce = Callable[["Forecast"], None]
Foresee = Callable[[RunRecord], dict[str, float]]
"""Foresees work that follows the arms, from the probe's record: wall seconds on one core, by name."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One run of a study."""

    name: str
    config: RunConfig

    @property
    def rounds(self) -> int:
        """How many rounds it has."""
        asking = sum(validator.asks for validator in self.config.build_validators())
        return asking * self.config.chain.epochs * self.config.chain.rounds_per_epoch


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


@dataclass(frozen=True, slots=True)
class Budget:
    """What a study may take at most."""

    wall_s: float | None = None
    usd: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "90s", "10m", "2h" or "0.50usd".

        Raises:
            ConfigError: it is none of these.
        """
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h|usd)", text.strip().lower())
        if found is None or float(found[1]) <= 0:
            raise ConfigError(f"--budget {text}: write a time or dollars: 90s, 10m, 2h, 0.50usd")
        amount, unit = float(found[1]), found[2]
        return cls(usd=amount) if unit == "usd" else cls(wall_s=amount * {"s": 1, "m": 60, "h": 3600}[unit])

    def exceeded(self, wall_s: float, usd: float) -> str:
        """Say which limit these are over; empty if none."""
        if self.wall_s is not None and wall_s > self.wall_s:
            return f"{duration(wall_s)}, the budget is {duration(self.wall_s)}"
        if self.usd is not None and usd > self.usd:
            return f"${usd:.4f}, the budget is ${self.usd:.4f}"
        return ""


class BudgetError(RecordError):
    """A study would take, or took, more than it may; what is done is kept."""


class Study:
    """The folder of a study, and the arms in it."""

    def __init__(self, name: str, config: RunConfig, folder: Path, mode: RunMode = "new") -> None:
        self.name = name
        self.config = config
        self.folder = folder
        self.mode = mode
        self._budget = Budget()
        self._began = time.perf_counter()
        self._spent_usd = 0.0

    @contextmanager
    def claim(self) -> Iterator[Self]:
        """Hold the folder alone.

        Raises:
            RecordError: it is in use, holds a study already, or holds one of another config.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RecordError(
                    f"{self.folder} is in use by another process; wait for it, or --out another"
                ) from None
            self._enter()
            yield self

    def _enter(self) -> None:
        path, config = self.folder / "study.json", self.config.model_dump(mode="json")
        ours = {"study": self.name, "config": config}
        held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        if held is None and self.mode == "resume":
            raise RecordError(f"{self.folder} holds no study to go on with; leave --resume out to start one")
        if held is not None and self.mode == "new":
            raise RecordError(f"{self.folder} holds a study already; --resume goes on with it, --clean starts it over")
        if held is not None and self.mode == "resume" and (differing := first_difference(held, ours)):
            raise RecordError(f"{self.folder} is a study of another config: {differing}; run it into another folder")
        if self.mode == "clean":
            self._clean()
        path.write_text(json.dumps(ours, indent=2) + "\n", encoding="utf-8")

    def _clean(self) -> None:
        """Remove all arms, those of a grid that was given up too."""
        self.forecast_path.unlink(missing_ok=True)
        for path in (self.folder / "arms").glob("*"):
            if (path / "config.json").is_file():
                RunFolder(path, self.config).clean()
            shutil.rmtree(path)

    @property
    def forecast_path(self) -> Path:
        """Where the forecast is kept beside what it took."""
        return self.folder / "forecast.json"

    def arm_folder(self, arm: Arm) -> Path:
        """Return the folder of an arm's run."""
        return self.folder / "arms" / arm.name

    def record(self, arm: Arm) -> RunRecord:
        """Open the record of an arm that was played."""
        return open_run(self.arm_folder(arm))

    def complete(self, arm: Arm) -> bool:
        """Whether an arm has been played to its end."""
        path = self.arm_folder(arm) / "config.json"
        if not path.is_file() or json.loads(path.read_text(encoding="utf-8")) != arm.config.model_dump(mode="json"):
            return False
        with self.record(arm) as record:
            return record.find("end", "run") is not None

    def play(
        self,
        arms: Sequence[Arm],
        *,
        probe: Arm,
        budget: Budget | None = None,
        announce: Announce = lambda forecast: None,
        watch: Watch = lambda what, done, of: None,
        foresee_more: Foresee = lambda probe: {},
    ) -> None:
        """Play the probe, then all arms that are not complete; what they took is kept beside the forecast.

        Args:
            arms: the runs of the study.
            probe: a short run, from which the forecast is made.
            budget: what may be used at most, the work after the arms included.
            announce: hears the forecast.
            watch: hears how far it is.
            foresee_more: foresees what will be done once the arms are played.

        Raises:
            BudgetError: the forecast is over the budget, or what was used went over it between two arms.
        """
        self._budget = budget = budget or Budget()
        self._began, self._spent_usd = time.perf_counter(), 0.0
        start_s = self._play(probe, watch, 0, probe.rounds)
        left = [arm for arm in arms if self.mode == "clean" or not self.complete(arm)]
        if len(left) > 1:  # what the first run of a process starts slowly is no guide to the others
            smallest = min(left, key=lambda arm: (arm.rounds * len(arm.config.miner_names), arm.name))
            start_s = self._play(smallest, watch, 0, smallest.rounds)
            left.remove(smallest)
        with self.record(probe) as record:
            forecast = foresee(record, start_s, left).plus(foresee_more(record), self.config)
        announce(forecast)
        if over := budget.exceeded(time.perf_counter() - self._began + forecast.wall_s, self._spent_usd + forecast.usd):
            raise BudgetError(f"{self.name} would take about {over}; raise --budget, or make the grid smaller")
        done, of = 0, sum(arm.rounds for arm in left)
        began = time.perf_counter()
        took: dict[str, float] = {}
        for arm in left:
            self.check_budget()
            at = time.perf_counter()
            self._play(arm, watch, done, of)
            took[arm.name] = time.perf_counter() - at
            done += arm.rounds
        if forecast.by_arm_s:
            self._keep_times(forecast, time.perf_counter() - began, took)

    def check_budget(self) -> None:
        """Stop where more was used than the study may take.

        Raises:
            BudgetError: it was; what is done is kept.
        """
        if over := self._budget.exceeded(time.perf_counter() - self._began, self._spent_usd):
            raise BudgetError(f"{self.name} has used {over}; --resume with a larger --budget goes on")

    def note_time(self, name: str, wall_s: float) -> None:
        """Keep what a piece of work after the arms took, beside what was foreseen for it."""
        kept = json.loads(self.forecast_path.read_text(encoding="utf-8"))
        forecast = Forecast(**kept["forecast"])
        self._keep_times(forecast, kept["took_s"] + wall_s, kept["by_arm_took_s"] | {name: wall_s})

    def _keep_times(self, forecast: Forecast, took_s: float, by_arm_took_s: dict[str, float]) -> None:
        kept = {"forecast": asdict(forecast), "took_s": took_s, "by_arm_took_s": by_arm_took_s}
        self.forecast_path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")

    def _play(self, arm: Arm, watch: Watch, done: int, of: int) -> float:
        """Play one arm; return the seconds it took beyond its epochs: the start and the end of its pool."""
        mode: RunMode = self.mode if (self.arm_folder(arm) / "config.json").is_file() else "new"
        # A study that is begun anew in a folder of ours may find an arm there, of a grid that was given up.
        mode = "clean" if mode == "new" and self.arm_folder(arm).exists() else mode

        def tell(event: Event) -> None:
            watch(arm.name, done + event.rounds, of)

        started = time.perf_counter()
        with run(arm.config, self.arm_folder(arm), mode=mode, watch=tell) as record:
            working_s = sum(Epoch.of(entry).use.wall_s for entry in record.entries("epoch"))
            self._spent_usd += sum(part.usd for part in Bill.of(record).parts)
        return max(0.0, time.perf_counter() - started - working_s)


def subset(config: RunConfig, *, miners: int | None = None, validators: int | None = None, **changes: Any) -> RunConfig:
    """Return a plain run's config with the first so many miners and validators, and other keys replaced.

    The neurons that are left keep their names and their seeds. `changes` are whole keys of the config ("chain").

    Raises:
        ConfigError: there are not so many.
    """
    table = {key: value for key, value in config.model_dump(mode="json").items() if key in RunConfig.model_fields}
    for sort, wanted in (("miners", miners), ("validators", validators)):
        one_by_one = singly(table[sort])
        if wanted is not None and wanted > len(one_by_one):
            raise ConfigError(f"{wanted} {sort} are wanted, the config has {len(one_by_one)}; raise a `count`")
        table[sort] = one_by_one[:wanted]
    return RunConfig.parse(table | changes, source=f"{len(table['miners'])} of the miners")


def singly(tables: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write each table that stands for several neurons as one table each, the first of every table in front.

    So the first few of a long list are of every sort.
    """
    found = []
    for place in range(max(table["count"] for table in tables)):
        for table in tables:
            if place < table["count"]:
                name = table["name"] if table["count"] == 1 else f"{table['name']}-{place}"
                found.append(table | {"name": name, "count": 1})
    return found


def foresee(probe: RunRecord, start_s: float, arms: Sequence[Arm]) -> Forecast:
    """Work out what arms will take from what the probe's answers, tasks and grades took.

    A miner that the probe has not asked is taken to cost what others of its kind do, or else all. The wall time
    of an arm is its CPU time over the cores that its rounds in flight can keep busy, at the probe's efficiency.
    """
    entry = probe.find("start", "run")
    assert entry is not None  # a record that was opened has one
    start = Start.of(entry)
    config = RunConfig.parse(start.config, source=str(probe.folder))
    epochs = [Epoch.of(found) for found in probe.entries("epoch")]
    played = [GradedRound.of(found) for found in probe.entries("round")]
    # The first ones pay for what is loaded once.
    rounds = [graded for graded in played if graded.number >= config.pool.rounds_in_flight] or played
    bill = Bill.of(probe)
    tables = {table["name"]: _work(table) for table in singly_of(config)}
    names = {neuron.uid: neuron.name for neuron in start.neurons}
    spent: defaultdict[str, list[Cost]] = defaultdict(list)
    for graded in rounds:
        for answer in graded.answers:
            spent[tables[names[answer.uid]]].append(answer.cost)
    answer_cost = {work: _average(costs) for work, costs in spent.items()}
    by_kind: defaultdict[str, list[Cost]] = defaultdict(list)
    for work, costs in spent.items():
        by_kind[json.loads(work)["kind"]] += costs
    answer_cost |= {kind: _average(costs) for kind, costs in by_kind.items()}
    fallback = _average([cost for costs in spent.values() for cost in costs])
    task = _average([graded.task_cost for graded in rounds]).cpu_s
    graded_s = sum(graded.grading_cost.cpu_s + graded.measuring_cost.cpu_s for graded in rounds) / max(
        1, sum(len(graded.answers) for graded in rounds)
    )
    known = {part.name: part.cost.cpu_s for part in bill.parts}
    carrying = ("transport and scheduling", "consensus", "record", "providers' servers")
    carried_s = sum(known.get(name, 0.0) for name in carrying) / bill.answers
    once = known["doing it once"] / max(1, sum(len(epoch.once) for epoch in epochs))
    cores = max((epoch.use.cores for epoch in epochs), default=1)
    busy = _busy(config, cores)
    efficiency = bill.total_cpu_s / max(1e-9, bill.wall_s * busy)
    by_arm, cpu_s, usd = {}, 0.0, 0.0
    for arm in arms:
        asked = [
            answer_cost.get(_work(table), answer_cost.get(table["kind"], fallback)) for table in singly_of(arm.config)
        ]
        bare = once if arm.config.bare.every else 0.0
        one_s = sum(cost.cpu_s for cost in asked) + task + (graded_s + carried_s) * len(asked)
        arm_cpu_s = arm.rounds * (one_s + bare)
        cpu_s += arm_cpu_s
        usd += arm.rounds * sum(price(cost, arm.config.prices) for cost in asked)
        usd += price(Cost(cpu_s=arm.rounds * (one_s - sum(cost.cpu_s for cost in asked) + bare)), arm.config.prices)
        by_arm[arm.name] = start_s + arm_cpu_s / max(1e-9, min(1.0, efficiency) * _busy(arm.config, cores))
    return Forecast(sum(by_arm.values()), cpu_s, usd, by_arm)


def singly_of(config: RunConfig) -> list[dict[str, Any]]:
    """Return the miners' tables of a config, one for each miner."""
    return singly(config.model_dump(mode="json")["miners"])


def duration(seconds: float) -> str:
    """Write "48 s", "3 min 20 s" or "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _work(table: dict[str, Any]) -> str:
    """Name what a miner does: its options without what makes it an identity."""
    return json.dumps({key: value for key, value in table.items() if key not in IDENTITY}, sort_keys=True)


IDENTITY = ("name", "count", "coldkey", "stake", "seed")


def _busy(config: RunConfig, cores: int) -> float:
    """How many cores a run's rounds in flight can keep busy."""
    asking = sum(validator.asks for validator in config.build_validators())
    in_flight = asking * min(config.pool.rounds_in_flight, config.chain.rounds_per_epoch)
    return float(min(cores, len(config.miner_names) * in_flight, config.pool.hosts or cores))


def _average(costs: Sequence[Cost]) -> Cost:
    if not costs:
        return Cost()
    total = sum(costs, start=Cost())
    return Cost(cpu_s=total.cpu_s / len(costs), gpu_s=total.gpu_s / len(costs), paid_usd=total.paid_usd / len(costs))
