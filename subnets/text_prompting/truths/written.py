"""References written by a model or a user: a text to compare with, not a truth."""

from __future__ import annotations

from dataclasses import dataclass

from subnets.score import Score
from subnets.text import rouge_l, words

from .truth import Truth


@dataclass(frozen=True, slots=True)
class Written(Truth):
    """A reference text. An answer like it isn't necessarily right, so it has no true quality."""

    def grade(self, text: str) -> Score:
        """Return ROUGE-L with the reference."""
        return Score(rouge_l(words(self.text), words(text)))
