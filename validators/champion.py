"""Champion: all weight on one miner, which keeps it until another one is better by a margin."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .ledger import Ledger
from .validator import PublicView, Validator


class Champion(Validator):
    """Gives all weight to the champion, which is dethroned only by a score that is higher by a margin.

    The champion is the miner on which the last consensus was highest, so validators agree on it without talking.
    """

    description: ClassVar[str] = "gives all weight to one miner until another is better by a margin"

    margin: float = Field(0.03, ge=0.0, le=1.0)
    """Difference of scores that dethrones a champion."""

    def weights(self, ledger: Ledger, view: PublicView) -> dict[int, float]:
        """Return all weight for one miner; empty while no score is above 0."""
        scores = {uid: value for uid, value in ledger.scores.items() if value > 0.0}
        if not scores:
            return {}
        best = min(scores, key=lambda uid: (-scores[uid], uid))
        reigns = {uid: value for uid, value in view.consensus.items() if value > 0.0 and uid in scores}
        if reigns:
            champion = min(reigns, key=lambda uid: (-reigns[uid], uid))
            if scores[best] <= scores[champion] + self.margin:
                return {champion: 1.0}
        return {best: 1.0}
