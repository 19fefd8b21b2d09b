"""Ledgers: a validator's memory of each miner's scores.

    average <- alpha * new + (1 - alpha) * average        starting at 0
    score = average / (1 - (1 - alpha)^n)                 after n graded answers

The division makes the score a weighted mean of the n grades, of which the newest weighs most. Without it a miner that
was asked less often would look worse, as if its missing answers had been worth 0. The published templates of subnets do
without: they start at 0, and one of them lets the score of a miner that was not asked decay in every round.

A miner that was not asked, or whose answer could not be graded, keeps its score. A uid whose hotkey changed starts
again. A ledger is a pure function of the scores that it observed, in order, so a restart rebuilds it from the record.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping

from subnets import Plugin, Score

from .weights import WeightRule


class Ledger(ABC):
    """Base of all ledgers: which uid is whose."""

    def __init__(self) -> None:
        self._hotkeys: dict[int, str] = {}

    def observe(self, scores: Mapping[int, Score], hotkeys: Mapping[int, str]) -> None:
        """Take in one round: scores by uid, and the current hotkey of every uid on the subnet."""
        for uid, hotkey in self._hotkeys.items():
            if hotkeys.get(uid) != hotkey:
                self._forget(uid)
        self._hotkeys = dict(hotkeys)
        estimates = {uid: score.estimate for uid, score in scores.items() if uid in hotkeys}
        self._take({uid: value for uid, value in estimates.items() if value is not None})

    @property
    @abstractmethod
    def scores(self) -> dict[int, float]:
        """Scores by uid of all miners that were ever graded."""

    def weights(self, rule: WeightRule) -> dict[int, float]:
        """Return the weights that `rule` derives from the scores; empty while nobody has earned anything."""
        return rule.weigh(self.scores)

    def chances(self, uids: Collection[int]) -> dict[int, float]:
        """Return the chance with which each miner has to be asked in a round: 1, unless the ledger knows enough."""
        return dict.fromkeys(uids, 1.0)

    @abstractmethod
    def _take(self, estimates: Mapping[int, float]) -> None:
        """Take in the graded answers of one round, by uid."""

    @abstractmethod
    def _forget(self, uid: int) -> None:
        """Forget the miner that had a uid."""


class LedgerKind(Plugin, ABC):
    """A way to remember scores, with its options."""

    @abstractmethod
    def open(self) -> Ledger:
        """Return an empty ledger."""


class ScoreLedger(Ledger):
    """Moving averages of scores by uid."""

    def __init__(self, alpha: float = 0.1) -> None:
        """Start empty; `alpha` in (0, 1] is the share of the newest score."""
        if not 0.0 < alpha <= 1.0:
            raise ValueError(f"alpha {alpha!r} is outside (0, 1]")
        super().__init__()
        self.alpha = alpha
        self.corrected = True
        """False leaves the division out, as runs did whose records have format 2 or lower."""
        self._averages: dict[int, float] = {}
        self._graded: dict[int, int] = {}

    @property
    def scores(self) -> dict[int, float]:
        """Scores by uid of all miners that were ever graded."""
        if not self.corrected:
            return dict(self._averages)
        return {
            uid: min(1.0, max(0.0, average / (1.0 - (1.0 - self.alpha) ** self._graded[uid])))
            for uid, average in self._averages.items()
        }

    def _take(self, estimates: Mapping[int, float]) -> None:
        for uid, value in estimates.items():
            self._averages[uid] = self.alpha * value + (1.0 - self.alpha) * self._averages.get(uid, 0.0)
            self._graded[uid] = self._graded.get(uid, 0) + 1

    def _forget(self, uid: int) -> None:
        self._averages.pop(uid, None)
        self._graded.pop(uid, None)
