"""The folder of a study and the arms in it, each a run of its own that can be resumed and audited.

    arms = [Arm("n8-v2", subset(config, miners=8, validators=2)), ...]
    study = StudyFolder("overhead", config, folder)
    with study.claim():
        study.play(arms, probe=Arm("probe", ...), budget=Budget.parse("10m"))

A short probe is played first, then the smallest of several arms. The cost of their start, answers, tasks and grades
gives the forecast for all others.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from lab.config.run_config import RunConfig
from lab.errors import DamagedRecord, RecordError
from lab.files import claim, read_json, remove_new_folder, write_json
from lab.record.comparable import comparable_config, first_difference
from lab.record.entries import Epoch
from lab.record.record import RunRecord
from lab.record.run_folder import RunFolder, RunMode, open_run
from lab.results.bill import Bill
from lab.run.events import Event
from lab.run.session import run
from subnets import SubnetlabError

from .arm import Arm
from .budget import Budget, BudgetError
from .forecast import Forecast, estimate

Watch = Callable[[str, int, int], None]
"""Receives what is under way, the rounds done and the rounds of all arms."""
Announce = Callable[[Forecast], None]
EstimateMore = Callable[[RunRecord], dict[str, float]]
"""Estimates work that follows the arms from the probe's record: wall seconds on one core, by name."""


