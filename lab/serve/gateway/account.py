"""Accounts: what each key has used, and what it may still use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lab.record.customers import CustomerRequest, Outcome, Receipt

from .keys import ApiKey
from .refusal import out_of_credit, too_many

BURST_S = 10.0
"""Seconds of a key's rate that it may use at once."""


@dataclass(slots=True)
class Account:
    """One customer's use in this run."""

    requests: int = 0
    answered: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    pages: int = 0
    spent_usd: float = 0.0
    reserved_usd: float = 0.0
    """Set aside for requests under way."""
    under_way: int = 0
    """Requests at once, now."""
    _tokens: float | None = field(default=None, repr=False)
    """Requests that the rate allows now; None before the first."""
    _counted: float = field(default=0.0, repr=False)

    @contextmanager
    def place(self, key: ApiKey, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
        """Hold one of the key's places.

        Raises:
            ApiRefusal: the key has no place left, or asks too often.
        """
        self._take(key, clock())
        if self.under_way >= key.concurrent:
            raise too_many(
                f"Key {key.name!r} has {self.under_way} requests under way; at most {key.concurrent} at once."
            )
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    def reserve(self, key: ApiKey, amount_usd: float) -> None:
        """Set money aside; raises ApiRefusal if the key's limit does not allow it."""
        if key.spend_usd is not None and self.spent_usd + self.reserved_usd + amount_usd > key.spend_usd + 1e-9:
            raise out_of_credit(
                f"This request may cost ${amount_usd:.6f}. Key {key.name!r} has spent ${self.spent_usd:.6f} and set "
                f"aside ${self.reserved_usd:.6f} of ${key.spend_usd:g}; ask for fewer tokens, or for a higher limit."
            )
        self.reserved_usd += amount_usd

    def release(self, request: CustomerRequest) -> None:
        """Return what was set aside for a request."""
        self.reserved_usd = max(0.0, self.reserved_usd - request.reserved_usd)

    def settle(self, request: CustomerRequest, receipt: Receipt) -> None:
        """Pay the price, return the rest of what was set aside, and count."""
        self.release(request)
        self.count(request, receipt)

    def count(self, request: CustomerRequest, receipt: Receipt) -> None:
        """Count a request that has ended."""
        self.requests += 1
        if receipt.outcome is Outcome.ANSWERED:
            self.answered += 1
            self.input_tokens += request.input_tokens
            self.output_tokens += receipt.output_tokens
            self.pages += request.pages
            self.spent_usd += receipt.price_usd

    def _take(self, key: ApiKey, now: float) -> None:
        rate = key.per_minute / 60
        burst = max(1.0, rate * BURST_S)
        tokens = burst if self._tokens is None else min(burst, self._tokens + (now - self._counted) * rate)
        self._tokens, self._counted = tokens, now
        if tokens < 1.0:
            wait_s = (1.0 - tokens) / rate
            raise too_many(
                f"Rate limit reached for key {key.name!r}: {key.per_minute:g} requests a minute. "
                f"Try again in {wait_s:.1f} s.",
                wait_s,
            )
        self._tokens -= 1.0


def accounts_of(requests: dict[str, CustomerRequest], receipts: dict[str, Receipt]) -> dict[str, Account]:
    """Return the accounts of earlier sessions, by key, from their requests and receipts by id."""
    accounts: dict[str, Account] = {}
    for receipt_id, receipt in receipts.items():
        accounts.setdefault(receipt.customer, Account()).count(requests[receipt_id], receipt)
    return accounts
