"""A validator: sets tasks, grades answers, submits weights.

Everything it does in a round is a function of its options, its seed and the round's number, so a
validator that died can be made anew, and an audit can do its work again. What it remembers is in a
`ScoreLedger` that the run keeps. Dishonest validators override `grade` or `weights`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar

from pydantic import Field

from subnets import Caller, Cost, Fault, MalformedAnswer, Meter, Plugin, Query, Response, Score, Scorer, Seed, Task
from subnets.subnet import Subnet

from .ledger import ScoreLedger
from .registry import SAMPLERS, SCORERS, WEIGHT_RULES
from .sampling import All, Sampler
from .weights import Proportional, WeightRule

logger = logging.getLogger(__name__)

GRADER_FAILED = "grader failed"
"""How the reason begins of a score that is missing for that reason."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a validator asks in one round, and whom."""

    number: int
    """Of the round, from 0."""
    task: Task
    query: Query
    uids: tuple[int, ...]
    cost: Cost = field(default_factory=Cost)
    """Of making the task."""


@dataclass(frozen=True, slots=True)
class Grades:
    """The scores of one round, aligned with its responses."""

    scores: tuple[Score, ...]
    qualities: tuple[float | None, ...]
    """True quality of each answer, known to the laboratory alone: no validator acts on it."""
    responses: tuple[Response, ...]
    """As received, with the malformed ones named."""
    cost: Cost = field(default_factory=Cost)
    """Of reading and scoring."""
    measuring: Cost = field(default_factory=Cost)
    """Of finding the true qualities: the laboratory's own, no part of the subnet's bill."""


@dataclass(frozen=True, slots=True)
class PublicView:
    """What anyone can read from the chain when weights are due."""

    hotkeys: Mapping[int, str]
    """By uid, miners and validators."""
    consensus: Mapping[int, float]
    """By uid, of the last epoch; empty before the first."""


class Validator(Plugin):
    """An honest validator."""

    honest: ClassVar[bool] = True
    asks: ClassVar[bool] = True
    """False for one that sets weights without ever asking a miner."""
    description: ClassVar[str] = "asks, grades and submits what it found"

    sampler: Annotated[Sampler, *SAMPLERS.field()] = All()
    scorer: Annotated[Scorer | None, *SCORERS.optional_field()] = None
    """The grader; None takes the subnet's own."""
    weight_rule: Annotated[WeightRule, *WEIGHT_RULES.field()] = Proportional()
    """How scores become weights."""
    alpha: float = Field(0.1, gt=0.0, le=1.0)
    """Share of the newest score in the moving average."""
    timeout_s: float = Field(60.0, gt=0.0)
    """Time that a miner has for one answer."""
    seed: int = Field(0, ge=0)
    """Of its tasks and samples; the run sets it. Miners never see it."""

    def ledger(self) -> ScoreLedger:
        """Return an empty ledger with this validator's alpha."""
        return ScoreLedger(self.alpha)

    def task(self, subnet: Subnet, number: int) -> Task:
        """Make the task of a round."""
        seed = Seed(self.seed).child("task", number)
        made = subnet.task(seed.integer())
        return replace(made, id=f"{seed.child('id').integer():016x}")

    def sample(self, number: int, stakes: Mapping[int, float]) -> tuple[int, ...]:
        """Choose the miners of a round among `stakes` (uid to stake)."""
        return self.sampler.sample(stakes, Seed(self.seed).child("sample", number).rng())

    def prepare(self, subnet: Subnet, number: int, stakes: Mapping[int, float], caller: Caller) -> Assignment:
        """Choose miners among `stakes` (uid to stake) and make the query of a round."""
        with Meter() as meter:
            task = self.task(subnet, number)
            uids = self.sample(number, stakes)
        return Assignment(number, task, task.query(timeout_s=self.timeout_s, caller=caller), uids, meter.cost)

    def grade(self, subnet: Subnet, task: Task, responses: Sequence[Response]) -> Grades:
        """Read and score the responses of a round, in order. Nothing in them can make this raise."""
        with Meter() as grading:
            read = [receive(subnet, response) for response in responses]
            scores = score(self.scorer or subnet.scorer(), task, read)
        with Meter() as measuring:
            qualities = tuple(quality(subnet, task, response) for response in read)
        return Grades(tuple(scores), qualities, tuple(read), grading.cost, measuring.cost)

    def weights(self, ledger: ScoreLedger, view: PublicView) -> dict[int, float]:
        """Return the weights to submit, by uid; empty to submit none."""
        return ledger.weights(self.weight_rule)


def receive(subnet: Subnet, response: Response) -> Response:
    """Read a response's body by the subnet's schema; what breaks it becomes a named fault."""
    if response.fault is not None:
        return response
    try:
        return replace(response, answer=subnet.read(response.body))
    except MalformedAnswer as error:
        return replace(response, fault=Fault.MALFORMED, reason=str(error))
    except Exception as error:  # a body that the subnet's own reader stumbles over is no answer either
        logger.exception("subnet %s can't read the answer of uid %d", subnet.key, response.uid)
        return replace(response, fault=Fault.MALFORMED, reason=f"can't be read: {type(error).__name__}")


def score(scorer: Scorer, task: Task, responses: Sequence[Response]) -> list[Score]:
    """Score responses in order: faults by rule, answers by the scorer, its own failures as unscored."""
    found: dict[int, Score] = {}
    for place, response in enumerate(responses):
        if response.fault is Fault.LOST:
            found[place] = Score(None, reason=response.reason)
        elif response.answer is None:
            found[place] = Score(0.0, reason=f"{response.fault}: {response.reason}")
        elif scorer.needs_reference and task.reference is None:
            found[place] = Score(None, reason=f"task {task.id} has no reference")
    answered = [place for place in range(len(responses)) if place not in found]
    found |= dict(zip(answered, _graded(scorer, task, [responses[place] for place in answered]), strict=True))
    return [found[place] for place in range(len(responses))]


def _graded(scorer: Scorer, task: Task, responses: Sequence[Response]) -> list[Score]:
    try:
        scores = list(scorer.score_all(task, responses))
        if len(scores) != len(responses):
            raise ValueError(f"{len(scores)} scores for {len(responses)} responses")
        if wrong := [type(found).__name__ for found in scores if not isinstance(found, Score)]:
            raise TypeError(f"a scorer returns Scores (got {wrong[0]})")
        return scores
    except Exception as error:
        # A batch fails together; one by one, a single answer that the scorer can't take harms nobody else.
        if len(responses) != 1:
            return [_graded(scorer, task, [response])[0] for response in responses]
        logger.error(
            "scorer %s failed on task %s, uid %d: %s: %s",
            type(scorer).__name__,
            task.id,
            responses[0].uid,
            type(error).__name__,
            error,
            exc_info=logger.isEnabledFor(logging.DEBUG),
        )
        return [Score(None, reason=f"{GRADER_FAILED}: {type(error).__name__}: {error}"[:500])]


def quality(subnet: Subnet, task: Task, response: Response) -> float | None:
    """Return the true quality of an answer: 0.0 for a miner's fault, None where it is unknown or the subnet fails."""
    if response.fault is Fault.LOST or task.reference is None:
        return None
    if response.answer is None:
        return 0.0
    try:
        found = subnet.quality(task, response.answer)
        return None if found is None else Score(found).value
    except Exception:
        logger.exception("subnet %s can't tell the quality of uid %d's answer to %s", subnet.key, response.uid, task.id)
        return None
