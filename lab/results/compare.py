"""Comparing two results: which differences between them are larger than chance?

    compared = compare(Path("runs/ocr"), Path("runs/ocr-2"))
    compared.rows[0].larger_than_chance

Answers are paired if a miner of the same name answered the same task in both. Each miner and measure is tested
(`statistics.paired`), with a 5 % chance of any false alarm in all tests together (Holm). Studies are compared arm by
arm. Other load on the machine shifts all times and costs of a run together, so a difference in these is one between
two single runs, and need not come from their configs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lab.config.prices import PriceTable, price
from lab.errors import RecordError
from lab.files import read_json
from lab.record.comparable import first_difference
from lab.record.completed_run import CompletedRun
from lab.record.entries import GradedAnswer, GradedRound
from lab.record.run_folder import open_run
from lab.statistics import Estimate, mean
from lab.statistics.paired import TEST, Comparison, holm
from subnets import Fault

from .words import counted, quoted

ALPHA = 0.05
"""Chance of any false alarm among all tests of a comparison."""
METERED = ("latency_s", "cpu_s", "usd")
"""Measures that depend on what else the machine did during the run."""
BY_RUN = ("run", "started", "seed", "prices")
"""Keys of a recorded machine that differ from run to run."""
PROBE = "probe"
"""The arm that a study's forecast is based on; other arms have its tasks as well."""

TaskKey = tuple[str, int]
"""Id and seed of a task."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A property of an answer that is compared."""

    key: str
    title: str
    unit: str
    digits: int
    of: Callable[[GradedAnswer, PriceTable], float | None]
    """None if it is unknown, or not the miner's doing."""


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
    """The arm in both studies; empty for two runs."""
    miner: str
    measure: str
    """A key of `MEASURES`."""
    before: Estimate
    """Mean of the first result, over the tasks that both have."""
    after: Estimate
    difference: Estimate
    """After less before; n counts the tasks behind it."""
    p_value: float
    """Two-sided p-value of this test alone."""
    p_all: float
    """The same corrected for the number of tests."""

    @property
    def larger_than_chance(self) -> bool:
        """Return whether the difference is significant among all that were tested."""
        return self.p_all <= ALPHA


