"""The table `[gateway]`: which miners answer customers, and what an answer costs."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from .base import Table

Rule = Literal["best", "by_weight", "cheapest"]


class GatewayTable(Table):
    """Which miners answer customers, and what an answer costs them."""

    miner: Rule = "best"
    """Who is asked first: the miner with most incentive, one drawn by incentive, or the cheapest of those near the
    best. The others follow in that order where one fails or is late."""
    within: float = Field(0.1, ge=0.0, le=1.0)
    """With "cheapest": a miner is near the best if its incentive is at most this share below the highest."""
    best_of: int = Field(1, ge=1, le=16)
    """Miners that are asked side by side. A validator's scorer grades their answers, and the customer gets the best; it
    takes a validator whose scorer needs no reference."""
    late_s: float = Field(10.0, gt=0.0)
    """Seconds without an answer after which the next miner is asked too; the first good answer counts."""
    timeout_s: float = Field(120.0, gt=0.0)
    """Maximum seconds for an answer, whoever gives it."""
    graded_share: float = Field(0.1, ge=0.0, le=1.0)
    """Share of answers that are graded afterwards, where a validator's scorer needs no reference."""
    max_output_tokens: int = Field(4096, ge=1)
    """Maximum tokens of an answer that are delivered and paid for."""
    max_text: int = Field(100_000, ge=1)
    """Maximum characters of a request's messages."""
    places: int = Field(2048, ge=1)
    """Maximum requests at once; more are refused."""
    usd_per_million_input_tokens: float = Field(0.5, ge=0.0)
    """Price of a million tokens of prompts; a token is four bytes, whatever model answers."""
    usd_per_million_output_tokens: float = Field(1.5, ge=0.0)
    """Price of a million tokens of answers."""
    usd_per_page: float = Field(0.001, ge=0.0)
    """Price of reading one image, whatever it says; its tokens are free."""

    def price_usd(self, input_tokens: int, output_tokens: int, pages: int) -> float:
        """Return the price of an answer in dollars, to the nearest billionth; a page is priced as such alone."""
        if pages:
            return round(pages * self.usd_per_page, 9)
        tokens = (
            input_tokens * self.usd_per_million_input_tokens,
            output_tokens * self.usd_per_million_output_tokens,
        )
        return round(math.fsum(tokens) / 1e6, 9)
