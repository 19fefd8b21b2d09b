"""Crowds made of recorded answers: the study's miners, with colluders added who know what the others answered.

    crowd = recorded_crowd(data, colluding=0.5, scheme="key", seed=0)

The validator's own answers are those of the weakest honest miner. A page has one row for each of its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.studies.grading.grades import GradingData, known_means
from subnets import SILENT, Items

from .crowds import Crowd, Scheme

Integers = NDArray[np.int64]

GOLD = 0.1
"""Share of the tasks whose truth the validator knows."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The columns of a study's miners by their part in a crowd."""

    own: int
    honest: tuple[int, ...]
    """The other honest miners, the weakest first."""
    adversaries: tuple[int, ...]

    @classmethod
    def of(cls, data: GradingData) -> Cast | None:
        """Cast the miners of a study; None if fewer than three honest ones have a known quality."""
        means = known_means(data.quality)
        honest = sorted((column for column in data.honest if not np.isnan(means[column])), key=lambda each: means[each])
        if len(honest) < 3:
            return None
        return cls(honest[0], tuple(honest[1:]), tuple(data.adversaries))


def recorded_crowd(data: GradingData, cast: Cast, colluding: float, scheme: Scheme, seed: int) -> Crowd | None:
    """Return the crowd in which a share of the miners colludes; None if no answers can be compared.

    Its columns are the own answers, the honest miners, the colluders and the adversaries of the study. Colluders answer
    the commonest wrong answer of the honest ("key"), or what the validator answers ("mimic").
    """
    rng = np.random.default_rng([seed, round(100 * colluding)])
    compared = [items for items in data.items if items is not None and items.right is not None and len(items.classes)]
    if not compared:
        return None
    order = rng.permutation(len(compared))
    compared = [compared[place] for place in order]
    gold = max(1, round(GOLD * len(compared)))
    colluders = round(colluding / (1.0 - colluding) * len(cast.honest))
    rows = [row for items in compared for row in _rows(items, cast, colluders, scheme)]
    wrong = max(max(items.wrong for items in compared), max(len(set(row)) for row in rows) - 1)
    renamed = np.array([_renamed(row, wrong + 1, rng) for row in rows])
    truth, answers = renamed[:, 0], renamed[:, 1:]
    first = 1 + len(cast.honest)
    return Crowd(
        answers=answers,
        truth=truth,
        gold=sum(len(items.classes) for items in compared[:gold]),
        wrong=wrong,
        own=float(np.clip((answers[:, 0] == truth).mean(), 0.02, 0.98)),
        honest=tuple(range(1, first)),
        colluders=tuple(range(first, first + colluders)),
        counts=np.concatenate([np.full(len(items.classes), 1.0 / len(items.classes)) for items in compared]),
    )


def _rows(items: Items, cast: Cast, colluders: int, scheme: Scheme) -> list[list[int]]:
    """Return one row for each part of a task: the name of the right answer, then those of all columns of the crowd."""
    assert items.right is not None
    rows = []
    for classes, right in zip(items.classes, np.nan_to_num(items.right) >= 0.5, strict=True):
        # A name of its own for each answer that says nothing: nobody agrees with it.
        names = [int(name) if name != SILENT else -2 - place for place, name in enumerate(classes)]
        true = next((name for name, is_right in zip(names, right, strict=True) if is_right), max(names) + 1)
        lies = [names[column] for column in cast.honest if names[column] != true and names[column] > SILENT]
        key = max(set(lies), key=lambda name: (lies.count(name), name)) if lies else max(*names, true) + 2
        bloc = key if scheme == "key" else names[cast.own]
        columns = [names[column] for column in (cast.own, *cast.honest)]
        rows.append([true, *columns, *[bloc] * colluders, *(names[column] for column in cast.adversaries)])
    return rows


def _renamed(row: Sequence[int], names: int, rng: np.random.Generator) -> Integers:
    """Name the answers of a row at random, so that nothing can be learned from a name."""
    _, places = np.unique(row, return_inverse=True)
    return np.asarray(rng.choice(names, int(places.max()) + 1, replace=False)[places])
