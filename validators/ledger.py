"""The score ledger: a validator's memory of each miner's scores.

    average <- alpha * new + (1 - alpha) * average        starting at 0
    score = average / (1 - (1 - alpha)^n)                 after n graded answers

The division makes the score a weighted mean of the n grades, of which the newest weighs most. Without it a miner that
was asked less often would look worse, as if its missing answers had been worth 0. The published templates of subnets do
without: they start at 0, and one of them lets the score of a miner that was not asked decay in every round.

A miner that was not asked, or whose answer could not be graded, keeps its score. A uid whose hotkey changed starts
again. The ledger is a pure function of the scores that it observed, in order, so a restart rebuilds it from the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from subnets import Score

from .weights import WeightRule


@dataclass(slots=True)
class ScoreLedger:
    """Moving averages of scores by uid."""

    alpha: float = 0.1
    """Share of the newest score, in (0, 1]."""
    corrected: bool = True
    """False leaves the division out, as runs did whose records have format 2 or lower."""
    _averages: dict[int, float] = field(default_factory=dict)
    _graded: dict[int, int] = field(default_factory=dict)
    _hotkeys: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha <= 1.0:
            raise ValueError(f"alpha {self.alpha!r} is outside (0, 1]")

    def observe(self, scores: Mapping[int, Score], hotkeys: Mapping[int, str]) -> None:
        """Take in one round: scores by uid, and the current hotkey of every uid on the subnet."""
        for uid, hotkey in hotkeys.items():
            if self._hotkeys.get(uid, hotkey) != hotkey:
                self._forget(uid)
        for gone in self._averages.keys() - hotkeys.keys():
            self._forget(gone)
        self._hotkeys = dict(hotkeys)
        for uid, score in scores.items():
            if score.value is not None and uid in hotkeys:
                self._averages[uid] = self.alpha * score.value + (1.0 - self.alpha) * self._averages.get(uid, 0.0)
                self._graded[uid] = self._graded.get(uid, 0) + 1

    @property
    def scores(self) -> dict[int, float]:
        """Scores by uid of all miners that were ever graded."""
        if not self.corrected:
            return dict(self._averages)
        return {
            uid: min(1.0, average / (1.0 - (1.0 - self.alpha) ** self._graded[uid]))
            for uid, average in self._averages.items()
        }

    def weights(self, rule: WeightRule) -> dict[int, float]:
        """Return the weights that `rule` derives from the scores; empty while nobody has earned anything."""
        return rule.weigh(self.scores)

    def _forget(self, uid: int) -> None:
        self._averages.pop(uid, None)
        self._graded.pop(uid, None)
