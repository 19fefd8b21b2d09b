"""References that a model or a user wrote: a text to compare with, and no truth."""

from __future__ import annotations

from dataclasses import dataclass

from subnets.score import Score
from subnets.text import rouge_l, words

from .truth import Truth


@dataclass(frozen=True, slots=True)
class Written(Truth):
    """A reference text. What is like it is not therefore right, so it tells no quality."""

    def grade(self, text: str) -> Score:
        """ROUGE-L with the reference."""
        return Score(rouge_l(words(self.text), words(text)))
