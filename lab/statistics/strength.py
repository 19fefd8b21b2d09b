"""Strength: win rates and Bradley-Terry strengths.

games = Games.of_scores(scores)          # every two miners scored on a task play a game
contest = Contest.of(games)
contest.win_rates[0], contest.strengths[0]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimate import Estimate, jackknife, share
from .resampling import BUNDLES

PRIOR = 1.0
"""Ties that each player gets with an average player. One tie hardly moves a player with many games, and bounds the
strength of a player that won or lost all of them."""
TOLERANCE = 1e-9
STEPS = 200
BLOCK_CELLS = 1 << 20


@dataclass(frozen=True, slots=True)
class Games:
    """Games between two players each."""

    players: int
    first: NDArray[np.int64]
    """(G,): numbers of the players, from 0."""
    second: NDArray[np.int64]
    """(G,): numbers of their opponents."""
    won: NDArray[np.float64]
    """(G,): result for the first player, 1.0 won, 0.5 tied, 0.0 lost."""
    cluster: NDArray[np.int64]
    """(G,): games with the same number, from 0, depend on each other."""

    @classmethod
    def of(
        cls, players: int, first: ArrayLike, second: ArrayLike, won: ArrayLike, cluster: ArrayLike | None = None
    ) -> Games:
        """Check games; without a `cluster`, each is independent.

        Raises:
            ValueError: the lists differ in length, a player is unknown or plays itself, or a result is outside [0, 1].
        """
        player, opponent, result = np.asarray(first, np.int64), np.asarray(second, np.int64), np.asarray(won, float)
        if not player.shape == opponent.shape == result.shape or player.ndim != 1:
            raise ValueError(
                f"first {player.shape}, second {opponent.shape}, won {result.shape}: give one of each for every game"
            )
        if len(player) and not (0 <= min(player.min(), opponent.min()) and max(player.max(), opponent.max()) < players):
            raise ValueError(
                f"players run from 0 to {players - 1}; games name {min(player.min(), opponent.min())} "
                f"to {max(player.max(), opponent.max())}"
            )
        if (player == opponent).any():
            raise ValueError(
                f"player {player[player == opponent][0]} plays itself in {int((player == opponent).sum())} games"
            )
        if not ((result >= 0) & (result <= 1)).all():
            raise ValueError("a game is won (1.0), tied (0.5) or lost (0.0) by its first player")
        groups = np.arange(len(player)) if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1]
        if groups.shape != player.shape:
            raise ValueError(f"cluster {groups.shape}, first {player.shape}: give one cluster for every game")
        return cls(players, player, opponent, result, groups.astype(np.int64))

    @classmethod
    def of_scores(cls, scores: ArrayLike) -> Games:
        """Play one game for every two miners scored on the same task of `scores` (tasks, miners); NaN is unscored.

        Equal scores tie. Games on the same task are a cluster.
        """
        table = np.asarray(scores, dtype=float)
        if table.ndim != 2:
            raise ValueError(f"scores {table.shape}: give them as (tasks, miners)")
        first, second = np.triu_indices(table.shape[1], 1)
        ahead = table[:, first] - table[:, second]
        task, pair = np.nonzero(~np.isnan(ahead))
        won = (1.0 + np.sign(ahead[task, pair])) / 2
        return cls.of(table.shape[1], first[pair], second[pair], won, task)

    def wins(self) -> NDArray[np.float64]:
        """Wins of each player (row) over each other one, ties as halves: (clusters, players²), bundled beyond BUNDLES.

        Row-major: column i * players + j counts wins of i over j.
        """
        clusters = int(self.cluster.max()) + 1 if len(self.cluster) else 0
        if clusters > BUNDLES:
            place = np.random.default_rng(1).permutation(clusters)[self.cluster] % BUNDLES
            clusters = BUNDLES
        else:
            place = self.cluster
        width = self.players**2
        size = clusters * width
        forth = place * width + self.first * self.players + self.second
        back = place * width + self.second * self.players + self.first
        counted = np.bincount(forth, self.won, size) + np.bincount(back, 1.0 - self.won, size)
        return np.asarray(counted.reshape(clusters, width))


@dataclass(frozen=True, slots=True)
class Contest:
    """Win rates and strengths of players; n counts the clusters of games, such as tasks, in which a player played."""

    win_rates: tuple[Estimate, ...]
    """Share of a player's games that it won; ties count half."""
    strengths: tuple[Estimate, ...]
    """Bradley-Terry strengths: i beats j with probability 1 / (1 + exp(s_j - s_i)), and the mean of all players is 0.

    There is no value for a player without games.
    """
    reason: str
    """Reason why strengths have no value or rest on the prior; empty if the games determine them."""

    @classmethod
    def of(cls, games: Games, prior: float = PRIOR) -> Contest:
        """Fit all players, with intervals over the games' clusters.

        A `prior` of 0 gives maximum-likelihood strengths. If these don't exist, because some players never lost to the
        others or never met them, there is no value; if they need all clusters to exist, there is no interval.
        """
        players, rows = games.players, games.wins()
        tables = rows.reshape(-1, players, players)
        won, lost = tables.sum(axis=2), tables.sum(axis=1)
        played = won + lost > 0
        return cls(
            win_rates=tuple(
                share(won[here, player], (won + lost)[here, player]) for player, here in enumerate(played.T)
            ),
            strengths=_strengths(rows, prior, played.sum(axis=0)),
            reason=_reason(tables.sum(axis=0), prior),
        )


