"""Data of the scenarios: every run of every scenario played, and the headline of each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from lab.statistics import Estimate, mean
from lab.world.history import History
from lab.world.lean_run import LeanRun

from .config import At, ScenarioConfig
from .selection import Selection

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Receives the points done and in total."""


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
    points = [len(each.scenario.lines) * len(each.scenario.points) for each in selection.scenarios.values()]
    total, done = sum(points), 0
    played: list[Scenario] = []
    # A new process rather than a copy of this one, whose threads a copy would lack.
    pool = ProcessPoolExecutor(selection.workers, get_context("spawn")) if selection.workers > 1 else None
    with pool or nullcontext():
        for (name, config), count in zip(selection.scenarios.items(), points, strict=True):
            played.append(play(name, config, partial(_advance, progress, done, total), pool))
            done += count
    return ScenariosData(tuple(played))


def _advance(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def play(
    name: str,
    config: ScenarioConfig,
    progress: Callable[[int], None] = lambda done: None,
    pool: Executor | None = None,
) -> Scenario:
    """Play every run of one scenario, in the processes of a pool if there is one; `progress` receives points done."""
    table = config.scenario
    prediction = table.predicted_by()
    shape = len(table.lines), len(table.points)
    values = np.full((*shape, table.seeds), np.nan)
    predicted = None if prediction is None else np.full(shape, np.nan)
    cells = list(np.ndindex(shape))
    rows = (map if pool is None else pool.map)(partial(_play_point, config), cells)
    for done, (cell, row) in enumerate(zip(cells, rows, strict=True), start=1):
        values[cell] = row
        if prediction is not None and predicted is not None:
            line, point = cell
            predicted[cell] = prediction(config.variant(line, point, 0), table.points[point].x)
        progress(done)
    return Scenario(name, config, values, predicted)


def _play_point(config: ScenarioConfig, cell: tuple[int, int]) -> list[float]:
    """Play one point of one line with every seed."""
    table, measure = config.scenario, config.scenario.measured_by()
    histories = (LeanRun(config.variant(*cell, seed)).play() for seed in range(table.seeds))
    return [measure(measured(history, table.after), table.party, table.beside) for history in histories]


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
