"""Limits of an axon, for everything that a caller could overuse."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

from .protocol import AHEAD_S, VALID_S, Code, Refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one axon."""

    query_bytes: int = 8_000_000
    """Maximum size of a request's body. All bodies take at most this times (`waiting` + slots) in memory."""
    timeout_s: float = 60.0
    """Maximum time for a query, even if it allows more."""
    body_s: float = 10.0
    """Time limit for a body to arrive."""
    waiting: int = 64
    """Maximum requests being received or waiting for a slot; beyond that the lowest priority gives way."""
    per_caller: int = 32
    """Maximum concurrent requests of one caller."""
    rate: float = 10.0
    """Maximum requests per second of one caller, on average."""
    burst: int = 50
    """Maximum requests of one caller in a burst."""
    connections: int = 512
    per_address: int = 64
    """Maximum connections from one address."""
    idle_s: float = 30.0
    """Time limit for a connection to send a complete head of a request."""
    refusals: float = 2.0
    """Refusals per second to one address, or IPv6 network, on average; beyond that it is delayed, and cut off unless it
    can sign."""
    refusals_burst: int = 5
    """Refusals to one address in a burst."""
    hold_s: float = 2.0
    """Length of that delay."""


class Rate:
    """Token buckets by name, for the `max_names` names used last."""

    def __init__(self, rate: float, burst: int, max_names: int = 10_000) -> None:
        self._rate, self._burst, self._max_names = rate, burst, max_names
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Tokens by name, and the time when they were counted."""

    def take(self, name: str) -> bool:
        """Take a token; return False if none is left."""
        now = time.monotonic()
        tokens, then = self._left.pop(name, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - then) * self._rate)
        self._left[name] = (max(0.0, tokens - 1.0) if tokens >= 1.0 else tokens, now)
        while len(self._left) > self._max_names:
            self._left.popitem(last=False)
        return tokens >= 1.0

    def __len__(self) -> int:
        return len(self._left)


class Nonces:
    """Each caller's nonces for as long as their requests are valid; a nonce that can't be stored is refused."""

    def __init__(self, max_per_caller: int) -> None:
        self._max_per_caller = max_per_caller
        self._used: dict[str, dict[str, int]] = {}
        """Nonces by caller, with the time when they can be forgotten, in milliseconds since 1970."""

    def check(self, caller: str, nonce: str) -> None:
        """Raise Refusal if a nonce was used before."""
        if nonce in self._used.get(caller, ()):
            raise Refusal(Code.REPLAYED, "this nonce was used before")

    def use(self, caller: str, nonce: str, time_ms: int, now_ms: int) -> None:
        """Store a nonce; raises Refusal if there are too many."""
        used = self._used.setdefault(caller, {})
        for old in [old for old, until_ms in used.items() if until_ms < now_ms]:
            del used[old]
        if len(used) >= self._max_per_caller:
            raise Refusal(Code.RATE, f"at most {self._max_per_caller} requests in {VALID_S + AHEAD_S:g} s")
        used[nonce] = time_ms + round(VALID_S * 1000)

    def forget(self, now_ms: int) -> None:
        """Drop callers whose requests have all expired, so that none of them can be replayed."""
        for caller in [caller for caller, used in self._used.items() if max(used.values()) < now_ms]:
            del self._used[caller]

    def __len__(self) -> int:
        return sum(map(len, self._used.values()))
