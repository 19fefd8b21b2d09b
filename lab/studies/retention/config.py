"""What an honest majority needs so that a cabal does not grow: the retention study.

    data = retention(RetentionConfig())
    write_csv(data, folder)

An honest share of stake S and cabals with the rest split their weight over honest and cabal miners; the
honest side keeps its stake if its share of emission is S or more. The study finds the least honest
utility (weight of the honest on honest miners) that does, for every cabal utility, over a grid and
along single lines: the published ones, and versions, epochs and numbers of cabals beside them.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lab.statistics import Estimate, mean

from .draws import Floats
from .page import plot, plot_lines, write_csv
from .settings import PUBLISHED, Setting, settings
from .worlds import Worlds, honest_shares

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """The whole study; the defaults are the published grid and every line."""

    neurons: int = 512
    validators: int = 64
    utility_steps: int = 51
    """Utilities 0, 0.02 … 1 on both axes."""
    grid_stake_shares: tuple[float, ...] = (0.51, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
    grid: Setting = field(default_factory=lambda: Setting("yuma1"))
    lines: tuple[Setting, ...] = field(default_factory=settings)
    line_points: int = 11
    """Cabal utilities of a line: 0, 0.1 … 1."""
    seeds: int = 3
    """Draws of stake and weights behind each point of a line. The first is upstream's own; the grid uses it."""
    workers: int = 2
    """Threads; an epoch holds no lock."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One setting's line."""

    setting: Setting
    cabal_utility: Floats
    """(points,)"""
    needed: tuple[Estimate, ...]
    """Least honest utility at each point, mean over the draws; value None where no utility suffices."""
    draws: Floats
    """(points, draws): least honest utility in each; NaN where none suffices. Compare the first with `published`."""
    published: tuple[float, ...] | None
    """What upstream's plot shows, at each point: one draw, the first here."""


@dataclass(frozen=True, slots=True, eq=False)
class RetentionData:
    """Everything the study found."""

    config: RetentionConfig
    utilities: Floats
    """(steps,)"""
    honest_emission: Floats
    """(stake shares, cabal utility, honest utility): the honest side's share of emission over the grid"""
    grid_needed: Floats
    """(stake shares, cabal utility): least honest utility; NaN where none suffices"""
    lines: tuple[Line, ...]
    epochs: int
    grid_s: float
    total_s: float


def retention(config: RetentionConfig | None = None, *, progress: Progress | None = None) -> RetentionData:
    """Run the grid and the lines; `progress` hears (columns done, columns of all)."""
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
        for column in pool.map(lambda job: honest_shares(worlds.of(job[0], job[2]), job[0], job[1]), jobs):
            columns.append(column)
            if len(columns) == len(grid_jobs):
                grid_s = time.perf_counter() - started
            if progress is not None:
                progress(len(columns), len(jobs))
    needed = np.array(
        [
            least_utility(utilities, column, setting.stake_share)
            for column, (setting, _, _) in zip(columns, jobs, strict=True)
        ]
    )
    grid, draws = needed[: len(grid_jobs)], needed[len(grid_jobs) :]
    shape = (len(config.grid_stake_shares), len(utilities))
    return RetentionData(
        config=config,
        utilities=utilities,
        honest_emission=np.array(columns[: len(grid_jobs)]).reshape(*shape, len(utilities)),
        grid_needed=grid.reshape(shape),
        lines=tuple(
            _line(setting, points, found)
            for setting, found in zip(
                config.lines, draws.reshape(len(config.lines), len(points), config.seeds), strict=True
            )
        ),
        epochs=sum(setting.epochs for setting, _, _ in jobs) * len(utilities),
        grid_s=grid_s,
        total_s=time.perf_counter() - started,
    )


def least_utility(utilities: Floats, shares: Floats, wanted: float) -> float:
    """Where the honest share first reaches `wanted`, interpolated; NaN if it never does."""
    reached = np.flatnonzero(shares >= wanted)
    if len(reached) == 0:
        return float("nan")
    at = int(reached[0])
    below = shares[at - 1] if at else np.nan
    if at == 0 or np.isnan(below):
        return float(utilities[at])
    part = (wanted - below) / (shares[at] - below)
    return float(utilities[at - 1] + part * (utilities[at] - utilities[at - 1]))


def _line(setting: Setting, points: Floats, draws: Floats) -> Line:
    missing = Estimate(None, None, None, draws.shape[1])
    needed = tuple(missing if np.isnan(found).any() else mean(found.tolist()) for found in draws)
    published = PUBLISHED.get(setting.name)
    matches = published is not None and len(published) == len(points)
    return Line(setting, points, needed, draws, published if matches else None)


def run(out: Path, *, config: RetentionConfig | None = None, progress: Progress | None = None) -> RetentionData:
    """The study into a folder: two tables and two pictures."""
    data = retention(config, progress=progress)
    write_csv(data, out)
    plot(data).savefig(out / "retention.svg")
    plot_lines(data).savefig(out / "retention_lines.svg")
    return data
