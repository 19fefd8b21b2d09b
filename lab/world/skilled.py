"""Miners of graded work, by their skill and by what their answers cost."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from miners import Miner
from subnets import Answer, Cost, Query, spend

from .work import drawn


class Skilled(Miner):
    """A miner of known skill: its answers have qualities around a mean."""

    description: ClassVar[str] = "answers graded work with a known mean quality"

    quality: float = Field(0.7, ge=0.0, le=1.0)
    """Mean quality of its answers."""
    spread: float = Field(0.0, ge=0.0, le=1.0)
    """Standard deviation of the quality from one task to the next."""
    cost_usd: float = Field(0.0, ge=0.0)
    """Dollars that one answer costs."""

    async def forward(self, query: Query) -> Answer:
        """Do the work, and pay for it."""
        if self.cost_usd:
            spend(Cost(paid_usd=self.cost_usd))
        return Answer(text=f"{drawn(self.quality, self.spread, 'answer', self.seed, query.id):.6f}")
