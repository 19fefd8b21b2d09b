"""A long run whose hosts are killed at random: is a round lost or doubled, and does memory grow?

    python benchmarks/soak.py [--rounds 10000] [--pool ray] [--kill-every 2]

The lab plays one run of miners that answer instantly, with its record in SQLite, while hosts are killed with SIGKILL at
random times drawn from a seed. Afterwards every round must be in the record once, with one right answer from each
miner, and the audit must reproduce all of it. Growth is the slope of a process's memory over the rounds after the first
tenth, and after the first half, with its 95 % interval, from means of each twentieth of the run. It counts resident
memory without the pages shared with files and with Ray's object store, which count when first touched. The exit code
is 1 if a round is lost or doubled, an answer is wrong or missing, or the driver grows by more than --most-mb in 1,000
rounds.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import psutil
from scipy import stats

from lab.config.run_config import RunConfig
from lab.record.entries import GradedRound
from lab.record.record import RunRecord
from lab.run.audit import audit
from lab.run.events import Event
from lab.run.session import run
from miners import AnyEngine, Engine, Miner
from subnets import Answer, Message, Prompt, Query, Response, Score, Scorer, Seed, Subnet, Task

HOSTS, MINERS, LIGHT, VALIDATORS, PER_EPOCH = 2, 4, 2, 2, 50
PARTS = 20
"""Number of parts of a run whose means give the slope."""


class Sums(Subnet):
    """Add two numbers."""

    name: ClassVar[str] = "sums"

    def task(self, seed: int) -> Task:
        first, second = map(int, Seed(seed).rng().integers(0, 10**9, 2))
        prompt = Prompt((Message("user", f"{first} {second}"),))
        return Task(id=str(seed), subnet=self.name, seed=seed, prompt=prompt, reference=str(first + second))

    def gold(self, task: Task) -> Answer:
        return Answer(text=task.reference)

    def scorer(self) -> Scorer:
        return Right()


class Right(Scorer):
    """1.0 for the right sum."""

    def score(self, task: Task, response: Response) -> Score:
        return Score(float(response.answer is not None and response.answer.text == task.reference))


class Adder(Miner):
    """Adds."""

    async def forward(self, query: Query) -> Answer:
        return Answer(text=str(sum(map(int, query.prompt.text.split()))))


class Desk(Engine):
    """Takes a core, and leaves the pid and the start time of its process in a folder."""

    folder: str

    @property
    def cpus(self) -> float:
        return 1.0

    @property
    def concurrency(self) -> int:
        return 4

    @property
    def replicable(self) -> bool:
        return True

    async def open(self) -> None:
        (Path(self.folder) / str(os.getpid())).write_text(str(psutil.Process().create_time()))


class Clerk(Adder):
    """Adds at a desk."""

    engine: AnyEngine


@dataclass
class Killer:
    """Kills hosts until it is stopped."""

    folder: Path
    every_s: float
    seed: int
    kills: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        rng = np.random.default_rng(self.seed)
        while not self._stop.wait(rng.exponential(self.every_s)):
            if hosts := sorted(self.hosts()):
                with suppress(ProcessLookupError):
                    os.kill(hosts[rng.integers(len(hosts))], signal.SIGKILL)
                    self.kills += 1

    def stop(self) -> None:
        self._stop.set()

    def hosts(self) -> list[int]:
        return [int(note.name) for note in self.folder.iterdir() if lives(int(note.name), note.read_text())]


@dataclass(frozen=True)
class Slope:
    """Growth in MB per 1,000 rounds, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass
