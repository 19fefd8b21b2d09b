"""Bandits: queries until miners are ranked rightly, asking all alike or those whose order is least sure.

A ranking of all miners has to separate every pair of neighbours, so there is little that an adaptive choice can leave
out. The accuracies don't change here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TARGET = 0.95
"""Share of the pairs of miners in the right order that counts as ranked."""
START = 5
"""Answers of each miner before an adaptive choice begins."""
LOOK_EVERY = 20
"""Queries from one look at the order to the next."""
MOST = 4000
"""Queries after which a race is given up."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of miners by their accuracies."""

    name: str
    accuracies: tuple[float, ...]


FIELDS = (
    Field("evenly spread, 9 miners", tuple(float(p) for p in np.linspace(0.5, 0.9, 9))),
    Field("four tiers, 20 miners", (0.5,) * 5 + (0.65,) * 5 + (0.8,) * 5 + (0.9,) * 5),
    Field("long tail, 32 miners", (0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55) + (0.4,) * 24),
)


@dataclass(frozen=True, slots=True)
class Race:
    """Queries until the mean share of pairs in order reaches the target; None if it never does."""

    field: Field
    uniform: int | None
    adaptive: int | None


def race(field: Field, replications: int, seed: int = 0) -> Race:
    """Rank one field both ways."""
    return Race(field, *(_needed(field, replications, seed, adaptive=each) for each in (False, True)))


def _needed(field: Field, replications: int, seed: int, *, adaptive: bool) -> int | None:
    """Return the queries after which the mean share of pairs in the right order reaches the target."""
    rng = np.random.default_rng([seed, len(field.accuracies)])
    accuracies = np.array(field.accuracies)
    miners, rows = len(accuracies), np.arange(replications)
    hits, counts = np.zeros((replications, miners)), np.zeros((replications, miners))
    first, second = np.triu_indices(miners, 1)
    truth = np.sign(accuracies[first] - accuracies[second])
    first, second, truth = first[truth != 0], second[truth != 0], truth[truth != 0]
    for query in range(MOST):
        chooses = adaptive and query >= START * miners
        asked = _least_sure(hits, counts) if chooses else np.full(replications, query % miners)
        hits[rows, asked] += rng.random(replications) < accuracies[asked]
        counts[rows, asked] += 1
        if query % LOOK_EVERY == LOOK_EVERY - 1:
            means = (hits + 0.5) / (counts + 1.0)
            if (0.5 + 0.5 * truth * np.sign(means[:, first] - means[:, second])).mean() >= TARGET:
                return query + 1
    return None


def _least_sure(hits: Floats, counts: Floats) -> NDArray[np.int64]:
    """Return, for each replication, the miner asked less of the two neighbours whose order is least sure."""
    means = (hits + 0.5) / (counts + 1.0)
    spread = means * (1.0 - means) / np.maximum(counts, 1.0)
    order = np.argsort(means, axis=1)
    means, spread = np.take_along_axis(means, order, 1), np.take_along_axis(spread, order, 1)
    pair = np.argmin(np.diff(means, axis=1) / np.sqrt(spread[:, 1:] + spread[:, :-1]), axis=1)
    rows = np.arange(len(pair))
    lower, upper = order[rows, pair], order[rows, pair + 1]
    return np.asarray(np.where(counts[rows, lower] <= counts[rows, upper], lower, upper))
