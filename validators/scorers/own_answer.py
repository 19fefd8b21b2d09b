"""A validator that compares with an answer of its own, which is right with a known probability.

    {kind = "own_answer", accuracy = 0.7}

An instrument of the laboratory: how well can a validator that is right `accuracy` of the time order miners, and what
does it pay one that is always right? Choices alone, since their wrong answers are known and counted.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from subnets import Response, Score, Scorer, Seed, Task
from subnets.text_prompting.truths.choice import Choice
from subnets.text_prompting.truths.truth import answer_text, truth_of


class OwnAnswer(Scorer):
    """1.0 for the option that the validator itself would choose, right or wrong, else 0.0."""

    accuracy: float = Field(1.0, ge=0.0, le=1.0)
    """Probability that its own answer is right; else it is any wrong option, each as likely."""
    judges: int = Field(1, ge=1)
    """Of a panel, each with an answer of its own: the most frequent one counts, ties by lot."""

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        truth = truth_of(task, Choice)
        return replace(truth, right=self.own(task, truth)).grade(answer_text(response))

    def own(self, task: Task, truth: Choice) -> int:
        """Return the place of the option that it takes for right: the same one each time."""
        rng = Seed(task.seed).child("own answer").rng()
        options = len(truth.options)
        wrong = [place for place in range(options) if place != truth.right]
        votes = [0] * options
        for _ in range(self.judges):
            votes[truth.right if rng.random() < self.accuracy else wrong[int(rng.integers(len(wrong)))]] += 1
        leading = [place for place in range(options) if votes[place] == max(votes)]
        return leading[int(rng.integers(len(leading)))]
