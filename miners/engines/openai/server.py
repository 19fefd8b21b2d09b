"""A server of models: its host, its key, and what its failures mean."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote

from miners.errors import APIError

from .error_words import one_line, words_of
from .events import Unreadable
from .stream import ServerError, StreamedAnswer

RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""Status codes that may pass."""
MAX_WORDS = 300
"""Maximum characters of a server's own words in a reason."""
BROKEN_OFF = frozenset({"RemoteProtocolError", "ReadError"})
"""Errors of a connection that ends within an answer."""
LEAST_KEY = 6
"""Minimum characters of a key that is removed from answers; a shorter one may be an ordinary word."""
PLACEHOLDERS = frozenset({"ollama", "lm-studio", "not-needed", "no-key-needed", "placeholder"})
"""Keys that are used with servers without keys, and that may be words of an answer."""


class AttemptFailed(APIError):
    """One request failed."""

    def __init__(self, reason: str, *, may_pass: bool, retry_after_s: float | None = None) -> None:
        """Describe the failure.

        Args:
            reason: the failure in words, without the key.
            may_pass: another attempt may succeed, and nothing of the answer has arrived.
            retry_after_s: the pause that the server asks for.
        """
        super().__init__(reason)
        self.may_pass = may_pass
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Server:
    """A server of models, as an engine calls it."""

    host: str
    stall_s: float
    """Longest silence within an answer."""
    key: str = field(default="", repr=False)

    def without_key(self, text: str, length: int | None = None) -> str:
        """Replace the key in a text, and only then cut it: part of a key would not be found."""
        for spelling in self._spellings():
            text = text.replace(spelling, "[key]")
        return text[:length]

    def answer_without_key(self, text: str) -> str:
        """Replace the key in an answer, where a server may echo it; a key that is a common word stays."""
        if len(self.key) < LEAST_KEY or self.key.lower() in PLACEHOLDERS:
            return text
        return self.without_key(text)

    def _spellings(self) -> list[str]:
        """Return the key as it stands in plain text, in JSON, in a URL and on a page, the longest first."""
        key = self.key
        spellings = {key, key.replace("/", r"\/"), json.dumps(key)[1:-1], quote(key), quote(key, safe=""), escape(key)}
        return sorted(spellings - {""}, key=len, reverse=True)

    def failure(self, error: Exception, answer: StreamedAnswer) -> AttemptFailed:
        """Describe a failure, and whether trying again may help."""
        import httpx2
        import openai

        may_pass, retry_after_s = False, None
        if isinstance(error, openai.APIStatusError):
            may_pass = error.status_code in RETRIED
            header = error.response.headers.get("retry-after", "")
            if re.fullmatch(r"\d{1,4}(\.\d{1,3})?", header):
                retry_after_s = float(header)
        elif isinstance(error, ServerError):
            may_pass = error.status in RETRIED
        elif isinstance(error, openai.APIConnectionError):
            may_pass = not isinstance(error.__cause__, APIError)
        elif isinstance(error, httpx2.RequestError):
            may_pass = True
        return AttemptFailed(
            self._reason(error, answer), may_pass=may_pass and not answer.events, retry_after_s=retry_after_s
        )

    def _reason(self, error: Exception, answer: StreamedAnswer) -> str:
        import httpx2
        import openai

        cause = error.__cause__
        if isinstance(error, ServerError):
            status = f" {error.status}" if error.status else ""
            reason = f"{self.host} answered with an error{status}: {self._words(str(error))}"
        elif isinstance(error, APIError):
            reason = str(error)
        elif isinstance(cause, APIError):
            reason = str(cause)
        elif isinstance(error, openai.APIStatusError):
            words = self._words(words_of(error.response.text)) or error.response.reason_phrase
            reason = f"{self.host} answered {error.status_code}: {words}"
        elif isinstance(error, Unreadable) and not answer.events:
            words = self._words(words_of(str(error)))
            reason = f"{self.host} sent no completion, but something else: {words}"
        elif isinstance(error, openai.APITimeoutError) or "Timeout" in type(error).__name__:
            reason = f"{self.host} was silent for {self.stall_s:g} s"
        elif answer.events and BROKEN_OFF & {type(error).__name__, type(cause).__name__}:
            reason = f"{self.host} broke off its answer after {answer.pieces} pieces"
        elif isinstance(error, openai.APIConnectionError | httpx2.RequestError):
            reason = f"no connection to {self.host}: {type(cause or error).__name__}"
        else:
            reason = f"the reply of {self.host} can't be read: {type(error).__name__}"
        return self.without_key(one_line(self.without_key(reason)))

    def _words(self, words: str) -> str:
        """Return a server's words without the key, cut to a readable length."""
        words = self.without_key(words)
        return words if len(words) <= MAX_WORDS else words[:MAX_WORDS].rstrip() + "…"
