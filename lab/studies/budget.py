"""Budget: the most that a study may take.

budget = Budget.parse("10m")
budget.exceeded(wall_s=700.0, usd=0.0)      # "11 min 40 s, the budget is 10 min 0 s"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from lab.duration import duration
from lab.errors import ConfigError, RecordError


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on a study's time, or on its cost."""

    wall_s: float | None = None
    usd: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "90s", "10m", "2h" or "0.50usd".

        Raises:
            ConfigError: the text is none of these.
        """
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h|usd)", text.strip().lower())
        if match is None or float(match[1]) <= 0:
            raise ConfigError(f"--budget {text}: write a time or dollars: 90s, 10m, 2h, 0.50usd")
        amount, unit = float(match[1]), match[2]
        return cls(usd=amount) if unit == "usd" else cls(wall_s=amount * {"s": 1, "m": 60, "h": 3600}[unit])

    def __str__(self) -> str:
        return (
            f"${self.usd:.4f}" if self.usd is not None else "no limit" if self.wall_s is None else duration(self.wall_s)
        )

    def exceeded(self, wall_s: float, usd: float) -> str:
        """Describe the limit that these amounts exceed; empty if they exceed none."""
        if self.wall_s is not None and wall_s > self.wall_s:
            return f"{duration(wall_s)}, the budget is {self}"
        if self.usd is not None and usd > self.usd:
            return f"${usd:.4f}, the budget is {self}"
        return ""


class BudgetError(RecordError):
    """A study would exceed, or has exceeded, its budget; finished work is kept."""
