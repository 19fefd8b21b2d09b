"""True text quality: the share of a page's characters that an answer gets right, regardless of order and boxes."""

from __future__ import annotations

from collections.abc import Sequence

from subnets.text import unify

from .answer import MAX_TEXT


def fold(text: str) -> str:
    """Make texts comparable: unify characters, fold white space, cap the length."""
    return " ".join(unify(text).split())[:MAX_TEXT]


def text_quality(truth: Sequence[str], answered: Sequence[str]) -> float:
    """Return 1 - CER, at least 0, for the pairing of sections that needs the fewest edits.

    Edits are characters inserted, deleted or replaced; in a missed or spurious section all characters count.
    """
    import numpy as np
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist
    from scipy.optimize import linear_sum_assignment

    left, right = [fold(text) for text in truth], [fold(text) for text in answered]
    length = sum(map(len, left))
    if not length or not right:
        return 0.0
    distance = cdist(left, right, scorer=Levenshtein.distance, dtype=np.int32)
    # Pairing two sections saves deleting one and inserting the other.
    saved = np.add.outer([len(text) for text in left], [len(text) for text in right]) - distance
    rows, columns = linear_sum_assignment(saved, maximize=True)
    errors = length + sum(map(len, right)) - int(saved[rows, columns].sum())
    return max(0.0, 1.0 - errors / length)
