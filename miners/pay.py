"""Pay: a miner's own earnings in an epoch, which are public on the chain, and the cost of its answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pay:
    """One epoch's earnings and costs of a miner, at the prices of the run."""

    epoch: int
    earned_usd: float
    cost_usd: float
    answers: int
    """Queries that it received, except those lost with its host or its engine."""

    @property
    def profit_usd(self) -> float:
        """Profit of one answer."""
        return (self.earned_usd - self.cost_usd) / max(1, self.answers)
