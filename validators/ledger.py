"""The score ledger: what a validator remembers of each miner, and the weights it makes of that.

    score <- alpha * new + (1 - alpha) * score

A miner that was not asked, or whose answer could not be graded, keeps its score. A uid whose hotkey
changed starts from zero. The ledger is a pure function of the scores it was shown, in order, so a
restart rebuilds it from the record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from subnets import Score


@dataclass(slots=True)
class ScoreLedger:
    """Moving averages of scores by uid."""

    alpha: float = 0.1
    """In (0, 1]: the share of the newest score."""
    _scores: dict[int, float] = field(default_factory=dict)
    _hotkeys: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha <= 1.0:
            raise ValueError(f"alpha {self.alpha!r} is outside (0, 1]")

    def observe(self, scores: Mapping[int, Score], hotkeys: Mapping[int, str]) -> None:
        """Take in one round: scores by uid, and the hotkey that each uid of the subnet has now."""
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
        """Score by uid, of every miner that was ever graded."""
        return dict(self._scores)

    def weights(self) -> dict[int, float]:
        """Return scores as shares that sum to 1, zeros left out; empty while nobody has earned anything."""
        total = math.fsum(self._scores.values())
        if total <= 0.0:
            return {}
        return {uid: score / total for uid, score in sorted(self._scores.items()) if score > 0.0}
