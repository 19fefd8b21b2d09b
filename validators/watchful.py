"""The watchful ledger: asks a miner often while it is new or has just changed, and seldom once it is known.

    ledger = {kind = "watchful"}          # in a [[validators]] table
    sampler = "by_ledger"                 # asks with the ledger's chances

A moving average with alpha .1 remembers some 19 answers, so most of what is asked of a miner that does not change is
soon forgotten. This one remembers `cap` answers until it notices a change (`memory`), and then forgets all but the last
few. Each query is a coin of its own, so no miner can foresee which one counts, and none is ever left unwatched.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from .ledger import Ledger, LedgerKind
from .memory import KEPT, Memory


class Watchful(LedgerKind):
    """Remembers many answers, notices changes, and asks seldom in between."""

    floor: float = Field(0.3, gt=0.0, le=1.0)
    """Chance in each round that a known miner is asked; .2 is enough where validators share their answers."""
    known_after: float = Field(12.0, ge=1.0)
    """Answers after which a miner is known; 40 where validators share their answers."""
    cap: float = Field(30.0, ge=KEPT)
    """Most answers that a score stands on; 240 where validators share their answers."""
    alarm: float = Field(4.0, gt=0.0)
    """Evidence of a change that makes the ledger forget, as the logarithm of a likelihood ratio; 5 where validators
    share their answers."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.known_after > self.cap:
            raise ValueError(
                f".known_after: {self.known_after:g} is more than cap, {self.cap:g}, so that no miner would ever be "
                "known; raise cap or lower known_after"
            )
        return self

    def open(self) -> WatchfulLedger:
        """Return an empty ledger."""
        return WatchfulLedger(self)


class WatchfulLedger(Ledger):
    """Running means of scores by uid, and how surely each is known."""

    def __init__(self, kind: Watchful) -> None:
        super().__init__()
        self._kind = kind
        self._memory = Memory((0,), cap=kind.cap, alarm=kind.alarm)

    @property
    def scores(self) -> dict[int, float]:
        """Scores by uid of all miners that were ever graded."""
        return {
            uid: float(np.clip(mean, 0.0, 1.0)) for uid, mean in enumerate(self._memory.means) if not np.isnan(mean)
        }

    def chances(self, uids: Collection[int]) -> dict[int, float]:
        """Return 1 for miners that are not known yet, or not any more, and the floor for the others."""
        counts = self._memory.counts
        known = {uid for uid in uids if uid < len(counts) and counts[uid] >= self._kind.known_after}
        return {uid: self._kind.floor if uid in known else 1.0 for uid in uids}

    def _take(self, estimates: Mapping[int, float]) -> None:
        self._memory.grow(max(estimates, default=-1) + 1)
        values = np.zeros(len(self._memory.counts))
        observed = np.zeros(len(values), np.bool_)
        for uid, value in estimates.items():
            values[uid], observed[uid] = value, True
        self._memory.observe(values, observed)

    def _forget(self, uid: int) -> None:
        if uid < len(self._memory.counts):
            self._memory.forget(uid)
