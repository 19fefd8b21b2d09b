"""An answer that arrives piece by piece."""

from __future__ import annotations

import time
from typing import Any, NamedTuple


class ClaimedTokens(NamedTuple):
    """Tokens that the server bills for."""

    input: int
    output: int


class StreamedAnswer:
    """What has arrived of one answer."""

    def __init__(self, started: float) -> None:
        """Start with nothing; `started` is the time of the request by `time.perf_counter`."""
        self.started = started
        self.texts: list[str] = []
        self.logprobs: list[float] = []
        self.events = 0
        self.finish = ""
        self.model = ""
        self.claimed: ClaimedTokens | None = None
        self.first_token_s = 0.0
        self.paid_usd = 0.0

    @property
    def pieces(self) -> int:
        """Pieces of text so far, about one a token."""
        return len(self.texts)

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.texts)

    def add(self, event: Any) -> None:
        """Take in one event of the stream.

        Raises:
            TypeError, AttributeError: the event is malformed.
        """
        if not isinstance(event.choices, list):
            raise TypeError("an event without choices")
        self.events += 1
        self.model = str(event.model or self.model)
        if event.usage is not None:
            claims = event.usage.prompt_tokens, event.usage.completion_tokens
            if all(isinstance(claim, int) and 0 <= claim < 10**9 for claim in claims):
                self.claimed = ClaimedTokens(*claims)
        for choice in event.choices[:1]:
            if piece := choice.delta.content:
                if not self.texts:
                    self.first_token_s = time.perf_counter() - self.started
                self.texts.append(str(piece))
            if choice.logprobs is not None and choice.logprobs.content:
                self.logprobs += [float(token.logprob) for token in choice.logprobs.content]
            self.finish = str(choice.finish_reason or self.finish)
