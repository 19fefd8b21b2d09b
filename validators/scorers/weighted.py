"""Several scorers combined: a weighted mean, reduced by factors.

    {kind = "weighted", terms = [{scorer = "rouge", weight = 2}, {scorer = {kind = "embedding"}, weight = 1}],
     factors = [{scorer = "near_duplicates"}, {scorer = "echo", strength = 0.5}]}

    value = sum(w * score) / sum(w) * product(1 - strength * (1 - factor))

Weights are normalised here and nowhere else. An answer that one part can't grade is unscored altogether: a grade
made of the other parts would not be comparable with other answers' grades.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from subnets import Response, Score, Scorer, Task
from validators.registry import SCORERS

Part = Annotated[Scorer, *SCORERS.field()]


class Term(BaseModel):
    """A scorer with its weight in the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Part
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)


class Factor(BaseModel):
    """A scorer that reduces the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Part
    strength: float = Field(1.0, ge=0, le=1)
    """Share of the value that is lost if the factor is 0."""


class Weighted(Scorer):
    """Pays the weighted mean of its terms, times its factors."""

    # Each part declares its own needs.
    needs_reference: ClassVar[bool] = False

    terms: tuple[Term, ...] = Field(min_length=1)
    """Scorers whose mean is taken, each `{scorer = ..., weight = 1.0}`."""
    factors: tuple[Factor, ...] = ()
    """Scorers that cut the mean, each `{scorer = ..., strength = 1.0}`."""

    @property
    def parts(self) -> tuple[Scorer, ...]:
        """The scorers of all terms and factors, in order."""
        return (*(term.scorer for term in self.terms), *(factor.scorer for factor in self.factors))

    def open(self) -> None:
        """Open every part."""
        for part in self.parts:
            part.open()

    def score(self, task: Task, response: Response) -> Score:
        """Grade one answer."""
        return self.score_all(task, [response])[0]

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        """Grade the whole round with every part, then combine the parts."""
        without_reference = [scorer for scorer in self.parts if scorer.needs_reference and task.reference is None]
        if without_reference:
            reason = f"task {task.id} has no reference for {type(without_reference[0]).__name__}"
            return [Score(None, reason=reason)] * len(responses)
        means = [
            (term.weight, name, term.scorer.score_all(task, responses))
            for name, term in zip(part_names(self.terms), self.terms, strict=True)
        ]
        cuts = [
            (cut.strength, f"factor.{name}", cut.scorer.score_all(task, responses))
            for name, cut in zip(part_names(self.factors), self.factors, strict=True)
        ]
        return [self._joined(place, means, cuts) for place in range(len(responses))]

    def _joined(
        self,
        place: int,
        means: Sequence[tuple[float, str, list[Score]]],
        cuts: Sequence[tuple[float, str, list[Score]]],
    ) -> Score:
        parts: dict[str, float] = {}
        reasons: list[str] = []
        for _, name, scores in (*means, *cuts):
            score = scores[place]
            if score.value is None:
                return Score(None, parts, f"{name}: {score.reason}")
            parts[name] = score.value
            parts |= {f"{name}.{part}": value for part, value in score.parts.items()}
            reasons += [f"{name}: {score.reason}"] if score.reason else []
        total = math.fsum(weight for weight, _, _ in means)
        value = math.fsum(weight * parts[name] for weight, name, _ in means) / total
        for strength, name, _ in cuts:
            value *= 1.0 - strength * (1.0 - parts[name])
        return Score(min(1.0, value), parts, "; ".join(reasons))


def part_names(parts: Sequence[Term] | Sequence[Factor]) -> list[str]:
    """Name parts after their classes; further parts of one class are numbered from 2."""
    counts: Counter[str] = Counter()
    names = []
    for part in parts:
        name = type(part.scorer).__name__
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name}{counts[name]}")
    return names
