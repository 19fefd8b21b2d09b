"""A validator that compares with its own answer, which is right with a known probability.

    {kind = "own_answer", accuracy = 0.7}

An instrument of the laboratory: how well can a validator that is right `accuracy` of the time rank miners, and what
does it pay a miner that is always right? It grades multiple choice only, where the wrong answers are known and counted.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from subnets.answer import Response
from subnets.score import Score, Scorer
from subnets.seed import Seed
from subnets.task import Task
from subnets.text import answer_text

from .choice import Choice
from .truth import truth_of


class OwnAnswer(Scorer):
    """Pays 1.0 for the option that the validator itself would choose, right or wrong, else 0.0."""

    accuracy: float = Field(1.0, ge=0.0, le=1.0)
    """Probability that its own answer is right; otherwise it is a wrong option, each equally likely."""
    judges: int = Field(1, ge=1)
    """Members of the panel, each with its own answer: the most frequent one counts, ties are drawn."""

    @property
    def by_answer(self) -> bool:
        """Who answers and when makes no difference."""
        return True

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        truth = truth_of(task, Choice)
        return replace(truth, right=self.own_option(task, truth)).grade(answer_text(response))

    def own_option(self, task: Task, truth: Choice) -> int:
        """Return the position of the option that the validator believes right, the same for all answers to a task."""
        rng = Seed(task.seed).child("own answer").rng()
        options = len(truth.options)
        wrong = [place for place in range(options) if place != truth.right]
        votes = [0] * options
        for _ in range(self.judges):
            votes[truth.right if rng.random() < self.accuracy else wrong[int(rng.integers(len(wrong)))]] += 1
        leading = [place for place in range(options) if votes[place] == max(votes)]
        return leading[int(rng.integers(len(leading)))]
