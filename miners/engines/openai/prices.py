"""Prices of tokens in dollars, from the table of the package `genai-prices` or from the user.

The table comes with the package and is never updated over the network, so its version and a date identify the prices
exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class FlatPrice:
    """A fixed price for each token."""

    usd_per_million_input: float
    usd_per_million_output: float
    source: str = "config"

    def usd(self, input_tokens: int, output_tokens: int) -> float:
        """Return the price of one completion."""
        return (input_tokens * self.usd_per_million_input + output_tokens * self.usd_per_million_output) / 1e6


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A provider's price of a model, which may depend on the prompt's length."""

    model: str
    base_url: str
    day: datetime

    @property
    def source(self) -> str:
        """The table and its date: "genai-prices 0.2.3, in force on 2026-11-22"."""
        import genai_prices

        return f"genai-prices {genai_prices.__version__}, in force on {self.day:%Y-%m-%d}"

    def usd(self, input_tokens: int, output_tokens: int) -> float:
        """Return the price of one completion.

        Raises:
            LookupError: the table lacks the provider or the model.
        """
        import genai_prices

        usage = genai_prices.Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        calculation = genai_prices.calc_price(
            usage, self.model, provider_api_url=self.base_url, genai_request_timestamp=self.day
        )
        return float(calculation.total_price)


Price = FlatPrice | ListedPrice


def listed_price(model: str, base_url: str) -> ListedPrice | None:
    """Look up a model of the provider behind a URL; None if either is not listed.

    The model's name alone is not enough: a private server may use the name of a model that is sold elsewhere.
    """
    price = ListedPrice(model, base_url, datetime.now(UTC))
    try:
        price.usd(1, 1)
    except LookupError:
        return None
    return price
