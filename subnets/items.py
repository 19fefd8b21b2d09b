"""Items: what the answers to one task say, part by part, in a form that shows which of them say the same.

    items = subnet.items(task, answers)
    items.classes        # (parts, answers): equal numbers in a row say the same

A question has one part; a page has as many as its readers found words. Only `right` and `parts` come from the truth;
they are None where the task has no reference.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTHING = 0
"""Class of an answer that has nothing where others have something."""
SILENT = -1
"""Class of an answer that is missing or says nothing that can be read."""


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The parts of all answers to a task: P parts, A answers."""

    classes: NDArray[np.int64]
    """(P, A): equal numbers above 0 say the same; `NOTHING` or `SILENT` otherwise."""
    wrong: int
    """K, the number of wrong answers that a part has."""
    unshared: NDArray[np.int64]
    """Parts of each answer that no other answer has a counterpart of, (A,); they are no rows of `classes`."""
    right: NDArray[np.float64] | None = None
    """Truth of each answer's part, (P, A) in [0, 1]; NaN where it can't be told."""
    parts: int | None = None
    """Number of parts that the right answer has."""

    @classmethod
    def single(cls, readings: Sequence[Hashable | None], wrong: int, right: Sequence[float | None] | None) -> Self:
        """Compare answers of one part by their readings; None says nothing, or in `right` that it can't be told."""
        import numpy as np

        numbers: dict[Hashable, int] = {}
        classes = [SILENT if said is None else numbers.setdefault(said, len(numbers) + 1) for said in readings]
        known = None if right is None else np.array([[np.nan if value is None else value for value in right]])
        return cls(
            classes=np.array([classes], dtype=np.int64),
            wrong=wrong,
            unshared=np.zeros(len(classes), dtype=np.int64),
            right=known,
            parts=None if right is None else 1,
        )
