"""The score ledger: a validator's memory of each miner's scores.

    score <- alpha * new + (1 - alpha) * score

A miner that was not asked, or whose answer could not be graded, keeps its score. A uid whose hotkey
changed starts from zero. The ledger is a pure function of the scores that it observed, in order, so a
restart rebuilds it from the record.
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
    _scores: dict[int, float] = field(default_factory=dict)
    _hotkeys: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha <= 1.0:
            raise ValueError(f"alpha {self.alpha!r} is outside (0, 1]")

    def observe(self, scores: Mapping[int, Score], hotkeys: Mapping[int, str]) -> None:
        """Take in one round: scores by uid, and the current hotkey of every uid on the subnet."""
        for uid, hotkey in hotkeys.items():
            if self._hotkeys.get(uid, hotkey) != hotkey:
                self._scores.pop(uid, None)
        for gone in self._scores.keys() - hotkeys.keys():
            del self._scores[gone]
        self._hotkeys = dict(hotkeys)
        for uid, score in scores.items():
            if score.value is not None and uid in hotkeys:
                self._scores[uid] = self.alpha * score.value + (1.0 - self.alpha) * self._scores.get(uid, 0.0)

    @property
    def scores(self) -> dict[int, float]:
        """Scores by uid of all miners that were ever graded."""
        return dict(self._scores)

    def weights(self, rule: WeightRule) -> dict[int, float]:
        """Return the weights that `rule` derives from the scores; empty while nobody has earned anything."""
        return rule.weigh(self._scores)
