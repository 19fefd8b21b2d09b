"""Completions: what is asked of a language model, and what came of it.

Every engine takes `Request`s and gives `Completion`s, whether the model runs in this process, in a child
or at the far end of a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from subnets import Cost, Message


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt, and how to sample its answer."""

    messages: tuple[Message, ...]
    max_tokens: int = 256
    """Less where the model's context ends before."""
    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    top_p: float = 1.0
    seed: int = 0
    """Of the sampling: on one machine the same request gets the same answer."""
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these."""
    logprobs: int | None = None
    """Log-probabilities wanted: None for none, 0 for the chosen tokens', k for the k likeliest as well."""
    timeout_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one completion, counted with the model's own tokenizer where it is at hand."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Of the input: read from a cache of prefixes rather than computed."""
    claimed_input_tokens: int | None = None
    """By a server that bills for them."""
    claimed_output_tokens: int | None = None
    counted: bool = True
    """False where no tokenizer was at hand and the claim is all there is."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Of one completion, from the moment the engine was given the request."""

    queued_s: float = 0.0
    """Until its batch began; 0 where the engine can't tell."""
    first_token_s: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer to one request."""

    text: str
    token_ids: tuple[int, ...] = ()
    """Empty where a server does not tell."""
    logprobs: tuple[float, ...] = ()
    """Of each token, natural, before temperature; empty unless wanted."""
    likeliest: tuple[Mapping[int, float], ...] = ()
    """For each token the k likeliest token ids and their log-probabilities; empty unless wanted."""
    finish: str = "stop"
    """"stop" where the model or a stop string ended it, "length" where a limit did."""
    model: str = ""
    """The model that answered, as the engine or its server names it."""
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    prefill: Cost = field(default_factory=Cost)
    """This request's share of reading prompts, metered."""
    decode: Cost = field(default_factory=Cost)
    """And of writing answers, with what was paid and sent."""

    @property
    def cost(self) -> Cost:
        """All that the completion used, its tokens included."""
        tokens = Cost(input_tokens=self.usage.input_tokens, output_tokens=self.usage.output_tokens)
        return self.prefill + self.decode + tokens

    def charged(self, prefill: Cost, decode: Cost) -> Completion:
        """Return it with its share of the work."""
        return replace(self, prefill=prefill, decode=decode)
