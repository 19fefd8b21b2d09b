"""A check that a completion comes from the model that the miner names, regardless of its quality.

The subnet prescribes how miners sample. At some positions the validator's copy compares how surprising the text's token
is with how surprising its own sample would be at that temperature: over texts that it sampled, the difference has mean
zero and a known variance. Another model's text is more surprising; text that no model sampled is often less:

    z = sum(-log p - entropy) / sqrt(sum(variance of log p)),    accepted while |z| <= max_z

At temperature 0 each token must be the copy's first choice, which is the sharper check: only a near copy passes it.
A check costs one pass over prompt and text; more positions reach further into the text and detect more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from inference.likelihood import Likelihood
from subnets import Response, Score, Scorer, Seed, Task
from subnets.language_model import AnyLikelihoodModel, Continuation, TransformersModel
from subnets.text import answer_text


class ModelCheck(Scorer):
    """Pays 1.0 for a text that the named model could have written, 0.0 for one that it is unlikely to write."""

    needs_reference: ClassVar[bool] = False

    claimed: str = "smollm2-135m-instruct"
    """Model that miners must name; a miner that names another one, or none, fails the check."""
    model: AnyLikelihoodModel = TransformersModel()
    """The validator's copy of the model."""
    positions: int = Field(32, ge=1)
    """Number of tokens to check, drawn for each task and miner; all if there are fewer."""
    temperature: float = Field(0.0, ge=0)
    """Temperature at which miners are asked to sample; 0 is greedy."""
    max_z: float = Field(3.0, gt=0)
    """Largest accepted difference, in standard deviations; 3 accuses one honest sampler in 370."""
    min_first: float = Field(0.9, ge=0, le=1)
    """Share of first choices that a greedy text needs; other hardware may break a near tie the other way."""
    min_tokens: int = Field(8, ge=1)
    """Shorter texts hold too little evidence and are unscored."""
    max_characters: int = Field(8_000, ge=1)
    """Maximum characters of an answer that the model reads."""

    def open(self) -> None:
        """Load the model."""
        self.model.open()

    def score(self, task: Task, response: Response) -> Score:
        """Check one answer; a round at once is cheaper."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Check the answers that name the model, in batches."""
        naming = [place for place, response in enumerate(responses) if self._named(response)]
        texts = [answer_text(responses[place])[: self.max_characters] for place in naming]
        positions = [
            Seed(task.seed).child("positions", responses[place].uid).rng().random(self.positions).tolist()
            for place in naming
        ]
        likelihoods = self.model.likelihoods(
            [Continuation(task.prompt.messages, text) for text in texts], positions, self.temperature or 1.0
        )
        checked = {place: self._score(likelihood) for place, likelihood in zip(naming, likelihoods, strict=True)}
        missing = Score(0.0, reason=f"the miner does not name {self.claimed}")
        return [checked.get(place, missing) for place in range(len(responses))]

    def _named(self, response: Response) -> bool:
        return response.answer is not None and response.answer.model.lower() == self.claimed.lower()

    def _score(self, likelihood: Likelihood) -> Score:
        if likelihood.tokens < self.min_tokens:
            return Score(None, reason=f"{likelihood.tokens} tokens; {self.min_tokens} are needed to tell")
        excess = float((-likelihood.log_probabilities - likelihood.entropies).sum())
        # Where the model is certain the variance vanishes and rounding errors would dominate.
        z = excess / math.sqrt(float(likelihood.variances.sum()) + 0.05 * len(likelihood.variances))
        first = float((likelihood.ranks == 0).mean())
        parts = {"z": z, "first_choice": first, "positions": float(len(likelihood.ranks))}
        if self.temperature == 0:
            passed, reason = first >= self.min_first, f"{first:.0%} of tokens are the model's first choice"
        else:
            passed, reason = abs(z) <= self.max_z, f"unlike the model's own samples: z = {z:.1f}"
        return Score(float(passed), parts, "" if passed else reason)
