"""Sampling from a causal model: a batch of rows, one token per step, each row with its own seed.

Prompts are padded on the left, and a row leaves the batch as it ends.

    batch = Batch(model, [prepare(model, request) for request in requests])
    while batch.rows:
        batch.step()
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .causal import CausalModel, Turn
from .errors import PromptError


class SamplingRequest(Protocol):
    """A prompt and how to sample its answer."""

    @property
    def messages(self) -> Sequence[Turn]:
        """The conversation to continue."""

    @property
    def max_tokens(self) -> int:
        """Maximum length of the answer; the model's context may end it sooner."""

    @property
    def temperature(self) -> float:
        """Sampling temperature; 0 always takes the likeliest token."""

    @property
    def top_p(self) -> float:
        """Tokens are drawn from the smallest set that has this probability."""

    @property
    def seed(self) -> int:
        """Seed of the draws."""

    @property
    def stop(self) -> Sequence[str]:
        """Strings that end the answer, which stops before the first of them."""

    @property
    def logprobs(self) -> int | None:
        """Log-probabilities to return: None for none, 0 for the chosen tokens', k for the k likeliest as well."""


@dataclass(slots=True)
class Row:
    """One request in a batch."""

    request: SamplingRequest
    prompt: list[int]
    limit: int
    """Maximum tokens of its answer."""
    generator: Any = None
    """Source of its random numbers; None takes the likeliest token."""
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    likeliest: list[dict[int, float]] = field(default_factory=list)
    finish: str = ""
    """Either "stop", "length" or "cut"; empty while the row runs."""
    text: str = ""
    started: float = 0.0
    first_token_s: float = 0.0
    ended: float = 0.0


def prepare(model: CausalModel, request: SamplingRequest) -> Row:
    """Encode a request for a batch.

    Raises:
        PromptError: it is longer than the context, or refused by the template.
    """
    return row_of(model, request, model.encode(request.messages))


def row_of(model: CausalModel, request: SamplingRequest, prompt: list[int]) -> Row:
    """Return the row of an encoded prompt.

    Raises:
        PromptError: it is longer than the context.
    """
    import torch

    room = model.context - len(prompt)
    if room < 1:
        raise PromptError(f"the prompt has {len(prompt):,} tokens; {model.name} takes at most {model.context - 1:,}")
    generator = None
    if request.temperature > 0.0:
        generator = torch.Generator(model.device)
        generator.manual_seed(request.seed)
    return Row(request, prompt, min(request.max_tokens, room), generator)


class Sampler:
    """Rows that run together, and how their tokens are chosen."""

    def __init__(self, model: CausalModel, rows: Sequence[Row]) -> None:
        self.model = model
        self.rows = list(rows)
        """The rows that still run."""
        started = time.perf_counter()
        for row in self.rows:
            row.started = started

    def _choose(self, logits: Any) -> list[int]:
        import torch

        sampled = [place for place, row in enumerate(self.rows) if row.generator is not None]
        chosen: list[int] = [0] * len(self.rows)
        if len(sampled) < len(self.rows):
            chosen = logits.argmax(dim=-1).tolist()
        if sampled:
            drawn = _sample(logits[sampled], [self.rows[place] for place in sampled])
            for place, token in zip(sampled, drawn, strict=True):
                chosen[place] = token
        reporting = [place for place, row in enumerate(self.rows) if row.request.logprobs is not None]
        if reporting:
            log_probabilities = torch.log_softmax(logits[reporting], dim=-1)
            for own, place in zip(log_probabilities, reporting, strict=True):
                row = self.rows[place]
                row.logprobs.append(float(own[chosen[place]]))
                if row.request.logprobs:
                    values, tokens = own.topk(row.request.logprobs)
                    row.likeliest.append(dict(zip(tokens.tolist(), values.tolist(), strict=True)))
        return chosen

    def _append(self, row: Row, token: int) -> None:
        row.tokens.append(token)
        if len(row.tokens) == 1:
            row.first_token_s = time.perf_counter() - row.started
        if token in self.model.ends or any(stop in self._tail(row) for stop in row.request.stop):
            self._end(row, "stop")
        elif len(row.tokens) >= row.limit:
            self._end(row, "length")

    def _tail(self, row: Row) -> str:
        """Decode as many last tokens as a stop string can have: at most one for each character."""
        longest = max(len(stop) for stop in row.request.stop)
        return str(self.model.tokenizer.decode(row.tokens[-longest - 4 :], skip_special_tokens=True))

    def _end(self, row: Row, finish: str) -> None:
        text = self.model.text(row.tokens)
        cuts = [place for stop in row.request.stop if (place := text.find(stop)) >= 0]
        row.text = text[: min(cuts)] if cuts else text
        row.finish, row.ended = finish, time.perf_counter()


