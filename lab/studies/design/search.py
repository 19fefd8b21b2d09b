"""Search: many designs replayed shortly, the best of them longer, and three of the best picked.

    finalists = search(tables, designs, seed=0)
    picks = pick(finalists)

Three figures are to be low: dollars, misplaced pay and exploitability. Exploitability is 0 if gaming is not worth it,
and 1 if it pays as well as honest work: the pay of the best paid adversary over the mean honest miner's, or where a
validator that copies weights stands between delegating its stake (0) and working (1), if that is more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lab.studies.weight_copying.page import DELEGATE_TAKE

from .replay import Floats, Progress, Replayed, ReplayWorlds, ScoreTables, replay
from .space import Design

RUNGS = (4, 16, 64)
"""ReplayWorlds of each stage; each keeps a quarter of the designs of the one before."""
KEPT = 4
MOST_FINALISTS = 12
COPIER = -1
"""Number of the copying validator among those who game a design."""
MOST_GAIN = 100.0
"""Gain that stands for "without limit", where honest miners earn nothing; larger ones are cut to it."""
SOUND = 0.5
"""Exploitability up to which a design counts as sound."""
ALIKE = 0.05
"""Exploitability by which designs may differ and still count as equally hard to game."""
NEAR = 2.0
"""Misplaced pay of a sound design, at most this multiple of the least among designs of low exploitability."""


@dataclass(frozen=True, eq=False)
class Figures:
    """What counts, for each design: (designs,)."""

    usd: Floats
    misplaced: Floats
    exploit: Floats
    gamer: NDArray[np.int64]
    """Who earns most from gaming: the column of a miner, or `COPIER`."""

    @classmethod
    def of(cls, replayed: Replayed, honest: NDArray[np.bool_], gamer: NDArray[np.int64] | None = None) -> Self:
        """Average over worlds; `gamer` (designs,) names whose gain counts, by default the largest."""
        gains = gains_of(replayed, honest)
        adversaries = np.append(np.flatnonzero(~honest), COPIER)
        if gamer is None:
            gamer = adversaries[gains.argmax(axis=1)]
        place = np.array([int(np.flatnonzero(adversaries == each)[0]) for each in gamer])
        return cls(
            replayed.usd.mean(axis=1), replayed.misplaced.mean(axis=1), gains[np.arange(len(gains)), place], gamer
        )

    def at(self, places: NDArray[np.int64]) -> Self:
        """Return the figures of some designs."""
        return type(self)(self.usd[places], self.misplaced[places], self.exploit[places], self.gamer[places])

    @property
    def table(self) -> Floats:
        """(designs, 3): dollars, misplaced pay and exploitability."""
        return np.column_stack([self.usd, self.misplaced, self.exploit])


def gains_of(replayed: Replayed, honest: NDArray[np.bool_]) -> Floats:
    """Return (designs, adversaries + 1): pay of each adversary over the mean honest miner's, and the copier's place."""
    honest_pay = np.nanmean(replayed.pay[..., honest], axis=-1).mean(axis=1)
    earned = replayed.pay[..., ~honest].mean(axis=1)
    over = np.divide(earned, honest_pay[:, None], out=np.full(earned.shape, MOST_GAIN), where=honest_pay[:, None] > 0)
    return np.column_stack([np.minimum(over, MOST_GAIN), beyond_delegating(replayed.copier).mean(axis=1)])


def beyond_delegating(gain: Floats) -> Floats:
    """Place dividends for a stake, over those of honest validators, between delegating (0) and working (1)."""
    return np.asarray((gain - (1 - DELEGATE_TAKE)) / DELEGATE_TAKE)


@dataclass(frozen=True, eq=False)
class Finalists:
    """The designs that no other dominates in the last stage, with the figures that the search saw."""

    designs: tuple[Design, ...]
    figures: Figures
    searched: int
    """Designs at the start."""
    replays: int
    """Designs times worlds."""


def search(
    tables: ScoreTables,
    designs: Sequence[Design],
    *,
    rounds: int,
    seed: int,
    progress: Progress = lambda cases: None,
) -> Finalists:
    """Replay designs in stages, each with four times the worlds and a quarter of the designs."""
    left, replays = list(designs), 0
    for stage, count in enumerate(RUNGS):
        worlds = ReplayWorlds.draw(tables, count=count, rounds=rounds, seed=seed + stage)
        figures = Figures.of(replay(tables, left, worlds, progress), tables.honest)
        replays += len(left) * count
        beaten = dominated_by(figures.table)
        last = stage == len(RUNGS) - 1
        kept = min(MOST_FINALISTS, int((beaten == 0).sum())) if last else max(MOST_FINALISTS, len(left) // KEPT)
        order = np.lexsort((_scaled(figures.table).sum(axis=1), beaten))[:kept]
        left = [left[place] for place in order]
    return Finalists(tuple(left), figures.at(order), len(designs), replays)


def dominated_by(table: Floats) -> NDArray[np.int64]:
    """Return by how many others each row is dominated: no figure lower, and one higher."""
    no_worse = (table[:, None] <= table[None, :]).all(axis=-1)
    better = (table[:, None] < table[None, :]).any(axis=-1)
    return np.asarray((no_worse & better).sum(axis=0))


def pick(figures: Figures) -> dict[str, int]:
    """Return the places of three designs: the cheapest sound one, a balanced one, and the hardest to game.

    They differ as long as there are three designs.
    """
    table = figures.table
    hard = table[:, 2] <= max(SOUND, float(table[:, 2].min()))
    sound = hard & (table[:, 1] <= NEAR * table[hard, 1].min())
    cheapest = int(np.where(sound, table[:, 0], np.inf).argmin())
    left = _others(len(table), cheapest)
    hardest = left & (table[:, 2] <= table[left, 2].min() + ALIKE)
    hardest_place = int(np.where(hardest, table[:, 1], np.inf).argmin())
    left = _others(len(table), cheapest, hardest_place)
    balance = np.where(left, (_scaled(table) ** 2).sum(axis=1), np.inf)
    return {"cheapest": cheapest, "balanced": int(balance.argmin()), "hardest": hardest_place}


def _others(count: int, *places: int) -> NDArray[np.bool_]:
    """Return which designs are not at these places; all if none is left."""
    others = ~np.isin(np.arange(count), places)
    return others if others.any() else np.ones(count, bool)


def _scaled(table: Floats) -> Floats:
    """Scale each figure from 0, the best, to 1, the worst; dollars by their logarithm."""
    values = np.column_stack([np.log(np.maximum(table[:, 0], 1e-12)), table[:, 1:]])
    low, high = values.min(axis=0), values.max(axis=0)
    return np.asarray((values - low) / np.where(high > low, high - low, 1.0))
