"""Answers in the miners study: what the record says about each, with its text."""

from __future__ import annotations

from dataclasses import dataclass

from lab.record.entries import GradedAnswer


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """One answer that a miner gave or failed to give."""

    task: int
    """Number of the task in the contest."""
    graded: GradedAnswer
    text: str | None
    """Text of the answer; None if none arrived."""
    claimed_tokens: int | None
    """Output tokens that the miner claims; None if it makes no claim."""

    @property
    def arrived(self) -> bool:
        """True if an answer arrived."""
        return self.text is not None

    @property
    def tokens(self) -> int:
        """Output tokens by our own count."""
        return self.graded.cost.output_tokens

    def part(self, name: str) -> float | None:
        """Return the part of the grade with this name, from any scorer; None if there is none."""
        values = (value for key, value in self.graded.parts.items() if key.rpartition(".")[2] == name)
        return next(values, None)
