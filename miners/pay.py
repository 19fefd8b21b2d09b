"""What a miner is told after an epoch: its own pay, which is public on the chain, and what its answers cost it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pay:
    """What one epoch brought a miner, and what its answers cost it, at the prices of the run."""

    epoch: int
    earned_usd: float
    cost_usd: float
    answers: int
    """Queries that it was given, without those that were lost with its host or its engine."""

    @property
    def profit_usd(self) -> float:
        """Profit of one answer."""
        return (self.earned_usd - self.cost_usd) / max(1, self.answers)
