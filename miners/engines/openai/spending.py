"""Money spent at a model's server, with a limit that holds for many requests at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from miners.engines.completion import Request
from miners.errors import APIError

from .image_part import MOST_IMAGE_TOKENS
from .prices import Price

TEMPLATE_TOKENS = 256
"""Maximum tokens that a server's chat template is assumed to add to a prompt."""


class Spending:
    """The money that one engine has spent since it was opened."""

    def __init__(self, price: Price | None, max_usd: float | None) -> None:
        """Start at zero; without a price or a limit nothing is reserved."""
        self._price = price
        self._max_usd = max_usd
        self._spent_usd = 0.0
        self._reserved_usd = 0.0
        self._returned = asyncio.Condition()

    def pay(self, input_tokens: int, output_tokens: int) -> float:
        """Return the price of these tokens, 0 if none is known, and count it as spent."""
        if self._price is None:
            return 0.0
        paid_usd = self._price.usd(input_tokens, output_tokens)
        self._spent_usd += paid_usd
        return paid_usd

    @asynccontextmanager
    async def reserve(self, request: Request) -> AsyncIterator[None]:
        """Reserve the maximum cost of a request, waiting while other requests have reserved too much for it.

        Raises:
            APIError: no other request has reserved anything, and too little is left.
        """
        if self._price is None or self._max_usd is None:
            yield
            return
        # A token of input has at least one byte; the server's template adds its own.
        prompt_bytes = sum(len(message.content.encode("utf-8", "replace")) for message in request.messages)
        most_read = prompt_bytes + TEMPLATE_TOKENS + MOST_IMAGE_TOKENS * bool(request.image)
        most_usd = self._price.usd(most_read, request.max_tokens)
        async with self._returned:
            while self._spent_usd + self._reserved_usd + most_usd > self._max_usd:
                if self._reserved_usd == 0.0:
                    raise APIError(
                        f"the spending limit of ${self._max_usd:g} allows no more: ${self._spent_usd:.6f} is spent "
                        f"and this answer may cost ${most_usd:.6f}; raise max_usd"
                    )
                await self._returned.wait()
            self._reserved_usd += most_usd
        try:
            yield
        finally:
            self._reserved_usd = max(0.0, self._reserved_usd - most_usd)
            if self._reserved_usd < 1e-12:  # the rounding error of many requests counts as nothing
                self._reserved_usd = 0.0
            async with self._returned:
                self._returned.notify_all()
