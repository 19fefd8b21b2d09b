"""Prices: dollars for tokens, from the table of the package `genai-prices`, or as the user says.

The table comes with the package and is never updated over the network: its version and the day that its prices are
read for name them exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class FlatPrice:
    """So much for each token."""

    usd_per_million_input: float
    usd_per_million_output: float
    source: str = "config"

    def usd(self, input_tokens: int, output_tokens: int) -> float:
        """Price one completion."""
        return (input_tokens * self.usd_per_million_input + output_tokens * self.usd_per_million_output) / 1e6


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """What the provider behind a URL takes for a model, which may depend on a prompt's length."""

    model: str
    base_url: str
    day: datetime

    @property
    def source(self) -> str:
        """The table and its date: "genai-prices 0.2.3, in force on 2026-11-22"."""
        import genai_prices

        return f"genai-prices {genai_prices.__version__}, in force on {self.day:%Y-%m-%d}"

    def usd(self, input_tokens: int, output_tokens: int) -> float:
        """Price one completion.

        Raises:
            LookupError: the table has no such provider or model.
        """
        import genai_prices

        usage = genai_prices.Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        found = genai_prices.calc_price(
            usage, self.model, provider_api_url=self.base_url, genai_request_timestamp=self.day
        )
        return float(found.total_price)


Price = FlatPrice | ListedPrice


def listed_price(model: str, base_url: str) -> ListedPrice | None:
    """Look a model up among those of the provider behind a URL; None where either is not listed.

    A model's name alone does not count: a server of one's own may carry the name of a model that is sold elsewhere.
    """
    price = ListedPrice(model, base_url, datetime.now(UTC))
    try:
        price.usd(1, 1)
    except LookupError:
        return None
    return price
