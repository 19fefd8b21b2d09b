"""The guarantee: the least honest utility with which an honest majority keeps its share of emission.

    data = retention(RetentionConfig())
    data.lines[0].needed[-1].text()

Honest validators hold a stake share S, and cabals hold the rest. Both split their weight between honest and cabal
miners; a side's utility is the weight that it puts on its own miners. The honest side keeps its stake if its share of
emission is at least S. The study finds the least honest utility for which it does, at every cabal utility: over a grid
of stake shares, and along one line for each setting (the published ones, and other versions, numbers of epochs and
numbers of cabals).
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from lab.statistics import Estimate, mean

from .config import RetentionConfig
from .draws import Floats
from .settings import PUBLISHED, Setting
from .worlds import Worlds, honest_shares


@dataclass(frozen=True, slots=True, eq=False)
class SettingLine:
    """The least honest utility in one setting, by cabal utility."""

    setting: Setting
    cabal_utility: Floats
    """(points,)"""
    needed: tuple[Estimate, ...]
    """Least honest utility at each point, mean over the draws; no value where no utility suffices."""
    draws: Floats
    """(points, draws): least honest utility of each draw; NaN where none suffices. The first matches `published`."""
    published: tuple[float, ...] | None
    """Upstream's plot at each point: a single draw, the first one here."""

    @property
    def worst(self) -> Estimate:
        """The utility that suffices whatever the cabal does; no value if none does."""
        unknown = next((estimate for estimate in self.needed if estimate.value is None), None)
        return unknown or max(self.needed, key=lambda estimate: estimate.value or 0.0)

    @property
    def worst_published(self) -> float | None:
        """The same on upstream's plot; None if the setting is not published."""
        return None if self.published is None else max(self.published)

    @property
    def worst_same_draw(self) -> float | None:
        """The same in the draw behind upstream's plot; None if the setting is not published."""
        return None if self.published is None else float(self.draws[:, 0].max())


@dataclass(frozen=True, slots=True, eq=False)
class RetentionData:
    """Results of the study."""

    config: RetentionConfig
    utilities: Floats
    """(steps,)"""
    honest_emission: Floats
    """(stake shares, cabal utility, honest utility): the honest side's share of emission over the grid."""
    grid_needed: Floats
    """(stake shares, cabal utility): least honest utility; NaN where none suffices."""
    lines: tuple[SettingLine, ...]
    epochs: int
    grid_s: float
    total_s: float


def retention(
    config: RetentionConfig | None = None, progress: Callable[[int, int], None] = lambda done, total: None
) -> RetentionData:
    """Simulate the grid and the lines; `progress` receives the columns done and the columns in total."""
    config = config or RetentionConfig()
    utilities = np.linspace(0, 1, config.utility_steps)
    points = np.linspace(0, 1, config.line_points)
    grid_jobs = [
        (replace(config.grid, stake_share=share), float(cabal), 0)
        for share in config.grid_stake_shares
        for cabal in utilities
    ]
    line_jobs = [
        (setting, float(cabal), seed) for setting in config.lines for cabal in points for seed in range(config.seeds)
    ]
    jobs = grid_jobs + line_jobs
    worlds = Worlds(config.neurons, config.validators, utilities)
    started = time.perf_counter()
    columns: list[Floats] = []
    grid_s = 0.0
    with ThreadPoolExecutor(config.workers) as pool:
        for column in pool.map(lambda job: honest_shares(worlds.world(job[0], job[2]), job[0], job[1]), jobs):
            columns.append(column)
            if len(columns) == len(grid_jobs):
                grid_s = time.perf_counter() - started
            progress(len(columns), len(jobs))
    needed = np.array(
        [
            least_utility(utilities, column, setting.stake_share)
            for column, (setting, _, _) in zip(columns, jobs, strict=True)
        ]
    )
    grid, draws = needed[: len(grid_jobs)], needed[len(grid_jobs) :]
    shape = (len(config.grid_stake_shares), len(utilities))
    by_line = draws.reshape(len(config.lines), len(points), config.seeds)
    return RetentionData(
        config=config,
        utilities=utilities,
        honest_emission=np.array(columns[: len(grid_jobs)]).reshape(*shape, len(utilities)),
        grid_needed=grid.reshape(shape),
        lines=tuple(_line(setting, points, line) for setting, line in zip(config.lines, by_line, strict=True)),
        epochs=sum(setting.epochs for setting, _, _ in jobs) * len(utilities),
        grid_s=grid_s,
        total_s=time.perf_counter() - started,
    )


def least_utility(utilities: Floats, shares: Floats, wanted: float) -> float:
    """Return the utility at which the honest share first reaches `wanted`, interpolated; NaN if it never does."""
    reached = np.flatnonzero(shares >= wanted)
    if len(reached) == 0:
        return float("nan")
    first = int(reached[0])
    below = shares[first - 1] if first else np.nan
    if first == 0 or np.isnan(below):
        return float(utilities[first])
    part = (wanted - below) / (shares[first] - below)
    return float(utilities[first - 1] + part * (utilities[first] - utilities[first - 1]))


def _line(setting: Setting, points: Floats, draws: Floats) -> SettingLine:
    missing = Estimate(None, None, None, draws.shape[1])
    needed = tuple(missing if np.isnan(point).any() else mean(point.tolist()) for point in draws)
    published = PUBLISHED.get(setting.name)
    matches = published is not None and len(published) == len(points)
    return SettingLine(setting, points, needed, draws, published if matches else None)