class StudyFolder:
    """A study's folder, its arms, and the time and money that they have taken."""

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
        """Lock the folder, and start or resume the study in it.

        Raises:
            RecordError: the folder is in use, or holds a study that can't be resumed with this config.
        """
        is_new = not self.folder.exists()
        with claim(self.folder):
            self._enter()
            try:
                yield self
            except SubnetlabError:
                if self.mode != "resume" and not self._has_begun:
                    self._remove(is_new)
                raise

    @property
    def _has_begun(self) -> bool:
        """True if an arm, or the probe, has a record."""
        return any((self.folder / "arms").glob("*/config.json"))

    def _remove(self, is_new: bool) -> None:
        """Remove a study that never began, and its folder if it is new."""
        (self.folder / "study.json").unlink()
        with suppress(OSError):  # something else lies in it, such as a server's log
            (self.folder / "arms").rmdir()
        if is_new:
            remove_new_folder(self.folder)

    def _enter(self) -> None:
        path, config = self.folder / "study.json", self.config.model_dump(mode="json")
        ours: dict[str, Any] = {"study": self.name, "config": config}
        held = self._held(path)
        if held is None and self.mode == "resume":
            raise RecordError(f"{self.folder} holds no study to resume; omit --resume to start one")
        if held is not None and self.mode == "new":
            raise RecordError(f"{self.folder} already holds a study; --resume continues it, --clean starts it over")
        if held is not None and self.mode == "resume":
            then, now = ({"study": each["study"], **comparable_config(each["config"])} for each in (held, ours))
            if differing := first_difference(then, now):
                raise RecordError(f"{self.folder} holds a study of another config: {differing}; choose another --out")
        if self.mode == "clean":
            self._clean()
        write_json(path, ours)

    def _held(self, path: Path) -> Any:
        """Read study.json; None if there is none. A damaged one is enough to know that there is a study to discard."""
        if not path.is_file():
            return None
        if self.mode == "clean":
            return {}
        try:
            held = read_json(path)
        except DamagedRecord as error:
            raise DamagedRecord(f"{error}; --clean starts over") from None
        if not (isinstance(held, dict) and held.keys() >= {"study", "config"} and isinstance(held["config"], dict)):
            raise RecordError(f"{path} is damaged: it does not describe a study; --clean starts over")
        return held

    def _clean(self) -> None:
        """Remove all arms, including those of an earlier grid."""
        self.forecast_path.unlink(missing_ok=True)
        for path in (self.folder / "arms").glob("*"):
            if (path / "config.json").is_file():
                RunFolder(path, self.config).clean()
            shutil.rmtree(path)

    @property
    def forecast_path(self) -> Path:
        """File with the forecast and the time that the study took."""
        return self.folder / "forecast.json"

    def arm_folder(self, arm: Arm) -> Path:
        """Return the folder of an arm's run."""
        return self.folder / "arms" / arm.name

    def record(self, arm: Arm) -> RunRecord:
        """Open the record of a played arm."""
        return open_run(self.arm_folder(arm))

    def complete(self, arm: Arm) -> bool:
        """Return True if an arm has been played to its end."""
        path = self.arm_folder(arm) / "config.json"
        if not path.is_file():
            return False
        held = read_json(path)
        if not isinstance(held, dict) or comparable_config(held) != comparable_config(
            arm.config.model_dump(mode="json")
        ):
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
        watch: Watch = lambda what, done, total: None,
        estimate_more: EstimateMore = lambda probe: {},
    ) -> None:
        """Play the probe and all incomplete arms, and write the forecast with the time they took.

        Args:
            arms: the runs of the study.
            probe: a short run, which the forecast is based on.
            budget: the limit for everything, including the work after the arms.
            announce: receives the forecast.
            watch: receives the progress.
            estimate_more: estimates the work after the arms.

        Raises:
            BudgetError: the forecast exceeds the budget, or the arms played so far did.
        """
        self._budget = budget = budget or Budget()
        self._began, self._spent_usd = time.perf_counter(), 0.0
        start_s = self._play(probe, watch, 0, probe.rounds)
        left = [arm for arm in arms if self.mode == "clean" or not self.complete(arm)]
        smallest = min(arms, key=lambda arm: (arm.rounds * len(arm.config.miner_names), arm.name))
        if len(left) > 1 and smallest in left:  # a process's first run starts more slowly than the others
            start_s = self._play(smallest, watch, 0, smallest.rounds)
            left.remove(smallest)
        with self.record(probe) as record, nullcontext() if smallest in left else self.record(smallest) as beside:
            forecast = estimate(record, beside, start_s, left).plus(estimate_more(record), self.config)
        announce(forecast)
        if excess := budget.exceeded(
            time.perf_counter() - self._began + forecast.wall_s, self._spent_usd + forecast.usd
        ):
            raise BudgetError(f"{self.name} would take about {excess}; raise --budget, or make the study smaller")
        done, total = 0, sum(arm.rounds for arm in left)
        began = time.perf_counter()
        took: dict[str, float] = {}
        for arm in left:
            self.check_budget()
            started = time.perf_counter()
            self._play(arm, watch, done, total)
            took[arm.name] = time.perf_counter() - started
            done += arm.rounds
        if forecast.by_arm_s:
            self._keep_times(forecast, time.perf_counter() - began, took)

    def check_budget(self) -> None:
        """Stop the study if it has exceeded its budget.

        Raises:
            BudgetError: it has; finished work is kept.
        """
        if excess := self._budget.exceeded(time.perf_counter() - self._began, self._spent_usd):
            raise BudgetError(f"{self.name} has used {excess}; --resume with a larger --budget continues it")

    def note_time(self, name: str, wall_s: float) -> None:
        """Record the time of some work after the arms, next to its forecast."""
        kept = read_json(self.forecast_path)
        forecast = Forecast(**kept["forecast"])
        self._keep_times(forecast, kept["took_s"] + wall_s, kept["by_arm_took_s"] | {name: wall_s})

    def _keep_times(self, forecast: Forecast, took_s: float, by_arm_took_s: dict[str, float]) -> None:
        kept = {"forecast": asdict(forecast), "took_s": took_s, "by_arm_took_s": by_arm_took_s}
        write_json(self.forecast_path, kept)

    def _play(self, arm: Arm, watch: Watch, done: int, total: int) -> float:
        """Play one arm; return the seconds it took outside its epochs, to start and stop its pool."""
        mode: RunMode = self.mode if (self.arm_folder(arm) / "config.json").is_file() else "new"
        # A restarted study may find an arm of an earlier grid in its folder.
        mode = "clean" if mode == "new" and self.arm_folder(arm).exists() else mode

        def report(event: Event) -> None:
            watch(arm.name, done + event.rounds, total)

        started = time.perf_counter()
        with run(arm.config, self.arm_folder(arm), mode=mode, watch=report) as record:
            working_s = sum(Epoch.of(entry).use.wall_s for entry in record.entries("epoch"))
            self._spent_usd += sum(part.usd for part in Bill.of(record).parts)
        return max(0.0, time.perf_counter() - started - working_s)
