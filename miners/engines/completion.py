"""Requests to a language model and their completions.

Every engine takes `Request`s and returns `Completion`s, whether the model runs in this process, in a child process
or on a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from subnets import Cost, Message


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt and the sampling of its answer."""

    messages: tuple[Message, ...]
    image: bytes = b""
    """Encoded PNG or JPEG that belongs to the last user turn; empty for none."""
    max_tokens: int = 256
    """Maximum tokens of the answer; the model's context may end it sooner."""
    temperature: float = 0.0
    """With 0, each token is the likeliest one."""
    top_p: float = 1.0
    seed: int = 0
    """Seed of the sampling; on one machine the same request gets the same answer."""
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these."""
    logprobs: int | None = None
    """Log-probabilities to return: None for none, 0 for the chosen tokens alone, k for the k likeliest too."""
    timeout_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one completion, counted with the model's own tokenizer if available."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Tokens of the input that were read from a prefix cache instead of computed."""
    claimed_input_tokens: int | None = None
    """Input tokens that a server bills for."""
    claimed_output_tokens: int | None = None
    counted: bool = True
    """False without a tokenizer, when there is only the server's claim."""
    estimated: bool = False
    """True if the tokens were not counted, but estimated by the length of the texts."""
    thinking_tokens: int = 0
    """Output tokens that are thinking, which may be cut off the answer."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Times of one completion, from the moment the engine received the request."""

    queued_s: float = 0.0
    """Time until its batch began; 0 if the engine can't tell."""
    first_token_s: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer to one request."""

    text: str
    token_ids: tuple[int, ...] = ()
    """Empty if a server does not return them."""
    logprobs: tuple[float, ...] = ()
    """Natural log-probability of each token before temperature; empty unless requested."""
    likeliest: tuple[Mapping[int, float], ...] = ()
    """For each token, the k likeliest token ids and their log-probabilities; empty unless requested."""
    finish: str = "stop"
    """"stop" if the model or a stop string ended it, "length" if a limit did."""
    seen: tuple[int, int] | None = None
    """Width and height to which the model's processor resized the request's image; None if not known."""
    model: str = ""
    """The engine's or the server's name of the model that answered."""
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    prefill: Cost = field(default_factory=Cost)
    """This request's metered share of reading prompts."""
    decode: Cost = field(default_factory=Cost)
    """This request's metered share of writing answers, with money paid and bytes sent."""

    @property
    def cost(self) -> Cost:
        """Total cost of the completion, including its tokens."""
        tokens = Cost(input_tokens=self.usage.input_tokens, output_tokens=self.usage.output_tokens)
        return self.prefill + self.decode + tokens
