"""Mean log-probability: how readily the validator's model would have written the answer.

It measures style: fluent nonsense is likely, and a rare right name isn't. Repetition makes a text likely, so a text
with few distinct words is marked down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from subnets import Response, Score, Scorer, Task
from subnets.language_model import AnyLikelihoodModel, Continuation, TransformersModel
from subnets.text import answer_text, words

from .normalise import logistic


class MeanLogProbability(Scorer):
    """Mean log-probability of the answer's tokens, mapped to [0, 1]."""

    needs_reference: ClassVar[bool] = False

    model: AnyLikelihoodModel = TransformersModel()
    """Language model that the answer is run through."""
    centre: float = -2.5
    """Mean log-probability that earns 0.5, in nats."""
    scale: float = Field(0.7, gt=0)
    """Distance above the centre that earns 0.73, in nats like `centre`, the mean log-probability that earns 0.5."""
    min_distinct: float = Field(0.4, ge=0, le=1)
    """Share of distinct words below which a text is marked down in proportion."""
    max_characters: int = Field(8_000, ge=1)
    """Maximum characters of an answer that the model reads."""

    def open(self) -> None:
        """Load the model."""
        self.model.open()

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer; a round at once is cheaper."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Run the round's answers through the model in batches."""
        texts = [answer_text(response)[: self.max_characters] for response in responses]
        likelihoods = self.model.likelihoods([Continuation(task.prompt.messages, text) for text in texts])
        scores = []
        for text, likelihood in zip(texts, likelihoods, strict=True):
            answer = words(text)
            if not answer or not likelihood.tokens:
                scores.append(Score(0.0, reason="no words"))
                continue
            mean = float(likelihood.log_probabilities.mean())
            distinct = len(set(answer)) / len(answer)
            factor = min(1.0, distinct / self.min_distinct) if self.min_distinct else 1.0
            scores.append(
                Score(logistic(mean, self.centre, self.scale) * factor, {"log_probability": mean, "distinct": distinct})
            )
        return scores
