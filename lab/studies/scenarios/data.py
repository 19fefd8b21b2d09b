"""Data of the scenarios: every run of every scenario played, and the headline of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lab.statistics import Estimate, mean
from lab.world.history import History
from lab.world.lean_run import LeanRun

from .config import At, ScenarioConfig
from .selection import Selection

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Receives the runs done and in total."""


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One scenario, played."""

    name: str
    config: ScenarioConfig
    values: Floats
    """The measure: (lines, points, seeds), NaN where it is undefined."""
    predicted: Floats | None
    """The closed form: (lines, points)."""

    @property
    def headline(self) -> Estimate:
        """The one figure, over the seeds in which it is defined."""
        table = self.config.scenario
        line = self.values[table.headline_line]
        if isinstance(table.headline, At):
            return estimate(line[[point.x for point in table.points].index(table.headline.x)])
        places = np.array([point.x for point in table.points])
        return estimate(np.array([crossing(places, seed, table.headline.level) for seed in line.T]))


@dataclass(frozen=True, slots=True, eq=False)
class ScenariosData:
    """All scenarios that were played."""

    scenarios: tuple[Scenario, ...]


def play_scenarios(selection: Selection, progress: Progress = lambda done, total: None) -> ScenariosData:
    """Play every run of the selected scenarios."""
    sizes = [
        len(each.scenario.lines) * len(each.scenario.points) * each.scenario.seeds
        for each in selection.scenarios.values()
    ]
    played: list[Scenario] = []
    for name, config in selection.scenarios.items():
        before = sum(sizes[: len(played)])
        played.append(play(name, config, partial(_advance, progress, before, sum(sizes))))
    return ScenariosData(tuple(played))


def _advance(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def play(name: str, config: ScenarioConfig, progress: Callable[[int], None] = lambda done: None) -> Scenario:
    """Play every run of one scenario; `progress` receives the runs done."""
    table = config.scenario
    measure, prediction = table.measured_by(), table.predicted_by()
    shape = len(table.lines), len(table.points), table.seeds
    values = np.full(shape, np.nan)
    predicted = None if prediction is None else np.full(shape[:2], np.nan)
    for done, (line, point, seed) in enumerate(np.ndindex(shape), start=1):
        world = config.world(line, point, seed)
        values[line, point, seed] = measure(measured(LeanRun(world).play(), table.after), table.party, table.beside)
        if prediction is not None and predicted is not None and seed == 0:
            predicted[line, point] = prediction(world, table.points[point].x)
        progress(done)
    return Scenario(name, config, values, predicted)


def measured(history: History, after: int) -> History:
    """Return a history from an epoch on."""
    rows = {
        name: getattr(history, name)[after:]
        for name in ("paid", "stake", "validator_trust", "quality", "cost_usd", "graded")
    }
    return replace(history, **rows, wealth={name: rows[after:] for name, rows in history.wealth.items()})


def estimate(values: Floats) -> Estimate:
    """Return the mean over the seeds in which the figure is defined."""
    return mean(values[~np.isnan(values)].tolist())


def crossing(places: Floats, values: Floats, level: float) -> float:
    """Return the place at which a line first reaches a level from either side; NaN if it never does."""
    above = values >= level
    changes = np.flatnonzero(above[1:] != above[:-1])
    if not len(changes):
        return np.nan
    at = changes[0]
    part = (level - values[at]) / (values[at + 1] - values[at])
    return float(places[at] + part * (places[at + 1] - places[at]))