class Batch(Sampler):
    """Rows of text that run together; a row leaves when it ends."""

    def __init__(self, model: CausalModel, rows: Sequence[Row]) -> None:
        """Process the prompts and sample the first token of each row."""
        import torch
        from transformers import DynamicCache

        super().__init__(model, rows)
        with torch.inference_mode():
            ids, self._mask = model.pad_left([row.prompt for row in self.rows])
            self._cache = DynamicCache(config=model.model.config)
            self._advance(ids, _positions(self._mask))

    def step(self) -> None:
        """Sample one more token for each row."""
        import torch

        with torch.inference_mode():
            ids = torch.tensor([[row.tokens[-1]] for row in self.rows], device=self._mask.device)
            positions = torch.tensor(
                [[len(row.prompt) + len(row.tokens) - 1] for row in self.rows], device=self._mask.device
            )
            self._mask = torch.cat([self._mask, self._mask.new_ones((len(self.rows), 1))], dim=1)
            self._advance(ids, positions)

    def drop(self, rows: Sequence[Row]) -> None:
        """End the rows whose callers no longer wait."""
        for row in rows:
            if not row.finish:
                self._end(row, "cut")
        self._remove_ended()

    def _advance(self, ids: Any, positions: Any) -> None:
        logits = self.model.model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._cache,
            logits_to_keep=1,
            use_cache=True,
        ).logits[:, -1]
        for row, token in zip(self.rows, self._choose(logits.float()), strict=True):
            self._append(row, token)
        self._remove_ended()

    def _remove_ended(self) -> None:
        """Remove the rows that have ended, from the cache as well."""
        import torch

        running = [place for place, row in enumerate(self.rows) if not row.finish]
        if len(running) == len(self.rows):
            return
        self.rows = [self.rows[place] for place in running]
        if not running:
            self._cache = None
            return
        index = torch.tensor(running, device=self._mask.device)
        self._mask = self._mask[index]
        self._cache.batch_select_indices(index)


def _positions(mask: Any) -> Any:
    return (mask.cumsum(dim=-1) - 1).clamp(min=0)


def _sample(logits: Any, rows: Sequence[Row]) -> list[int]:
    """Draw a token for each row, from the smallest set whose probability reaches `top_p`.

    The cumulative probabilities are inverted at one random number from the row's own generator.
    """
    import torch

    temperatures = torch.tensor([[row.request.temperature] for row in rows], device=logits.device)
    probabilities = torch.softmax(logits / temperatures, dim=-1)
    for place, row in enumerate(rows):
        if row.request.top_p < 1.0:
            ordered, tokens = probabilities[place].sort(descending=True)
            beyond = ordered.cumsum(dim=-1) - ordered >= row.request.top_p
            probabilities[place, tokens[beyond]] = 0.0
    cumulative = probabilities.cumsum(dim=-1)
    numbers = torch.cat([torch.rand(1, generator=row.generator, device=logits.device) for row in rows])
    drawn = torch.searchsorted(cumulative, (numbers * cumulative[:, -1])[:, None], right=True)
    return list(drawn[:, 0].clamp(max=logits.shape[-1] - 1).tolist())
