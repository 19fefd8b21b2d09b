"""Likelihoods: how likely a causal model finds a given text, token by token.

[likelihood] = LikelihoodBatch(model, [GivenText(prompt, tokenize(model, "Ostrava"))]).run()
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .causal import CausalModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEAD_ROWS = 256
"""Maximum positions at which the head's output, a number for every token of the vocabulary, is held at once."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely a text's tokens were, each given all before it: arrays of shape (positions,)."""

    tokens: int
    """Length of the whole text, including tokens that were skipped."""
    log_probabilities: NDArray[np.float64]
    entropies: NDArray[np.float64]
    """Entropy of the model's own choice at the position, in nats: the mean of -log p if the model wrote it."""
    variances: NDArray[np.float64]
    """Variance of log p if the model wrote it."""
    ranks: NDArray[np.int64]
    """0 where the token was the model's first choice."""


@dataclass(frozen=True, slots=True)
class GivenText:
    """A prompt, the text that follows it, and the positions in the text to evaluate."""

    prompt: Sequence[int]
    text: Sequence[int]
    positions: Sequence[float] | None = None
    """Positions in [0, 1) along the text; None evaluates every token."""

    @property
    def indices(self) -> list[int]:
        """Indices of the text's tokens to evaluate, in order."""
        if self.positions is None:
            return list(range(len(self.text)))
        return sorted({int(share * len(self.text)) for share in self.positions} & set(range(len(self.text))))


def tokenize(model: CausalModel, text: str) -> list[int]:
    """Encode a text without special tokens, so that a control token in it becomes ordinary ones."""
    return list(model.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


class LikelihoodBatch:
    """Texts that run through the model together; the common start of their prompts runs once."""

    def __init__(self, model: CausalModel, texts: Sequence[GivenText]) -> None:
        self._model = model
        self._lengths = [len(each.text) for each in texts]
        self._rows: list[list[int]] = []
        self._indices: list[list[int]] = []
        for each in texts:
            indices = each.indices
            # Tokens behind the last position are not needed.
            self._rows.append([*each.prompt, *each.text[: indices[-1] + 1 if indices else 0]])
            self._indices.append([len(each.prompt) + index for index in indices])
        shared = min((row[0] - 1 for row in self._indices if row), default=0) if len(texts) > 1 else 0
        self._shared = min(shared, len(os.path.commonprefix(self._rows)))

    @property
    def tokens(self) -> int:
        """Number of tokens that run through the model."""
        return self._shared + sum(len(row) - self._shared for row in self._rows)

    def run(self, temperature: float = 1.0) -> list[Likelihood]:
        """Return how likely each text is if it was sampled at a temperature above 0.

        The head is evaluated only at the chosen positions.
        """
        import torch

        model = self._model
        with torch.inference_mode():
            ids, mask = model.pad_right([row[self._shared :] for row in self._rows])
            cache = None
            if self._shared:
                prefix = torch.tensor([self._rows[0][: self._shared]], device=model.device)
                cache = model.model.base_model(input_ids=prefix, use_cache=True).past_key_values
                cache.batch_repeat_interleave(len(self._rows))
                mask = torch.cat([mask.new_ones((len(self._rows), self._shared)), mask], dim=1)
            states = model.model.base_model(
                input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=cache is not None
            ).last_hidden_state
            return [
                self._likelihood(states[place], ids[place], indices, self._lengths[place], temperature)
                for place, indices in enumerate(self._indices)
            ]

    def _likelihood(self, states: Any, ids: Any, indices: list[int], length: int, temperature: float) -> Likelihood:
        import numpy as np
        import torch

        head = self._model.model.get_output_embeddings()
        own: list[float] = []
        entropies: list[float] = []
        variances: list[float] = []
        ranks: list[int] = []
        for start in range(0, len(indices), HEAD_ROWS):
            index = torch.tensor(indices[start : start + HEAD_ROWS], device=self._model.device) - self._shared
            log_p = torch.log_softmax(head(states[index - 1]).float() / temperature, dim=-1)
            p = log_p.exp()
            entropy = -(p * log_p).sum(-1)
            chosen = log_p.gather(1, ids[index][:, None])
            own += chosen.squeeze(1).tolist()
            entropies += entropy.tolist()
            variances += ((p * log_p**2).sum(-1) - entropy**2).clamp(min=0.0).tolist()
            ranks += (log_p > chosen).sum(-1).tolist()
        return Likelihood(
            length, np.array(own), np.array(entropies), np.array(variances), np.array(ranks, dtype=np.int64)
        )