class Memory:
    """Memory of the driver and of the largest host, in MB, by rounds played."""

    killer: Killer
    of: int
    rounds: list[int] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)
    """Resident memory of the driver."""
    driver: list[float] = field(default_factory=list)
    """The part of it that is not shared."""
    host: list[float] = field(default_factory=list)
    """Resident memory of the largest host that is not shared."""

    def watch(self, event: Event) -> None:
        if event.stage == "round" and event.rounds % max(1, self.of // 200) == 0:
            self.rounds.append(event.rounds)
            self.resident.append(psutil.Process().memory_info().rss / 1e6)
            self.driver.append(own_mb(os.getpid()))
            self.host.append(max(map(own_mb, self.killer.hosts()), default=np.nan))

    def slope(self, megabytes: list[float], after: float) -> Slope:
        """Return the growth after the first `after` of all rounds."""
        rounds, sizes = np.array(self.rounds) / 1000, np.array(megabytes)
        kept = np.flatnonzero((rounds * 1000 > self.of * after) & np.isfinite(sizes))
        parts = [part for part in np.array_split(kept, round(PARTS * (1 - after))) if len(part)]
        fit = stats.linregress([rounds[part].mean() for part in parts], [sizes[part].mean() for part in parts])
        half = stats.t.ppf(0.975, len(parts) - 2) * fit.stderr
        return Slope(fit.slope, fit.slope - half, fit.slope + half)


@dataclass(frozen=True)
class Count:
    """What is wrong with a record."""

    lost: int
    doubled: int
    answers: int
    wrong: int

    @classmethod
    def of(cls, record: RunRecord, expected: int) -> Count:
        """Count over all rounds of a record, which should have `expected` of them."""
        places: Counter[str] = Counter()
        answers = doubled = wrong = 0
        for graded in map(GradedRound.of, record.entries("round")):
            places[graded.key] += 1
            answers += len(graded.answers)
            doubled += len(graded.answers) - len({answer.uid for answer in graded.answers})
            wrong += sum(answer.score != 1.0 for answer in graded.answers)
        return cls(expected - len(places), doubled + places.total() - len(places), answers, wrong)


def lives(pid: int, since: str) -> bool:
    """Return whether the process with this pid and start time runs and is no zombie."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return str(process.create_time()) == since and process.status() != psutil.STATUS_ZOMBIE
    return False


def own_mb(pid: int) -> float:
    """Return the resident memory of a process that is not shared; 0 if it has ended."""
    with suppress(psutil.NoSuchProcess):
        memory = psutil.Process(pid).memory_info()
        return float(memory.rss - memory.shared) / 1e6
    return 0.0


def config(rounds: int, pool: str, desks: Path) -> RunConfig:
    return RunConfig.parse(
        {
            "seed": 3,
            "subnet": "soak:Sums",
            "miners": [
                {
                    "name": "clerk",
                    "kind": "soak:Clerk",
                    "count": MINERS,
                    "engine": {"kind": "soak:Desk", "folder": str(desks)},
                },
                {"name": "light", "kind": "soak:Adder", "count": LIGHT},
            ],
            "validators": [{"name": "validator", "count": VALIDATORS}],
            "chain": {"epochs": rounds // (VALIDATORS * PER_EPOCH), "rounds_per_epoch": PER_EPOCH},
            "pool": {"kind": pool, "hosts": HOSTS},
            "bare": {"every": 10},
        }
    )


@dataclass(frozen=True)
class SoakResult:
    """What became of a run."""

    count: Count
    kills: int
    restarts: int
    took_s: float
    memory: Memory

    @property
    def whole(self) -> bool:
        """True if nothing is lost, doubled or wrong."""
        return not (self.count.lost or self.count.doubled or self.count.wrong)


def soak(rounds: int, pool: str, kill_every_s: float, seed: int) -> SoakResult:
    """Play, kill, audit and count."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        desks = Path(folder) / "desks"
        desks.mkdir()
        killer = Killer(desks, kill_every_s, seed)
        memory = Memory(killer, rounds)
        killing = threading.Thread(target=killer.work)
        killing.start()
        started = time.perf_counter()
        try:
            record = run(config(rounds, pool, desks), Path(folder) / "run", watch=memory.watch)
        finally:
            killer.stop()
            killing.join()
        took_s = time.perf_counter() - started
        with record:
            assert audit(record).complete
            count = Count.of(record, rounds)
        return SoakResult(count, killer.kills, len(list(desks.iterdir())) - HOSTS, took_s, memory)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=10_000, help=f"a multiple of {VALIDATORS * PER_EPOCH}")
    options.add_argument("--pool", choices=["local", "ray"], default="local")
    options.add_argument("--kill-every", type=float, default=2.0, help="average seconds between two kills")
    options.add_argument("--seed", type=int, default=1, help="seed of the kills")
    options.add_argument("--most-mb", type=float, default=1.0, help="maximum growth of the driver in 1,000 rounds")
    arguments = options.parse_args()
    logging.getLogger("cluster").setLevel(logging.ERROR)
    result = soak(arguments.rounds, arguments.pool, arguments.kill_every, arguments.seed)
    count, memory = result.count, result.memory
    print(f"{arguments.rounds:,} rounds, {MINERS + LIGHT} miners, {HOSTS} hosts, pool {arguments.pool}")
    print(f"{arguments.rounds / result.took_s:.0f} rounds/s, {result.kills} kills, {result.restarts} restarts")
    print(
        f"{count.lost} rounds lost, {count.doubled} answers doubled, {count.wrong} of {count.answers:,} wrong or none"
    )
    for name, sizes in (("resident", memory.resident), ("its own", memory.driver)):
        tenth, half, last = (sizes[int(share * (len(sizes) - 1))] for share in (0.1, 0.5, 1.0))
        print(f"driver, {name}: {tenth:.0f} MB at 10 %, {half:.0f} at 50 %, {last:.0f} at the end")
    for name, sizes in (("driver", memory.driver), ("largest host", memory.host)):
        for since, after in (("first tenth", 0.1), ("first half", 0.5)):
            slope = memory.slope(sizes, after)
            print(
                f"{name} after the {since}: {slope.value:+.2f} MB per 1,000 rounds "
                f"({slope.low:+.2f} to {slope.high:+.2f})"
            )
    sys.exit(int(not result.whole or memory.slope(memory.driver, 0.1).value > arguments.most_mb))


if __name__ == "__main__":
    main()