def bradley_terry(wins: NDArray[np.float64], prior: float = PRIOR) -> NDArray[np.float64]:
    """Return the strengths (B, P), with mean 0, for `wins` (B, P, P): wins[b, i, j] of i over j, ties as halves.

    Newton's method finds the maximum of the likelihood, with `prior` ties of each player against one of strength 0
    added. No step moves two players more than log 2 apart, over which the curvature at most doubles, so each step
    climbs. NaN for players without games, and with `prior` 0 for all players of a table without a maximum.
    """
    if prior < 0:
        raise ValueError(f"prior {prior}: ties with an average player, 0 or more")
    strengths = np.full(wins.shape[:2], np.nan)
    step = max(1, BLOCK_CELLS // max(1, wins.shape[1] ** 2))
    for start in range(0, len(wins), step):
        strengths[start : start + step] = _climb(wins[start : start + step], prior)
    return strengths


def _climb(wins: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Fit one block of tables."""
    met = wins + wins.swapaxes(1, 2)
    here = met.sum(axis=2) > 0
    strengths = np.zeros(here.shape)
    # Without a prior all strengths could move together; the ones keep their mean at 0.
    held = np.eye(here.shape[1]) * ~here[:, :, None] + (0.0 if prior else 1.0)
    moving = np.ones(len(wins), dtype=bool)
    if not prior:
        moving = np.array([len(_groups(table)) == 1 for table in wins], dtype=bool)
    failed = ~moving
    for _ in range(STEPS):
        if not moving.any():
            break
        now = strengths[moving]
        chance = _logistic(now[:, :, None] - now[:, None, :])
        against_average = _logistic(now)
        slope = wins[moving].sum(axis=2) - (met[moving] * chance).sum(axis=2) + prior * (0.5 - against_average)
        curve = met[moving] * chance * (1.0 - chance)
        diagonal = curve.sum(axis=2) + prior * against_average * (1.0 - against_average)
        curve = held[moving] + np.eye(now.shape[1]) * diagonal[:, :, None] - curve
        move = np.linalg.solve(curve, slope[:, :, None])[:, :, 0]
        width = np.ptp(move, axis=1)
        strengths[moving] = now + move * np.minimum(1.0, np.log(2.0) / np.maximum(width, 1e-300))[:, None]
        moving[moving] = width > TOLERANCE
    strengths[~here] = np.nan
    strengths[failed | moving] = np.nan
    count = np.maximum(here.sum(axis=1, keepdims=True), 1)
    return np.asarray(strengths - np.where(here, strengths, 0.0).sum(axis=1, keepdims=True) / count)


def _strengths(rows: NDArray[np.float64], prior: float, played: NDArray[np.int64]) -> tuple[Estimate, ...]:
    """Return each player's strength from `rows` (clusters, players²), with n from `played` (players,)."""
    players = len(played)
    if not len(rows):
        return (Estimate(None, None, None, 0),) * players
    left_out = np.vstack([rows.sum(axis=0), rows.sum(axis=0) - rows]).reshape(-1, players, players)
    fitted = bradley_terry(left_out, prior)
    return tuple(jackknife(fitted[0, player], fitted[1:, player], int(n)) for player, n in enumerate(played))


def _logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((1.0 + np.tanh(values / 2)) / 2)


def _groups(wins: NDArray[np.float64]) -> list[list[int]]:
    """Group the players with games so that within a group each beat each other, directly or through others.

    The maximum of the likelihood exists if there is one group (Ford 1957).
    """
    from scipy.sparse.csgraph import connected_components

    here = np.flatnonzero((wins + wins.T).sum(axis=1) > 0)
    count, labels = connected_components(wins[np.ix_(here, here)] > 0, directed=True, connection="strong")
    return sorted(here[labels == label].tolist() for label in range(count))


def _reason(wins: NDArray[np.float64], prior: float) -> str:
    groups = _groups(wins)
    if len(groups) < 2:
        return "" if groups else "there are no games"
    named = "; ".join(", ".join(map(str, group)) for group in groups)
    apart = f"these groups of players never beat each other both ways, so games alone can't tell them apart: {named}"
    if prior:
        return f"{apart}. A prior of {prior:g} ties of each player with an average one decides"
    return f"{apart}. Without a prior there is no strength"
