"""Windows: many rounds of one validator that are graded together, because one round says too little.

A `WindowScorer` is named in a config like any other scorer. Its rounds are recorded unscored. At the end of an epoch it
grades them, knowing the rounds before them, and the grades never change afterwards. It sees the truth of a round only
if that is gold, which a validator draws by its own seed.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from pydantic import Field

from subnets import Cost, Response, Score, Scorer, Seed, Task
from subnets.subnet import Subnet

logger = logging.getLogger(__name__)

GRADER_FAILED = "grader failed"
"""Start of the reason of a score that is missing because the grader failed."""
LATER = "graded at the end of its epoch, together with the rounds before it"


@dataclass(frozen=True, slots=True)
class Round:
    """One round that was asked and answered."""

    number: int
    task: Task
    responses: tuple[Response, ...]
    """As received: each with its answer or its fault."""


@dataclass(frozen=True, slots=True)
class WindowGrades:
    """Scores of the last rounds of a window."""

    scores: tuple[tuple[Score, ...], ...]
    """For each round the scores of its responses, in their order."""
    cost: Cost = field(default_factory=Cost)
    """Cost of reading and scoring the window."""


class WindowScorer(Scorer):
    """Grades the rounds of a window together; it keeps no state between windows."""

    needs_reference: ClassVar[bool] = False
    stands_alone: ClassVar[bool] = True

    gold: float = Field(0.1, ge=0.0, le=1.0)
    """Share of the tasks whose truth the validator knows, each chosen at random."""
    window: int = Field(200, ge=1)
    """Rounds that are graded together, the latest ones; those of the epoch are always among them."""

    @abstractmethod
    def score_window(self, rounds: Sequence[Round], subnet: Subnet) -> list[list[Score]]:
        """Grade all responses of all rounds, in their order.

        Rounds come in ascending order of their numbers, responses in ascending order of uids. A task has its reference
        only if it is gold, and none has its image. The result depends on the arguments alone. Any exception leaves the
        whole window unscored.
        """

    def score(self, task: Task, response: Response) -> Score:
        """Leave a single answer unscored."""
        return Score(None, reason=LATER)

    def is_gold(self, seed: int, number: int) -> bool:
        """Draw whether the validator of `seed` knows the truth of a round."""
        return bool(Seed(seed).child("gold", number).rng().random() < self.gold)


def grade_window(scorer: WindowScorer, rounds: Sequence[Round], subnet: Subnet, seed: int) -> list[list[Score]]:
    """Grade the rounds of a window without letting the scorer see more than it may; unscored if it fails.

    Args:
        scorer: the window's grader.
        rounds: rounds in any order, with whole tasks and read answers.
        subnet: whose tasks they are.
        seed: the validator's, which draws the gold.
    """
    blind = [
        replace(
            each,
            task=replace(
                each.task.without_image(),
                reference=each.task.reference if scorer.is_gold(seed, each.number) else None,
            ),
        )
        for each in rounds
    ]
    order = sorted(range(len(rounds)), key=lambda place: rounds[place].number)
    try:
        scores = scorer.score_window([blind[place] for place in order], subnet)
        _check(scores, [blind[place] for place in order])
    except Exception as error:
        # Grades of single rounds would mean something else, so nothing in the window is graded.
        logger.error(
            "scorer %s failed on a window of %d rounds: %s: %s",
            type(scorer).__name__,
            len(rounds),
            type(error).__name__,
            error,
            exc_info=logger.isEnabledFor(logging.DEBUG),
        )
        reason = f"{GRADER_FAILED}: {type(error).__name__}: {error}"[:500]
        return [[Score(None, reason=reason)] * len(each.responses) for each in rounds]
    by_place = dict(zip(order, scores, strict=True))
    return [by_place[place] for place in range(len(rounds))]


def _check(scores: object, rounds: Sequence[Round]) -> None:
    if not isinstance(scores, list) or len(scores) != len(rounds):
        raise ValueError(f"a window of {len(rounds)} rounds needs a list of {len(rounds)} lists of scores")
    for own, each in zip(scores, rounds, strict=True):
        if len(own) != len(each.responses):
            raise ValueError(f"{len(own)} scores for {len(each.responses)} responses")
        if wrong := [type(item).__name__ for item in own if not isinstance(item, Score)]:
            raise TypeError(f"a scorer returns Scores (got {wrong[0]})")
