"""Break-even: the utilisation above which a rented machine is cheaper than an API."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

SECONDS = 3600
MEGA = 1e6


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that costs its hourly rate whether used or not, and produces tokens while used."""

    rate_usd_per_hour: float
    tokens_per_s: float
    """Output tokens a second of the whole machine at full load."""

    def __post_init__(self) -> None:
        if not (isfinite(self.rate_usd_per_hour) and self.rate_usd_per_hour >= 0):
            raise ValueError(f"rate_usd_per_hour {self.rate_usd_per_hour}: the price of an hour, 0 or more")
        if not (isfinite(self.tokens_per_s) and self.tokens_per_s > 0):
            raise ValueError(f"tokens_per_s {self.tokens_per_s}: the speed at full load, above 0")

    def usd_per_mtok(self, utilisation: float) -> float:
        """Return the dollars per million tokens: rate / (tokens per second * 3600 * utilisation) * 10^6.

        Infinite for an idle machine. Raises ValueError for a utilisation outside [0, 1].
        """
        if not 0 <= utilisation <= 1:
            raise ValueError(f"utilisation {utilisation}: the share of the time in use, from 0 to 1")
        if utilisation == 0:
            return inf
        return self.rate_usd_per_hour / (self.tokens_per_s * SECONDS * utilisation) * MEGA

    def break_even(self, price_usd_per_mtok: float) -> BreakEven:
        """Return the utilisation at which both cost the same: rate / (price * tokens per second * 0.0036)."""
        if not (isfinite(price_usd_per_mtok) and price_usd_per_mtok >= 0):
            raise ValueError(f"price_usd_per_mtok {price_usd_per_mtok}: the API's price, 0 or more")
        earned = price_usd_per_mtok * self.tokens_per_s * SECONDS / MEGA
        if earned == 0:
            return BreakEven(inf if self.rate_usd_per_hour else 0.0)
        return BreakEven(self.rate_usd_per_hour / earned)


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The utilisation above which a machine is cheaper than an API."""

    utilisation: float
    """Above 1 if even full use is not enough."""

    @property
    def reachable(self) -> bool:
        """True if the machine can be cheaper."""
        return self.utilisation <= 1

    def text(self) -> str:
        """Write as "9.9 %", or "never (165 %)"."""
        if self.reachable:
            return f"{100 * self.utilisation:.1f} %"
        return f"never ({100 * self.utilisation:.0f} %)" if isfinite(self.utilisation) else "never"
