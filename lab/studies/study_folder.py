"""Arms: the runs that a study is made of, each a run of its own that can be resumed and audited.

    arms = [Arm("n8-v2", subset(config, miners=8, validators=2)), ...]
    study = Study(folder, config, "overhead", mode="new")
    with study.claim():
        study.play(arms, probe=Arm("probe", ...), budget=Budget.parse("10m"))

A short probe is run first, and of several arms the smallest: from what their start, answers, tasks and grades
took follows what all others will take.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from lab.config.run_config import RunConfig
from lab.duration import duration
from lab.errors import ConfigError, RecordError
from lab.files import claim, write_json
from lab.record.entries import Epoch
from lab.record.record import RunRecord
from lab.record.run_folder import RunFolder, RunMode, first_difference, open_run, played
from lab.results.bill import Bill
from lab.run.session import Event, run

from .arm import Arm
from .forecast import Forecast, foresee

Watch = Callable[[str, int, int], None]
"""Hears what is under way, rounds done and rounds of all arms."""
Announce = Callable[[Forecast], None]
Foresee = Callable[[RunRecord], dict[str, float]]
"""Foresees work that follows the arms, from the probe's record: wall seconds on one core, by name."""


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
        with claim(self.folder):
            self._enter()
            yield self

    def _enter(self) -> None:
        path, config = self.folder / "study.json", self.config.model_dump(mode="json")
        ours: dict[str, Any] = {"study": self.name, "config": config}
        held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        if held is None and self.mode == "resume":
            raise RecordError(f"{self.folder} holds no study to go on with; leave --resume out to start one")
        if held is not None and self.mode == "new":
            raise RecordError(f"{self.folder} holds a study already; --resume goes on with it, --clean starts it over")
        if held is not None and self.mode == "resume":
            then, now = ({"study": one["study"], **played(one["config"])} for one in (held, ours))
            if differing := first_difference(then, now):
                raise RecordError(f"{self.folder} is a study of another config: {differing}; take another folder")
        if self.mode == "clean":
            self._clean()
        write_json(path, ours)

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
        if not path.is_file():
            return False
        held = json.loads(path.read_text(encoding="utf-8"))
        if played(held) != played(arm.config.model_dump(mode="json")):
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
        smallest = min(arms, key=lambda arm: (arm.rounds * len(arm.config.miner_names), arm.name))
        if len(left) > 1 and smallest in left:  # what the first run of a process starts slowly is no guide to others
            start_s = self._play(smallest, watch, 0, smallest.rounds)
            left.remove(smallest)
        with self.record(probe) as record, nullcontext() if smallest in left else self.record(smallest) as beside:
            forecast = foresee(record, beside, start_s, left).plus(foresee_more(record), self.config)
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
        write_json(self.forecast_path, kept)

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
