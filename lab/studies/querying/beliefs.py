"""Beliefs: what validators hold of their miners, for many replications of a subnet at once.

beliefs = Beliefs(policy, replications, validators, miners)
asked = beliefs.chances > coins          # (R, V, N)
beliefs.observe(answers, asked)
beliefs.means                            # (R, V, N)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from validators import Memory, Watchful

from .config import Policy

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


class Beliefs:
    """The ledgers of all validators under one policy; those that share answers have one in common."""

    def __init__(self, policy: Policy, replications: int, validators: int, miners: int) -> None:
        self._policy = policy
        self._shape = (replications, validators, miners)
        held = (replications, 1 if policy.shared else validators, miners)
        ledger = policy.ledger
        self._memory: Memory | _Averages = (
            Memory(held, cap=ledger.cap, alarm=ledger.alarm)
            if isinstance(ledger, Watchful)
            else _Averages(ledger, held)
        )

    @property
    def known(self) -> Booleans:
        """True where a ledger asks a miner seldom, (R, V, N)."""
        ledger = self._policy.ledger
        known = self._memory.counts >= (ledger.known_after if isinstance(ledger, Watchful) else 0)
        return np.broadcast_to(known, self._shape)

    @property
    def chances(self) -> Floats:
        """Chance at which each miner is asked by each validator, (R, V, N)."""
        ledger = self._policy.ledger
        if isinstance(ledger, Watchful):
            return np.where(self.known, ledger.floor, 1.0)
        return np.full(self._shape, self._policy.chance)

    @property
    def means(self) -> Floats:
        """Scores by which each validator sets weights, (R, V, N); 0 for miners never asked."""
        return np.broadcast_to(np.nan_to_num(self._memory.means), self._shape)

    def observe(self, answers: Floats, asked: Booleans) -> None:
        """Take in the answers of one round of each validator, in the order of validators where they are shared."""
        if not self._policy.shared:
            self._memory.observe(answers, asked)
            return
        for validator in range(self._shape[1]):
            place = slice(validator, validator + 1)
            self._memory.observe(answers[:, place], asked[:, place])


class _Averages:
    """Moving averages, corrected for their start at 0 as those of `ScoreLedger` are."""

    def __init__(self, alpha: float, shape: tuple[int, ...]) -> None:
        self._alpha = alpha
        self._averages = np.zeros(shape)
        self.counts = np.zeros(shape)

    @property
    def means(self) -> Floats:
        """Mean of each place; NaN before its first observation."""
        unknown = np.full(self.counts.shape, np.nan)
        remembered = 1.0 - (1.0 - self._alpha) ** self.counts
        return np.asarray(np.divide(self._averages, remembered, out=unknown, where=self.counts > 0))

    def observe(self, values: Floats, observed: Booleans) -> None:
        """Take in one value for each place where `observed`."""
        self._averages += np.where(observed, self._alpha * (values - self._averages), 0.0)
        self.counts += observed
