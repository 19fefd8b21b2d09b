"""Sampling: which miners a validator asks in a round."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from pydantic import Field

from subnets import Plugin


class Sampler(Plugin, ABC):
    """Chooses among the miners that can be asked."""

    @abstractmethod
    def sample(self, stakes: Mapping[int, float], rng: np.random.Generator) -> tuple[int, ...]:
        """Choose uids among the keys of `stakes` (uid to stake in tokens); return them in ascending order."""

    def candidates(self, chances: Mapping[int, float], rng: np.random.Generator) -> tuple[int, ...]:
        """Choose the uids among which `sample` chooses, given the chance at which a ledger wants each to be asked.

        All of them, unless the sampler goes by these chances.
        """
        return tuple(sorted(chances))


class All(Sampler):
    """Asks every miner, every round."""

    def sample(self, stakes: Mapping[int, float], rng: np.random.Generator) -> tuple[int, ...]:
        """Return all uids."""
        return tuple(sorted(stakes))


class ByLedger(All):
    """Asks each miner with the chance that the validator's ledger gives, by an independent coin."""

    def candidates(self, chances: Mapping[int, float], rng: np.random.Generator) -> tuple[int, ...]:
        """Toss a coin for each miner."""
        uids = sorted(chances)
        coins = rng.random(len(uids))
        return tuple(uid for uid, coin in zip(uids, coins, strict=True) if coin < chances[uid])


class RandomK(Sampler):
    """Asks `k` miners, each equally likely; all of them if there are fewer."""

    k: int = Field(10, ge=1)
    """Number of miners asked in a round."""

    def sample(self, stakes: Mapping[int, float], rng: np.random.Generator) -> tuple[int, ...]:
        """Draw without replacement."""
        uids = sorted(stakes)
        return tuple(sorted(int(uid) for uid in rng.choice(uids, min(self.k, len(uids)), replace=False)))


class StakeWeighted(Sampler):
    """Asks `k` miners drawn in proportion to stake; miners without stake only when no others are left."""

    k: int = Field(10, ge=1)
    """Number of miners asked in a round."""

    def sample(self, stakes: Mapping[int, float], rng: np.random.Generator) -> tuple[int, ...]:
        """Draw without replacement: take the smallest exponential variates, with stakes as rates."""
        uids = sorted(stakes)
        rates = np.array([stakes[uid] for uid in uids])
        variates = rng.exponential(size=len(uids))
        arrival = np.where(rates > 0, variates / np.where(rates > 0, rates, 1.0), np.inf)
        order = np.lexsort((variates, arrival))[: self.k]
        return tuple(sorted(uids[i] for i in order))
