"""Refusals: what a customer gets instead of an answer, as an error object of the OpenAI API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

INVALID = "invalid_request_error"


@dataclass(eq=False)
class ApiRefusal(Exception):
    """A request that is not answered."""

    status: int
    message: str
    type: str = INVALID
    code: str | None = None
    param: str | None = None
    retry_after_s: float | None = None

    def body(self) -> dict[str, Any]:
        """Return the error object."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiRefusal:
    """Return the refusal of a request that would be wrong again."""
    return ApiRefusal(400, message, code=code, param=param)


def unknown_key() -> ApiRefusal:
    """Return the refusal of a caller without a valid key."""
    words = (
        "Incorrect API key provided. Send yours as `Authorization: Bearer KEY`; `subnetlab api-key create` makes one."
    )
    return ApiRefusal(401, words, code="invalid_api_key")


def too_many(message: str, retry_after_s: float = 1.0) -> ApiRefusal:
    """Return the refusal of a request that may succeed later."""
    return ApiRefusal(429, message, "rate_limit_error", "rate_limit_exceeded", retry_after_s=retry_after_s)


def out_of_credit(message: str) -> ApiRefusal:
    """Return the refusal of a request that the key can't pay for."""
    return ApiRefusal(429, message, "insufficient_quota", "insufficient_quota")


def failed(message: str, status: int = 502) -> ApiRefusal:
    """Return the failure of the server, or of its miners."""
    return ApiRefusal(status, message, "server_error", "no_answer" if status == 502 else None)
