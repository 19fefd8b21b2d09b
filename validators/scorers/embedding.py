"""Similarity of meaning: the cosine of sentence embeddings, alone and combined with ROUGE as in prompting 1.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from inference.encoder import shared_encoder
from subnets import Response, Score, Scorer, Task
from subnets.cost import off_thread
from subnets.text import answer_text, reference_text, rouge_l, token_f1, words


class EmbeddingSimilarity(Scorer):
    """Cosine of answer and reference, clipped to [0, 1]."""

    model: str = "all-minilm-l6-v2"
    """Sentence encoder: a known name (`subnetlab models list`) or a path."""
    device: str = "auto"
    """"auto" (a GPU if there is one), "cpu" or "cuda"."""
    baseline: bool = False
    """Subtract the cosine of the reference with an empty text, as prompting 1.0 did. The best answer then earns
    less than 1."""

    def open(self) -> None:
        """Load the encoder."""
        shared_encoder(self.model, self.device)

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer; a round at once is much cheaper."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Encode reference and answers in one batch."""
        texts = [answer_text(response) for response in responses]
        vectors = encode([reference_text(task), "", *texts], self.model, self.device)
        cosines = vectors[1:] @ vectors[0]
        empty = float(cosines[0])
        scores = []
        for text, cosine in zip(texts, cosines[1:].tolist(), strict=True):
            parts = {"cosine": cosine, "empty": empty}
            if not text.strip():
                scores.append(Score(0.0, parts, "the answer is empty"))
            else:
                scores.append(Score(float(np.clip(cosine - (empty if self.baseline else 0.0), 0.0, 1.0)), parts))
        return scores


class RougeRelevance(Scorer):
    """The sum of `rouge` and `relevance` as in prompting 1.0, reduced by the echo of the challenge.

    value = (rouge * ROUGE(reference, answer) + relevance * (cos - cos of "")) * (1 - echo * ROUGE(challenge, answer))

    Short questions share words with every right answer, so the last factor keeps the best answer below 1.
    """

    rouge: float = Field(0.5, ge=0, le=1)
    """Weight of ROUGE with the reference."""
    relevance: float = Field(0.5, ge=0, le=1)
    """Weight of the cosine with the reference."""
    echo: float = Field(0.5, ge=0, le=1)
    """Strength of the reduction: 1.0 in the first release, halved in 1.2."""
    variant: Literal["l", "1"] = "l"
    """ROUGE-L, which prompting used for summaries, or ROUGE-1, which it used for questions."""
    model: str = "all-minilm-l6-v2"
    """Sentence encoder: a known name (`subnetlab models list`) or a path."""
    device: str = "auto"
    """"auto" (a GPU if there is one), "cpu" or "cuda"."""

    def open(self) -> None:
        """Load the encoder."""
        shared_encoder(self.model, self.device)

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer; a round at once is much cheaper."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Encode a round in one batch."""
        embedding = EmbeddingSimilarity(model=self.model, device=self.device, baseline=True)
        measure = rouge_l if self.variant == "l" else token_f1
        reference, challenge = words(reference_text(task)), words(task.prompt.text)
        scores = []
        for response, similarity in zip(responses, embedding.score_all(task, responses), strict=True):
            answer = words(answer_text(response))
            rouge, echo = measure(reference, answer), measure(challenge, answer)
            relevance = similarity.value or 0.0
            value = (self.rouge * rouge + self.relevance * relevance) * (1.0 - self.echo * echo)
            scores.append(Score(min(1.0, value), {"rouge": rouge, "relevance": relevance, "echo": echo}))
        return scores


def encode(texts: Sequence[str], model: str, device: str = "auto") -> NDArray[np.float32]:
    """Return unit vectors, (len(texts), dimensions), and charge for them; equal texts are encoded once."""
    encoder = shared_encoder(model, device)
    with off_thread(encoder.on_gpu, input_tokens=encoder.count_tokens(texts)):
        return encoder.encode(texts)
