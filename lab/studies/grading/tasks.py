"""Answered tasks: how right each miner's answers were, part by part, on the tasks of one subnet.

A part is a word of a page, or a whole answer where answers have one part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subnets import Items
from subnets.items import NOTHING, SILENT

Floats = NDArray[np.float64]
BANDS = 3
"""Bands of difficulty, equally wide."""


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredTasks:
    """Tasks and answers: T tasks, M miners; NaN where nothing is known."""

    difficulty: Floats
    """(T,)"""
    quality: Floats
    """(T, M)"""
    missed: Floats
    """(T, M): share of a task's parts of which the answer has nothing, though there is something."""
    misread: Floats
    """(T, M): share of its parts of which the answer has something else."""

    @classmethod
    def of(cls, difficulty: Sequence[float | None], quality: Floats, items: Sequence[Items | None]) -> AnsweredTasks:
        """Collect the errors of all answers."""
        missed, misread = np.full_like(quality, np.nan), np.full_like(quality, np.nan)
        for row, each in enumerate(items):
            if each is None or each.right is None or not len(each.classes):
                continue
            wrong = np.nan_to_num(each.right) < 0.5
            nothing = (each.classes == NOTHING) | (each.classes == SILENT)
            missed[row], misread[row] = (wrong & nothing).mean(axis=0), (wrong & ~nothing).mean(axis=0)
        known = np.array([np.nan if value is None else value for value in difficulty], dtype=np.float64)
        return cls(known, quality, missed, misread)

    def between(self, low: float, high: float) -> AnsweredTasks:
        """Return the tasks of a band of difficulty; its upper end is in it."""
        rows = (self.difficulty >= low) & (self.difficulty <= high)
        return AnsweredTasks(self.difficulty[rows], self.quality[rows], self.missed[rows], self.misread[rows])


def bands(first: AnsweredTasks, second: AnsweredTasks) -> list[tuple[float, float]]:
    """Return equal bands of the difficulties that both have; none where a difficulty is not known."""
    if np.isnan(first.difficulty).any() or np.isnan(second.difficulty).any():
        return []
    low = max(float(first.difficulty.min()), float(second.difficulty.min()))
    high = min(float(first.difficulty.max()), float(second.difficulty.max()))
    if high <= low:
        return []
    edges = np.linspace(low, high, BANDS + 1)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class SharedErrors:
    """How two miners' answers agree, part by part, as sums over the parts of each task."""

    parts: tuple[float, ...]
    """Parts of each task."""
    same: tuple[float, ...]
    """Parts of which both say the same."""
    first: float
    """Share of the parts that the first has right."""
    second: float
    wrong: int
    """K, the number of wrong answers that a part has."""
    correlation: float
    """Correlation of being wrong, part by part; NaN where one of them is never or always wrong."""
    same_when_wrong: float
    """Share of the parts that both have wrong of which they say the same; NaN where there is none."""


def shared_errors(items: Sequence[Items | None], first: int, second: int) -> SharedErrors | None:
    """Compare two miners' answers on the parts that the truth has; None where no answers can be compared with it.

    Two that both say nothing of a part don't agree on it: neither would credit the other for it.
    """
    parts, same, right_first, right_second = [], [], [], []
    agree: list[NDArray[np.bool_]] = []
    wrong = 1
    for each in items:
        if each is None or each.right is None or not len(each.classes):
            continue
        true = np.nan_to_num(each.right) >= 0.5
        kept = ~(true & (each.classes <= NOTHING)).any(axis=1)  # in other parts, nothing is right
        one, other = each.classes[kept, first], each.classes[kept, second]
        equal = (one == other) & (one > NOTHING)
        agree.append(equal)
        right_first.append(true[kept, first])
        right_second.append(true[kept, second])
        parts.append(float(len(equal)))
        same.append(float(equal.sum()))
        wrong = max(wrong, each.wrong)
    if not sum(parts):
        return None
    one_right, other_right, equal = np.concatenate(right_first), np.concatenate(right_second), np.concatenate(agree)
    both = ~one_right & ~other_right
    spread = one_right.std() * other_right.std()
    together = (one_right * 1.0 * other_right).mean() - one_right.mean() * other_right.mean()
    return SharedErrors(
        parts=tuple(parts),
        same=tuple(same),
        first=float(one_right.mean()),
        second=float(other_right.mean()),
        wrong=wrong,
        correlation=float(together / spread) if spread > 0 else float("nan"),
        same_when_wrong=float(equal[both].mean()) if both.any() else float("nan"),
    )