@dataclass(frozen=True, slots=True)
class Compared:
    """All differences between two results."""

    rows: tuple[Row, ...]
    tasks: int
    """Tasks that both have, over all arms."""
    notes: tuple[str, ...]
    """What was left out, and what else differs."""
    same: bool
    """True if both are the same record, or copies of it: then there is nothing to compare."""

    @property
    def sentence(self) -> str:
        """The result in one or two sentences."""
        if self.same:
            return "Both are the same record: every entry has the same hash."
        larger = sum(row.larger_than_chance for row in self.rows)
        tasks = counted(self.tasks, "shared task")
        text = (
            f"{larger} of {len(self.rows)} differences are larger than chance, over {tasks} "
            f"({TEST} on the same tasks, Holm over all of them, at {ALPHA:g})."
        )
        if not any(row.larger_than_chance and row.measure in METERED for row in self.rows):
            return text
        return (
            f"{text} Those in latency, CPU and cost are between two single runs: a busier machine causes them as well."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "sentence": self.sentence,
            "tasks": self.tasks,
            "alpha": ALPHA,
            "same_record": self.same,
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
class _Pairing:
    """What two runs have in common."""

    rows: list[Row]
    """Not yet corrected for the number of tests."""
    tasks: set[TaskKey]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _Side:
    """One run, as far as its last complete epoch."""

    run: CompletedRun
    names: Mapping[int, str]
    """Names of the miners, by uid."""
    rounds: Mapping[TaskKey, GradedRound]
    head: str
    """Hash of the last entry, and so of the whole record."""

    @classmethod
    def read(cls, folder: Path) -> _Side:
        """Read a run."""
        with open_run(folder) as record:
            run, head = CompletedRun.of(record), record.head
        rounds = {(graded.task_id, graded.task_seed): graded for graded in run.rounds}
        return cls(run, run.names("miner"), rounds, head)

    @property
    def config(self) -> Mapping[str, Any]:
        """The config as it is recorded."""
        return self.run.start.config

    @property
    def machine(self) -> dict[str, Any]:
        """The machine and the versions that it ran on."""
        return {key: value for key, value in self.run.start.machine.items() if key not in BY_RUN}


def compare(first: Path, second: Path) -> Compared:
    """Compare two runs, or two studies arm by arm.

    Raises:
        RecordError: one of them can't be read, they are of different kinds, or nothing in them is paired.
    """
    ours, theirs = _runs(first), _runs(second)
    _check_kinds(first, ours, second, theirs)
    notes = [f"arm {quoted(name)} is only in {quoted(str(first))}" for name in ours if name not in theirs]
    notes += [f"arm {quoted(name)} is only in {quoted(str(second))}" for name in theirs if name not in ours]
    rows: list[Row] = []
    tasks: set[TaskKey] = set()
    same = ours.keys() == theirs.keys()
    for arm in ours:
        if arm in theirs:
            before, after = _Side.read(ours[arm]), _Side.read(theirs[arm])
            same &= before.head == after.head
            pairing = _pair(arm, before, after)
            rows += pairing.rows
            tasks |= pairing.tasks
            notes += [f"{arm}: {note}" if arm else note for note in pairing.notes]
    if not rows:
        raise RecordError(
            f"{str(first)!r} and {str(second)!r} share no tasks of a miner: {'; '.join(notes)}. A comparison needs a "
            "miner of the same name, the same subnet and the same tasks: run both with the same seed"
        )
    p_values = holm([row.p_value for row in rows])
    return Compared(
        tuple(replace(row, p_all=p) for row, p in zip(rows, p_values, strict=True) if p is not None),
        len(tasks),
        tuple(notes),
        same,
    )


def _runs(folder: Path) -> dict[str, Path]:
    """Return the folders of a study's arms by name, or that of a run under the empty name."""
    try:
        is_study = (folder / "study.json").is_file()
    except OSError as error:
        raise RecordError(f"{folder / 'config.json'} can't be read: {error.strerror or error}") from None
    if not is_study:
        return {"": folder}
    arms = sorted(path for path in (folder / "arms").glob("*") if (path / "config.json").is_file())
    return {path.name: path for path in arms if path.name != PROBE}


def _study(path: Path) -> object:
    """Return the kind of the study that a study.json describes."""
    held = read_json(path)
    if not (isinstance(held, dict) and isinstance(held.get("study"), str)):
        raise RecordError(f"{path} is damaged: it does not describe a study")
    return held["study"]


def _check_kinds(first: Path, ours: Mapping[str, Path], second: Path, theirs: Mapping[str, Path]) -> None:
    """Refuse to compare a run with a study, or two kinds of study."""
    if ("" in ours) != ("" in theirs):
        study, run = (second, first) if "" in ours else (first, second)
        raise RecordError(f"{str(run)!r} is a run and {str(study)!r} a study; compare two runs, or two studies")
    if "" not in ours:
        kinds = [_study(folder / "study.json") for folder in (first, second)]
        if kinds[0] != kinds[1]:
            raise RecordError(
                f"{str(first)!r} is a study of {kinds[0]} and {str(second)!r} one of {kinds[1]}; "
                "compare two of the same kind"
            )


def _pair(arm: str, first: _Side, second: _Side) -> _Pairing:
    """Test every measure of every miner that both runs have."""
    if difference := first_difference(first.config["subnet"], second.config["subnet"], "subnet"):
        return _Pairing([], set(), [f"the tasks differ: {difference}"])
    if not first.rounds or not second.rounds:
        return _Pairing([], set(), ["one of them has no complete epoch yet: continue it with --resume"])
    # In the order of keys, not of arrival, so that two readings agree to the last digit.
    shared = sorted(first.rounds.keys() & second.rounds.keys(), key=lambda task: first.rounds[task].key)
    if not shared:
        seeds = f"{first.config['seed']} and {second.config['seed']}"
        return _Pairing([], set(), [f"no task is in both: the seeds are {seeds}"])
    names = set(second.names.values())
    rows = [
        _test(arm, name, measure, _values(first, name, measure, shared), _values(second, name, measure, shared))
        for name in first.names.values()
        if name in names
        for measure in MEASURES
    ]
    return _Pairing([row for row in rows if row is not None], set(shared), _notes(first, second))


def _notes(first: _Side, second: _Side) -> list[str]:
    """Say what else differs between two runs."""
    notes = [
        f"{what}: {difference}"
        for what, key in (
            ("the graders differ", "validators"),
            ("the prices differ", "prices"),
            ("the pools differ, and with them times and costs", "pool"),
        )
        if (difference := first_difference(first.config[key], second.config[key], key))
    ]
    if difference := first_difference(first.machine, second.machine):
        notes.append(f"the machines or versions differ: {difference}")
    unmatched = sorted(set(first.names.values()) ^ set(second.names.values()))
    if unmatched:
        notes.append(f"miners that only one of them has: {', '.join(map(quoted, unmatched))}")
    return notes


def _values(side: _Side, name: str, measure: Measure, tasks: list[TaskKey]) -> list[float]:
    """Measure one miner's answers to some tasks; NaN if there is nothing to measure."""
    uid = next(uid for uid, known in side.names.items() if known == name)
    values = []
    for task in tasks:
        answer = next((answer for answer in side.rounds[task].answers if answer.uid == uid), None)
        value = None if answer is None else measure.of(answer, side.run.config.prices)
        values.append(float("nan") if value is None else value)
    return values


def _test(arm: str, name: str, measure: Measure, before: list[float], after: list[float]) -> Row | None:
    """Test one measure of one miner; None if no task has it in both."""
    comparison = Comparison.of(before, after)
    if comparison.p_value is None:
        return None
    both = [(a, b) for a, b in zip(before, after, strict=True) if not np.isnan(a + b)]
    return Row(
        arm,
        name,
        measure.key,
        mean([a for a, _ in both]),
        mean([b for _, b in both]),
        comparison.difference,
        comparison.p_value,
        comparison.p_value,
    )
