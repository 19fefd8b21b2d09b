"""Prices of resources, which turn metered seconds into dollars."""

from __future__ import annotations

from pydantic import Field

from subnets import Cost

from .base import Table


class PriceTable(Table):
    """Prices of resources, which turn metered seconds into dollars."""

    cpu_hour_usd: float = Field(0.04, ge=0.0)
    """Dollars for one core for one hour."""
    gpu_hour_usd: float = Field(2.0, ge=0.0)
    """Dollars for one GPU for one hour."""
    token_usd: float = Field(1.0, ge=0.0)
    """Dollars that one token of pay is worth to a miner that learns from its profit; with `chain.rules`, those of one
    TAO."""
    date: str = "2026-11"
    """Date of these prices."""


def price(cost: Cost, prices: PriceTable) -> float:
    """Return the price of metered seconds, plus payments to others, in dollars."""
    return cost.cpu_s / 3600 * prices.cpu_hour_usd + cost.gpu_s / 3600 * prices.gpu_hour_usd + cost.paid_usd
