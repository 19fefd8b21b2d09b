"""Dishonest validators, and the registry of all validators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from subnets import Meter, Plugins, Response, Score, Seed, Task
from subnets.score import ESTIMATE
from subnets.subnet import Subnet

from .ledger import Ledger
from .validator import Grades, PublicView, Validator, all_qualities, receive_all
from .weights import shares
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


class LateCopier(WeightCopier):
    """Waits until the others have submitted and copies what they say, one epoch fresher than the last consensus."""

    late: ClassVar[bool] = True
    description: ClassVar[str] = "submits last, the stake-weighted mean of the others' new weights, and asks nobody"

    def weights(self, ledger: Ledger, view: PublicView) -> dict[int, float]:
        """Return the mean of the visible rows, by stake; without any, the last consensus."""
        totals: dict[int, float] = {}
        for validator, row in view.submitted.items():
            for uid, weight in row.items():
                totals[uid] = totals.get(uid, 0.0) + view.stakes.get(validator, 0.0) * weight
        return shares(totals) or super().weights(ledger, view)


class ScoreSharer(Validator):
    """Gets another validator's scores off the chain and weighs them by its own rule."""

    honest: ClassVar[bool] = False
    asks: ClassVar[bool] = False
    description: ClassVar[str] = "weighs the scores of another validator and asks nobody"

    partner: int = Field(0, ge=0)
    """Uid of the validator that does the work."""

    def scores_from(self) -> int:
        """Return the partner's uid."""
        return self.partner


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


class PoisonPill(Favourite):
    """Is honest until it has gathered trust, then favours chosen miners."""

    description: ClassVar[str] = "is honest for some epochs, then reserves a share of its weights for chosen miners"

    after: int = Field(20, ge=0)
    """Number of honest epochs."""

    def weights(self, ledger: Ledger, view: PublicView) -> dict[int, float]:
        """Return honest weights in the first epochs, and afterwards those of a favourite."""
        return ledger.weights(self.weight_rule) if view.epoch < self.after else super().weights(ledger, view)


class Cabal(Validator):
    """Pays the miners of its cabal by merit and keeps all others out."""

    honest: ClassVar[bool] = False
    description: ClassVar[str] = "pays its cabal's miners by merit and keeps the others out"

    uids: tuple[int, ...] = Field(min_length=1)
    """Uids of the cabal's miners."""
    mercy: float = Field(0.0, ge=0.0, le=1.0)
    """Share of their honest weight that outsiders get."""

    def weights(self, ledger: Ledger, view: PublicView) -> dict[int, float]:
        """Return honest weights with those of outsiders cut; honest ones while no member has earned any."""
        honest = ledger.weights(self.weight_rule)
        if not any(uid in honest for uid in self.uids):
            return honest
        return shares({uid: weight * (1.0 if uid in self.uids else self.mercy) for uid, weight in honest.items()})


class Bribed(Validator):
    """Gives the answers of miners that pay for it at least a certain score, so that its weights follow its grades."""

    honest: ClassVar[bool] = False
    description: ClassVar[str] = "raises the scores of chosen miners' answers"

    uids: tuple[int, ...] = Field(min_length=1)
    """Uids of the miners that pay."""
    least: float = Field(1.0, gt=0.0, le=1.0)
    """Least score of their answers; a query without an answer still gets 0."""

    def grade(self, subnet: Subnet, task: Task, responses: Sequence[Response]) -> Grades:
        """Grade honestly, then raise the scores of those who pay."""
        grades = super().grade(subnet, task, responses)
        return replace(grades, scores=self._raised(grades.scores, grades.responses))

    def grade_window(self, subnet: Subnet, rounds: Sequence[Round], last: int) -> WindowGrades:
        """Grade a window honestly, then raise the scores of those who pay."""
        grades = super().grade_window(subnet, rounds, last)
        pairs = zip(grades.scores, rounds[-last:], strict=True)
        return replace(grades, scores=tuple(self._raised(scores, each.responses) for scores, each in pairs))

    def _raised(self, scores: Sequence[Score], responses: Sequence[Response]) -> tuple[Score, ...]:
        return tuple(
            _at_least(self.least, score) if response.uid in self.uids and response.fault is None else score
            for score, response in zip(scores, responses, strict=True)
        )


class Lazy(Validator):
    """Grades a share of the answers and leaves the others unscored, which saves that share of its work."""

    honest: ClassVar[bool] = False
    description: ClassVar[str] = "grades only a share of the answers"

    share: float = Field(0.25, gt=0.0, le=1.0)
    """Probability that it grades an answer."""

    @model_validator(mode="after")
    def _check_window(self) -> Self:
        if self.window:
            raise ValueError(".scorer: it grades whole windows, of which a lazy validator can't leave out answers")
        return self

    def grade(self, subnet: Subnet, task: Task, responses: Sequence[Response]) -> Grades:
        """Grade those answers that chance chooses."""
        draws = Seed(self.seed).child("graded", task.id).rng().random(len(responses))
        kept = [response for response, draw in zip(responses, draws, strict=True) if draw < self.share]
        chosen = super().grade(subnet, task, kept)
        with Meter() as measuring:
            received = receive_all(subnet, responses)
            qualities = tuple(all_qualities(subnet, task, received))
        scores = iter(chosen.scores)
        return Grades(
            tuple(next(scores) if draw < self.share else Score(None, reason="not graded") for draw in draws),
            qualities,
            tuple(received),
            chosen.cost,
            measuring.cost + chosen.measuring,
        )


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


def _at_least(least: float, score: Score) -> Score:
    if score.estimate is None or score.estimate >= least:
        return score
    parts = {**score.parts, ESTIMATE: least} if ESTIMATE in score.parts else score.parts
    return Score(least, parts, score.reason)


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
        "bribed": "validators.strategies:Bribed",
        "cabal": "validators.strategies:Cabal",
        "late_copier": "validators.strategies:LateCopier",
        "lazy": "validators.strategies:Lazy",
        "poison_pill": "validators.strategies:PoisonPill",
        "score_sharer": "validators.strategies:ScoreSharer",
    },
)


def load_validator(spec: str | Mapping[str, Any]) -> Validator:
    """Build a validator from its name, "module:Class", or a table with `kind` and options.

    Raises:
        PluginError: unknown name, failing import, or a wrong option.
    """
    return VALIDATORS.load(spec)
