"""Answers as the miners study looks at them: what is recorded of one, and what it said."""

from __future__ import annotations

from dataclasses import dataclass

from lab.record.entries import GradedAnswer


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """One answer that a miner gave, or failed to."""

    task: int
    """Its place among the contest's tasks."""
    graded: GradedAnswer
    text: str | None
    """None where none arrived."""
    claimed_tokens: int | None
    """By the miner."""

    @property
    def arrived(self) -> bool:
        """Whether there is an answer."""
        return self.text is not None

    @property
    def tokens(self) -> int:
        """Output tokens by our own count."""
        return self.graded.cost.output_tokens

    def part(self, name: str) -> float | None:
        """Return the part of its grade that is called so, by whichever scorer it is; None where there is none."""
        found = (value for key, value in self.graded.parts.items() if key.rpartition(".")[2] == name)
        return next(found, None)
