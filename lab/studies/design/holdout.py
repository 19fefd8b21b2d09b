"""Hold-out: the figures of chosen designs on tasks that the search has not seen.

    held = HeldOut.of(tables, finalists, rounds=32, seed=0)
    held.misplaced[0].text()

The search's own figures are optimistic, since it keeps designs that were lucky with its tasks. Intervals come from the
jackknife over groups of tasks: the same worlds are replayed without each group, other tasks in its stead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lab.statistics import Estimate
from lab.statistics.interval import CONFIDENCE, Interval

from .replay import Floats, Progress, Replayed, ReplayWorlds, ScoreTables, replay
from .search import COPIER, Figures, Finalists, beyond_delegating, dominated_by

GROUPS = 10
"""Groups of tasks: few, so that leaving one out moves the figures more than the replay's own noise."""
WORLDS = 120
METHOD = "jackknife over groups of tasks, t"
DRAWS = 2_000
SURE = 0.05


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Figures on fresh tasks, in the order of the finalists; n counts tasks."""

    usd: tuple[Estimate, ...]
    misplaced: tuple[Estimate, ...]
    exploit: tuple[Estimate, ...]
    on_front: Floats
    """Probability that no other finalist dominates, by the errors of all figures together."""
    surely_dominated: NDArray[np.bool_]
    """True if another finalist is better in one figure and worse in none, beyond chance (max-T over all pairs)."""

    @classmethod
    def of(
        cls,
        tables: ScoreTables,
        finalists: Finalists,
        *,
        rounds: int,
        seed: int,
        progress: Progress = lambda cases: None,
    ) -> Self:
        """Replay the finalists on `tables`, which hold none of the search's tasks."""
        worlds = ReplayWorlds.draw(tables, count=WORLDS, rounds=rounds, seed=seed)
        group = np.arange(len(tables)) % GROUPS

        def replayed(worlds: ReplayWorlds) -> Replayed:
            return replay(tables, finalists.designs, worlds, progress)

        gamer, plain = finalists.figures.gamer, replayed(worlds)
        figures = Figures.of(plain, tables.honest, gamer)
        value = figures.table
        left_out = np.array(
            [Figures.of(replayed(worlds.without(group == each)), tables.honest, gamer).table for each in range(GROUPS)]
        )
        influence = (GROUPS - 1) * (left_out.mean(axis=0) - left_out)  # (groups, designs, 3)
        replay_noise = _by_world(plain, tables.honest, figures).var(axis=1, ddof=1) / WORLDS
        spread = np.sqrt(influence.var(axis=0, ddof=1) / GROUPS + replay_noise)
        usd, misplaced, exploit = (
            tuple(_estimate(*cell, len(tables)) for cell in zip(value[:, at], spread[:, at], strict=True))
            for at in range(3)
        )
        noise = np.random.default_rng(seed).standard_normal((DRAWS, GROUPS)) / np.sqrt(GROUPS * (GROUPS - 1))
        errors = np.tensordot(noise, influence, axes=1)  # (draws, designs, 3)
        front = np.mean([dominated_by(each) == 0 for each in value + errors], axis=0)
        return cls(usd, misplaced, exploit, front, _surely_dominated(value, errors, _spread_of_pairs(influence)))


def _by_world(replayed: Replayed, honest: NDArray[np.bool_], figures: Figures) -> Floats:
    """Return the figures of each world (designs, worlds, 3); gains are linear in pay around those of `figures`."""
    honest_pay = np.nanmean(replayed.pay[..., honest], axis=-1)
    gains = beyond_delegating(replayed.copier)
    for place, miner in enumerate(figures.gamer):
        middle = float(honest_pay[place].mean())
        if miner != COPIER and middle > 0:
            gains[place] = (replayed.pay[place, :, miner] - figures.exploit[place] * honest_pay[place]) / middle
    return np.stack([replayed.usd, replayed.misplaced, gains], axis=-1)


def _spread_of_pairs(influence: Floats) -> Floats:
    """Return the standard errors (designs, designs, 3) of all differences of two designs."""
    apart = influence[:, :, None] - influence[:, None, :]
    return np.asarray(apart.std(axis=0, ddof=1) / np.sqrt(len(influence)))


def _estimate(value: float, spread: float, tasks: int) -> Estimate:
    from scipy.special import stdtrit

    half = float(stdtrit(GROUPS - 1, (1 + CONFIDENCE) / 2)) * spread
    interval = Interval(max(0.0, value - half), max(0.0, value + half), METHOD)
    return Estimate.of(max(0.0, value), interval, tasks)


def _surely_dominated(value: Floats, errors: Floats, spread: Floats) -> NDArray[np.bool_]:
    """Compare all pairs of designs in all figures, allowing for the largest of their errors in units of `spread`."""
    known = spread > 0
    scale = np.where(known, spread, 1.0)
    largest = np.array([(np.abs(each[:, None] - each[None, :]) / scale * known).max() for each in errors])
    difference = value[:, None] - value[None, :]  # first minus second
    t = np.where(known, difference / scale, np.where(difference == 0, 0.0, np.copysign(np.inf, difference)))
    dominates = (difference <= 0).all(axis=-1) & (t < -np.quantile(largest, 1 - SURE)).any(axis=-1)
    return np.asarray(dominates.any(axis=0))
