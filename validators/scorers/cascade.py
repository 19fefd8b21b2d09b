"""A cascade: a cheap scorer grades every answer, and an expensive one judges a random sample.

    {kind = "cascade", cheap = "token_f1", judge = {kind = "judge", model = "..."}, chance = 0.4}

    estimate = f + 1{judged} (y - f) / pi,      pi = max(.03, 2 chance sqrt(f (1 - f)))

with the cheap grade f and the judge's y. Its mean over answers is the mean of y, whatever f is; it varies less the
better f is. Answers that the cheap scorer is unsure of are judged most. Ledgers average the estimates; the value of a
score is y where the answer was judged and f elsewhere. The coins come from the task's seed, which no miner knows, so
an audit judges the same answers again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from subnets import Response, Score, Scorer, Seed, Task
from subnets.score import ESTIMATE
from validators.registry import SCORERS

Floats = NDArray[np.float64]

LEAST_CHANCE = 0.03
"""Chance of being judged of an answer that the cheap scorer is sure of: nothing is safe from the judge."""


class Cascade(Scorer):
    """Grades by a cheap scorer, corrected by a judge that sees some of the answers."""

    # Each part declares its own needs.
    needs_reference: ClassVar[bool] = False
    stands_alone: ClassVar[bool] = True

    cheap: Annotated[Scorer, *SCORERS.field()]
    """Grades every answer."""
    judge: Annotated[Scorer, *SCORERS.field()]
    """Grades the answers that are drawn; its mean is what miners are paid by."""
    chance: float = Field(0.4, gt=0.0, le=1.0)
    """Chance of being judged of an answer whose cheap grade is .5; about a third of all answers are judged then."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.judge.compares:
            kind = SCORERS.spec(self.judge)["kind"]
            raise ValueError(f".judge: {kind!r} compares the answers of a round, and a cascade judges single ones")
        return self

    @property
    def parts(self) -> tuple[Scorer, ...]:
        """The cheap scorer and the judge."""
        return self.cheap, self.judge

    def open(self) -> None:
        """Open both parts."""
        for part in self.parts:
            part.open()

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Grade the whole round by the cheap scorer, and judge the answers that are drawn."""
        for part in self.parts:
            if part.needs_reference and task.reference is None:
                reason = f"task {task.id} has no reference for {type(part).__name__}"
                return [Score(None, reason=reason)] * len(responses)
        cheap = self.cheap.score_all(task, responses)
        chances = [0.0 if score.value is None else self.chance_of(score.value) for score in cheap]
        drawn = [
            place
            for place, response in enumerate(responses)
            if Seed(task.seed).child("judged", response.uid).rng().random() < chances[place]
        ]
        judgements = self.judge.score_all(task, [responses[place] for place in drawn]) if drawn else []
        judged = dict(zip(drawn, judgements, strict=True))
        return [_joined(cheap[place], judged.get(place), chances[place]) for place in range(len(responses))]

    def chance_of(self, cheap: float) -> float:
        """Return the chance that an answer with this cheap grade is judged."""
        return float(judged_chance(np.float64(cheap), self.chance))


def judged_chance(cheap: Floats | np.float64, chance: float) -> Floats:
    """Return the chances that answers with these cheap grades are judged; `chance` is that at a grade of .5."""
    return np.clip(2.0 * chance * np.sqrt(cheap * (1.0 - cheap)), LEAST_CHANCE, 1.0)


def _joined(cheap: Score, judged: Score | None, chance: float) -> Score:
    if cheap.value is None:
        return Score(None, cheap.parts, f"cheap: {cheap.reason}")
    parts = {"cheap": cheap.value, "chance": chance, ESTIMATE: cheap.value}
    if judged is None:
        return Score(cheap.value, parts, cheap.reason)
    if judged.value is None:
        return Score(None, parts, f"judge: {judged.reason}")
    parts |= {"judge": judged.value, ESTIMATE: cheap.value + (judged.value - cheap.value) / chance}
    return Score(judged.value, parts, judged.reason)
