"""The reward of the passthrough subnet (cortex.t, late 2024): the cubed TF-IDF cosine with the validator's own call.

It pays for the same bag of words: a shuffled copy earns 1.0, a negated statement 0.9, a right paraphrase almost
nothing. Studies use it to show which miners it pays.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from pydantic import Field

from subnets import Response, Score, Scorer, Task
from subnets.text import answer_text, reference_text

TOKEN = re.compile(r"\b\w\w+\b")
UNSHARED_IDF = math.log(3 / 2) + 1
"""Smoothed inverse document frequency of a word that occurs in one of two documents; in both, it is 1."""


class TfidfCubed(Scorer):
    """Cosine of the TF-IDF vectors of reference and answer, fitted on the two, to the third power."""

    exponent: float = Field(3.0, gt=0)
    """Power to which the cosine is raised."""
    min_ratio: float = Field(0.5, ge=0)
    """Smallest length ratio of answer to reference, in words."""
    max_ratio: float = Field(1.4, gt=0)
    """Largest length ratio of answer to reference, in words; outside the range an answer earns nothing."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        reference, answer = reference_text(task), answer_text(response)
        ratio = len(answer.split()) / max(1, len(reference.split()))
        if not self.min_ratio <= ratio <= self.max_ratio:
            return Score(0.0, {"length_ratio": ratio}, f"{ratio:.2f} times as long as the reference")
        similarity = cosine(reference, answer)
        return Score(min(1.0, similarity**self.exponent), {"cosine": similarity, "length_ratio": ratio})


def cosine(left: str, right: str) -> float:
    """Return the cosine of two texts, as from scikit-learn's TfidfVectorizer with its defaults, fitted on both."""
    first, second = (Counter(TOKEN.findall(text.lower())) for text in (left, right))
    if not first or not second:
        return 0.0
    shared = sum(count * second[word] for word, count in first.items() if word in second)
    lengths = [
        sum((count * (1.0 if word in other else UNSHARED_IDF)) ** 2 for word, count in own.items())
        for own, other in ((first, second), (second, first))
    ]
    return shared / math.sqrt(lengths[0] * lengths[1])
