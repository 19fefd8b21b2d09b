"""Comparing two results: which differences between them are larger than chance?

    found = compare(Path("runs/ocr"), Path("runs/ocr-2"))
    found.rows[0].larger_than_chance

Answers are paired where a miner of the same name answered the same task in both. Each miner and measure is tested
by sign flips (`statistics.paired`), and all tests together are held to a 5 % chance of any false alarm (Holm). Of two
studies the arms of the same name are compared. What the machine did beside a run shifts all of its times and costs
together, so a difference in these is one of two single runs, and need not be one of their configs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lab.config.prices import PriceTable, price
from lab.errors import RecordError
from lab.record.comparable import first_difference
from lab.record.completed_run import CompletedRun
from lab.record.entries import GradedAnswer, GradedRound
from lab.record.run_folder import open_run
from lab.statistics import Estimate, mean
from lab.statistics.paired import FLIPS, Comparison, holm
from subnets import Fault

ALPHA = 0.05
"""Chance of any false alarm among all tests of a comparison."""
RARE = 10
"""Flips as far out as what was observed, in which a p-value is told well enough."""
METERED = ("latency_s", "cpu_s", "usd")
"""Measures that hang on what the machine did beside the run."""
BY_RUN = ("run", "started", "seed", "prices")
"""What is kept of a machine in a record and says nothing of it."""
PROBE = "probe"
"""The arm of a study that its forecast is made from: its tasks are in the other arms as well."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is compared of an answer."""

    key: str
    title: str
    unit: str
    digits: int
    of: Callable[[GradedAnswer, PriceTable], float | None]
    """None where it is not known of an answer, or not the miner's."""


def _arrived(answer: GradedAnswer) -> bool:
    return answer.fault is None


def _served(answer: GradedAnswer) -> bool:
    return answer.fault != Fault.LOST


