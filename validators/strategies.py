"""Dishonest validators, and the registry of all validators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from subnets import Plugins, Response, Score, Task
from subnets.score import ESTIMATE
from subnets.subnet import Subnet

from .ledger import Ledger
from .validator import Grades, PublicView, Validator
from .window import Round, WindowGrades


class WeightCopier(Validator):
    """Submits the last consensus as its own weights and grades nothing."""

    honest: ClassVar[bool] = False
    asks: ClassVar[bool] = False
    description: ClassVar[str] = "submits the last consensus and asks nobody"

    def weights(self, ledger: Ledger, view: PublicView) -> dict[int, float]:
        """Return the last epoch's consensus, scaled to sum to 1."""
        total = sum(view.consensus.values())
        return {uid: value / total for uid, value in view.consensus.items() if value > 0.0} if total else {}


class Idle(Validator):
    """Does nothing: it has left the subnet, and its last weights stay until they are too old to count."""

    honest: ClassVar[bool] = False
    asks: ClassVar[bool] = False
    description: ClassVar[str] = "asks nobody and sets no weights"

    def weights(self, ledger: Ledger, view: PublicView) -> dict[int, float]:
        """Submit nothing."""
        return {}


class Favourite(Validator):
    """Grades honestly, but reserves a share of its weights for chosen miners."""

    honest: ClassVar[bool] = False
    description: ClassVar[str] = "reserves a share of its weights for chosen miners"

    uids: tuple[int, ...] = Field(min_length=1)
    """Uids of the favoured miners."""
    share: float = Field(1.0, gt=0.0, le=1.0)
    """Share of its weights that the favoured miners split evenly."""

    def weights(self, ledger: Ledger, view: PublicView) -> dict[int, float]:
        """Return honest weights scaled down, plus the reserved share."""
        present = [uid for uid in self.uids if uid in view.hotkeys]
        if not present:
            return ledger.weights(self.weight_rule)
        weights = {uid: (1.0 - self.share) * weight for uid, weight in ledger.weights(self.weight_rule).items()}
        for uid in present:
            weights[uid] = weights.get(uid, 0.0) + self.share / len(present)
        total = sum(weights.values())
        return {uid: weight / total for uid, weight in sorted(weights.items()) if weight > 0.0}


class Inverter(Validator):
    """Inverts every grade."""

    honest: ClassVar[bool] = False
    description: ClassVar[str] = "gives 1 - score to every answer"

    def grade(self, subnet: Subnet, task: Task, responses: Sequence[Response]) -> Grades:
        """Grade honestly, then invert the scores."""
        grades = super().grade(subnet, task, responses)
        return replace(grades, scores=_inverted(grades.scores))

    def grade_window(self, subnet: Subnet, rounds: Sequence[Round], last: int) -> WindowGrades:
        """Grade a window honestly, then invert the scores."""
        grades = super().grade_window(subnet, rounds, last)
        return replace(grades, scores=tuple(map(_inverted, grades.scores)))


def _inverted(scores: Sequence[Score]) -> tuple[Score, ...]:
    return tuple(map(_inverse, scores))


def _inverse(score: Score) -> Score:
    if score.value is None or score.estimate is None:
        return score
    parts = {**score.parts, ESTIMATE: 1.0 - score.estimate} if ESTIMATE in score.parts else score.parts
    return Score(1.0 - score.value, parts, score.reason)


VALIDATORS: Plugins[Validator] = Plugins(
    sort="validator",
    group="subnetlab.validators",
    base=Validator,
    default="honest",
    builtin={
        "honest": "validators.validator:Validator",
        "champion": "validators.champion:Champion",
        "weight_copier": "validators.strategies:WeightCopier",
        "favourite": "validators.strategies:Favourite",
        "idle": "validators.strategies:Idle",
        "inverter": "validators.strategies:Inverter",
    },
)


def load_validator(spec: str | Mapping[str, Any]) -> Validator:
    """Build a validator from its name, "module:Class", or a table with `kind` and options.

    Raises:
        PluginError: unknown name, failing import, or a wrong option.
    """
    return VALIDATORS.load(spec)
