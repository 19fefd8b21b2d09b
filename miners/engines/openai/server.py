"""The server at the far end: its host, its key, and what its failures mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from miners.errors import APIError

from .stream import StreamedAnswer

RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""Status codes that may pass."""


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
        return (text.replace(self.key, "[key]") if self.key else text)[:length]

    def failure(self, error: Exception, answer: StreamedAnswer) -> AttemptFailed:
        """Say what went wrong, and whether trying again may help."""
        import openai

        may_pass, retry_after_s = False, None
        if isinstance(error, openai.APIStatusError):
            may_pass = error.status_code in RETRIED
            header = error.response.headers.get("retry-after", "")
            if re.fullmatch(r"\d{1,4}(\.\d{1,3})?", header):
                retry_after_s = float(header)
        elif isinstance(error, openai.APIConnectionError):
            may_pass = not isinstance(error.__cause__, APIError)
        return AttemptFailed(
            self._reason(error, answer), may_pass=may_pass and not answer.events, retry_after_s=retry_after_s
        )

    def _reason(self, error: Exception, answer: StreamedAnswer) -> str:
        import openai

        cause = error.__cause__
        if isinstance(error, APIError):
            reason = str(error)
        elif isinstance(cause, APIError):
            reason = str(cause)
        elif isinstance(error, openai.APIStatusError):
            reason = f"{self.host} answered {error.status_code}: {self.without_key(error.message, 200)}"
        elif isinstance(error, openai.APITimeoutError) or "Timeout" in type(error).__name__:
            reason = f"{self.host} was silent for {self.stall_s:g} s"
        elif answer.events and "RemoteProtocolError" in (type(error).__name__, type(cause).__name__):
            reason = f"{self.host} broke off its answer after {answer.pieces} pieces"
        elif isinstance(error, openai.APIConnectionError):
            reason = f"no connection to {self.host}: {type(cause).__name__ if cause else 'refused'}"
        else:
            reason = f"{self.host} sent what can't be read: {type(error).__name__}"
        return self.without_key(reason)