MEASURES = (
    Measure("score", "score", "", 3, lambda answer, _: answer.score),
    Measure("quality", "true quality", "", 3, lambda answer, _: answer.quality),
    Measure("latency_s", "latency", " s", 3, lambda answer, _: answer.latency_s if _arrived(answer) else None),
    Measure("cpu_s", "CPU", " s", 3, lambda answer, _: answer.cost.cpu_s if _served(answer) else None),
    Measure("usd", "cost", " $", 7, lambda answer, prices: price(answer.cost, prices) if _served(answer) else None),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of one miner in both results."""

    arm: str
    """Of two studies; empty for two runs."""
    miner: str
    measure: str
    """A key of `MEASURES`."""
    before: Estimate
    """Mean of the first result, over the tasks that both have."""
    after: Estimate
    difference: Estimate
    """After less before; n counts the tasks behind it."""
    p_value: float
    """Two-sided, of this test alone."""
    p_all: float
    """Raised for the number of tests."""

    @property
    def larger_than_chance(self) -> bool:
        """Whether it is, among all that were tested."""
        return self.p_all <= ALPHA


@dataclass(frozen=True, slots=True)
class Compared:
    """All differences between two results."""

    rows: tuple[Row, ...]
    tasks: int
    """That both have, over all arms."""
    notes: tuple[str, ...]
    """What was left out, and what else differs."""

    @property
    def sentence(self) -> str:
        """Say what came of it."""
        larger = sum(row.larger_than_chance for row in self.rows)
        tasks = f"{self.tasks} shared task" + ("" if self.tasks == 1 else "s")
        said = (
            f"{larger} of {len(self.rows)} differences are larger than chance, over {tasks} "
            f"(sign-flip test on the same tasks, Holm over all of them, at {ALPHA:g})."
        )
        if not any(row.larger_than_chance and row.measure in METERED for row in self.rows):
            return said
        return (
            f"{said} Those in latency, CPU and cost are between two single runs: a busier machine makes them as well."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "sentence": self.sentence,
            "tasks": self.tasks,
            "alpha": ALPHA,
            "notes": list(self.notes),
            "rows": [
                {
                    "arm": row.arm,
                    "miner": row.miner,
                    "measure": row.measure,
                    "before": row.before.value,
                    "after": row.after.value,
                    "difference": row.difference.value,
                    "low": row.difference.low,
                    "high": row.difference.high,
                    "n": row.difference.n,
                    "p_value": row.p_value,
                    "p_all": row.p_all,
                    "larger_than_chance": row.larger_than_chance,
                }
                for row in self.rows
            ],
        }


@dataclass(frozen=True, slots=True)
class _Test:
    """One row, and the answers behind it."""

    row: Row
    """Not held against others yet."""
    before: list[float]
    """NaN where there is nothing to measure, as in `after`."""
    after: list[float]


@dataclass(frozen=True, slots=True)
class _Side:
    """One run, as far as its last complete epoch."""

    played: CompletedRun
    names: Mapping[int, str]
    """Of miners, by uid."""
    rounds: Mapping[tuple[str, int], GradedRound]
    """By the id and the seed of their task."""

    @property
    def config(self) -> Mapping[str, Any]:
        """As it is recorded."""
        return self.played.start.config

    @property
    def machine(self) -> dict[str, Any]:
        """What it ran on."""
        return {key: value for key, value in self.played.start.machine.items() if key not in BY_RUN}


def compare(first: Path, second: Path) -> Compared:
    """Compare two runs, or two studies arm by arm.

    Raises:
        RecordError: one of them can't be read, they are not of a kind, or nothing in them is paired.
    """
    ours, theirs = _runs(first), _runs(second)
    notes = [f"{name} is only in {place}" for name, place in _lonely(ours, first, theirs, second)]
    tests: list[_Test] = []
    tasks: set[tuple[str, int]] = set()
    for arm in ours:
        if arm in theirs:
            found, shared, said = _compare(arm, _read(ours[arm]), _read(theirs[arm]))
            tests += found
            tasks |= shared
            notes += [f"{arm}: {line}" if arm else line for line in said]
    if not tests:
        raise RecordError(
            f"nothing in {first} and {second} is paired: {'; '.join(notes)}. Pairs need a miner of the same name, the "
            "same subnet and the same tasks: run both with the same seed"
        )
    p_values = [_p_value(test, len(tests)) for test in tests]
    return Compared(
        tuple(
            replace(test.row, p_value=alone, p_all=p)
            for test, alone, p in zip(tests, p_values, holm(p_values), strict=True)
            if p is not None
        ),
        len(tasks),
        tuple(notes),
    )


def _runs(folder: Path) -> dict[str, Path]:
    """Return the folders of a study's arms by name, or that of a run by an empty one."""
    if not (folder / "study.json").is_file():
        return {"": folder}
    arms = sorted(path for path in (folder / "arms").glob("*") if (path / "config.json").is_file())
    return {path.name: path for path in arms if path.name != PROBE}


def _lonely(ours: Mapping[str, Path], first: Path, theirs: Mapping[str, Path], second: Path) -> list[tuple[str, Path]]:
    if ("" in ours) != ("" in theirs):
        study, run = (second, first) if "" in ours else (first, second)
        raise RecordError(f"{study} is a study and {run} a run; compare two runs, or two studies")
    if "" not in ours:
        kinds = [json.loads((folder / "study.json").read_text(encoding="utf-8"))["study"] for folder in (first, second)]
        if kinds[0] != kinds[1]:
            raise RecordError(f"{first} is a study of {kinds[0]} and {second} one of {kinds[1]}; compare two of a kind")
    alone = [(f"arm {name}", first) for name in ours if name not in theirs]
    return alone + [(f"arm {name}", second) for name in theirs if name not in ours]


def _read(folder: Path) -> _Side:
    with open_run(folder) as record:
        played = CompletedRun.of(record)
    return _Side(played, played.names("miner"), {(one.task_id, one.task_seed): one for one in played.rounds})


def _compare(arm: str, one: _Side, other: _Side) -> tuple[list[_Test], set[tuple[str, int]], list[str]]:
    """Return the tests of one pair of runs, not held against others yet, their shared tasks, and what to note."""
    if subnets := first_difference(one.config["subnet"], other.config["subnet"], "subnet"):
        return [], set(), [f"its tasks are not the same: {subnets}"]
    # In the order of places, not of arrival: two readings agree to the last digit.
    shared = sorted(one.rounds.keys() & other.rounds.keys(), key=lambda key: one.rounds[key].key)
    if not one.rounds or not other.rounds:
        return [], set(), ["one of them has no complete epoch yet: go on with it by --resume"]
    if not shared:
        return [], set(), [f"no task is in both: the seeds are {one.config['seed']} and {other.config['seed']}"]
    notes = [
        f"{what}: {difference}"
        for what, key in (
            ("scores are not by the same graders", "validators"),
            ("dollars are not at the same prices", "prices"),
            ("times and costs are not of the same pool", "pool"),
        )
        if (difference := first_difference(one.config[key], other.config[key], key))
    ]
    if machines := first_difference(one.machine, other.machine):
        notes.append(f"they were not run on and with the same: {machines}")
    theirs = set(other.names.values())
    lonely = sorted(set(one.names.values()) ^ theirs)
    notes += [f"miners that are in one of them only: {', '.join(lonely)}"] if lonely else []
    tests = [
        test
        for name in one.names.values()
        if name in theirs
        for measure in MEASURES
        if (
            test := _test(
                arm, name, measure, _values(one, name, measure, shared), _values(other, name, measure, shared)
            )
        )
    ]
    return tests, set(shared), notes


def _values(side: _Side, name: str, measure: Measure, keys: list[tuple[str, int]]) -> list[float]:
    """Measure one miner's answers to some tasks; NaN where there is nothing to measure."""
    uid = next(uid for uid, known in side.names.items() if known == name)
    found = []
    for key in keys:
        answer = next((answer for answer in side.rounds[key].answers if answer.uid == uid), None)
        value = measure.of(answer, side.played.config.prices) if answer is not None else None
        found.append(float("nan") if value is None else value)
    return found


def _test(arm: str, name: str, measure: Measure, before: list[float], after: list[float]) -> _Test | None:
    """Test one measure of one miner; None where no task has it in both."""
    tested = Comparison.of(before, after)
    if tested.p_value is None:
        return None
    both = [(a, b) for a, b in zip(before, after, strict=True) if not np.isnan(a + b)]
    row = Row(
        arm,
        name,
        measure.key,
        mean([a for a, _ in both]),
        mean([b for _, b in both]),
        tested.difference,
        tested.p_value,
        tested.p_value,
    )
    return _Test(row, before, after)


def _p_value(test: _Test, tests: int) -> float:
    """The test's p-value, from more flips where it is so small that among so many tests the usual number can't tell."""
    if test.row.p_value > RARE / FLIPS or tests * RARE <= ALPHA * FLIPS:
        return test.row.p_value
    again = Comparison.of(test.before, test.after, flips=round(RARE * tests / ALPHA)).p_value
    assert again is not None  # the same answers had one
    return again
