"""An answer that arrives piece by piece, in any of the formats of servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeGuard

from inference.thinking import split
from miners.errors import APIError

from .error_words import error_words
from .events import DONE

BYTES_PER_TOKEN = 4
"""Bytes of text in a token, on average; for estimates without a count."""
MOST_BYTES_PER_TOKEN = 8
"""More than the average token of any text; limits an answer whose tokens are not counted."""
THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Fields in which servers send a model's thinking."""

STATUSES = {"rate_limit": 429, "overloaded": 529, "server_error": 500, "unavailable": 503, "timeout": 504}
"""Names of errors that may pass, with the status that says the same."""


class ServerError(APIError):
    """An error that a server sends in place of an answer, with its own words."""

    def __init__(self, words: str, status: int | None) -> None:
        """Keep the words, and the status that the error itself names."""
        super().__init__(words)
        self.status = status


class ClaimedTokens(NamedTuple):
    """Tokens that the server bills for."""

    input: int
    output: int


class StreamedAnswer:
    """The part of one answer that has arrived."""

    def __init__(self, started: float) -> None:
        """Start with nothing; `started` is the time of the request by `time.perf_counter`."""
        self.started = started
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        """Thinking that came in fields of its own."""
        self.logprobs: list[float] = []
        self.events = 0
        self.bytes = 0
        """Bytes of text and thinking."""
        self.finish = ""
        self.ended = False
        """True once the server has said that the answer is complete."""
        self.model = ""
        self.claimed: ClaimedTokens | None = None
        self.claimed_thinking: int | None = None
        self.first_token_s = 0.0
        self.paid_usd = 0.0

    @property
    def pieces(self) -> int:
        """Pieces of text and thinking so far; a server chooses their size."""
        return len(self.texts) + len(self.thoughts)

    @property
    def text(self) -> str:
        """The text so far, with thinking between tags."""
        return "".join(self.texts)

    @property
    def least_tokens(self) -> int:
        """Minimum tokens of the answer so far."""
        return min(self.pieces, self.bytes // MOST_BYTES_PER_TOKEN)

    @property
    def thinking(self) -> str:
        """The thinking so far, from fields and from tags."""
        return "".join(self.thoughts) + split(self.text).thoughts

    def answer(self, thinking: str) -> str:
        """Return the text without thinking ("strip"), or with all of it between tags ("keep")."""
        if thinking == "strip":
            return split(self.text).answer
        thoughts = "".join(self.thoughts)
        return f"<think>\n{thoughts}\n</think>\n\n{self.text}" if thoughts.strip() else self.text

    def add(self, event: Any) -> None:
        """Add one event of the stream, or a whole answer.

        Raises:
            ServerError: the event is an error.
            TypeError, ValueError: the event is malformed.
        """
        if event is DONE:
            self.ended = True
            return
        if not isinstance(event, dict):
            raise TypeError(f"an event that is a {type(event).__name__}")
        _refuse_errors(event)
        choices = event.get("choices") or []
        if not isinstance(choices, list):
            raise TypeError("choices that are not a list")
        if not choices and not event.keys() & {"choices", "usage", "model", "id"}:
            return
        self.events += 1
        if isinstance(event.get("model"), str):
            self.model = event["model"] or self.model
        self._take_usage(event.get("usage"))
        self.ended |= not choices and self.claimed is not None and bool(self.texts)
        for choice in choices[:1]:
            if isinstance(choice, dict):
                self._take_choice(choice)

    def _take_choice(self, choice: dict[str, Any]) -> None:
        _refuse_errors(choice)
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, dict):
            raise TypeError("a delta that is not an object")
        thoughts = next((delta[name] for name in THOUGHTS if delta.get(name)), None)
        for thinking in (True, False):
            self._append(self.thoughts, "".join(_texts(thoughts, thinking=thinking)))
        content = delta.get("content") or delta.get("refusal") or choice.get("text")
        self._append(self.thoughts, "".join(_texts(content, thinking=True)))
        self._append(self.texts, "".join(_texts(content, thinking=False)))
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict) and isinstance(logprobs.get("content"), list):
            self.logprobs += [float(token["logprob"]) for token in logprobs["content"]]
        finish = choice.get("finish_reason")
        if finish == "error":
            raise ServerError("an error, without words", None)
        self.finish = str(finish or self.finish)
        self.ended |= bool(self.finish) or "message" in choice

    def _append(self, pieces: list[str], piece: str) -> None:
        if not piece:
            return
        if not self.pieces:
            self.first_token_s = time.perf_counter() - self.started
        pieces.append(piece)
        self.bytes += len(piece.encode("utf-8", "replace"))

    def _take_usage(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            return
        read = usage.get("prompt_tokens", usage.get("input_tokens"))
        written = usage.get("completion_tokens", usage.get("output_tokens"))
        if _is_count(read) and _is_count(written):
            self.claimed = ClaimedTokens(read, written)
        details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
        thinking = details.get("reasoning_tokens") if isinstance(details, dict) else usage.get("reasoning_tokens")
        if _is_count(thinking):
            self.claimed_thinking = thinking


def estimate(text: str) -> int:
    """Estimate the tokens of a text."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9


def _texts(content: Any, *, thinking: bool) -> Iterator[str]:
    """Yield the texts of a content, or of its parts that are (or are not) thinking."""
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            if not thinking:
                yield part
        elif isinstance(part, dict):
            thoughts = next((part[name] for name in (*THOUGHTS, "summary") if part.get(name)), None)
            if (thoughts is not None or part.get("type") in ("thinking", "reasoning", "thought")) == thinking:
                inner = next((part[name] for name in ("text", "content", "value") if part.get(name)), None)
                yield from _texts(inner if thoughts is None else thoughts, thinking=False)
        elif part is not None:
            raise TypeError(f"content that is a {type(part).__name__}")


def _refuse_errors(event: dict[str, Any]) -> None:
    """Raise the error that an event holds, if it is one."""
    error = event.get("error")
    if not error and (event.get("object") == "error" or event.get("type") == "error"):
        error = event
    if not error and "choices" not in event and "delta" not in event and "message" not in event:
        error = event.get("detail") or event.get("errors")
    if not error and "choices" not in event and isinstance(event.get("message"), str):
        error = event
    if not error:
        return
    codes = [value for value in (event, error) if isinstance(value, dict)]
    named = [_status(value.get(key)) for value in codes for key in ("status", "status_code", "code", "type")]
    raise ServerError(error_words(error) or "an error, without words", next(filter(None, named), None))


def _status(code: Any) -> int | None:
    """Return the HTTP status that a code stands for; None if none is known."""
    text = str(code)
    if text.isdecimal() and len(text) == 3:
        return int(text)
    return next((status for word, status in STATUSES.items() if word in text.lower()), None)
