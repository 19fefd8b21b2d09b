"""A validator: sets tasks, grades answers, submits weights.

Everything it does in a round is a function of its options, its seed and the round's number, so a dead
validator can be replaced, and an audit can repeat its work. Its memory is a `Ledger` that the run
keeps. Dishonest validators override `grade` or `weights`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from subnets import Caller, Cost, Fault, MalformedAnswer, Meter, Plugin, Query, Response, Score, Scorer, Seed, Task
from subnets.subnet import Subnet

from .ledger import Ledger, LedgerKind, ScoreLedger
from .registry import LEDGERS, SAMPLERS, SCORERS
from .sampling import All, Sampler
from .weights import WEIGHT_RULES, Proportional, WeightRule
from .window import GRADER_FAILED, LATER, Round, WindowGrades, WindowScorer, grade_window

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The task of one round and the miners that are asked."""

    number: int
    """Number of the round, from 0."""
    task: Task
    query: Query
    uids: tuple[int, ...]
    cost: Cost = field(default_factory=Cost)
    """Cost of making the task."""


@dataclass(frozen=True, slots=True)
class Grades:
    """Scores of one round, aligned with its responses."""

    scores: tuple[Score, ...]
    qualities: tuple[float | None, ...]
    """True quality of each answer; only the laboratory knows it, and no validator acts on it."""
    responses: tuple[Response, ...]
    """The responses as received, with malformed ones marked."""
    cost: Cost = field(default_factory=Cost)
    """Cost of reading and scoring."""
    measuring: Cost = field(default_factory=Cost)
    """Cost of measuring the true qualities, borne by the laboratory and not by the subnet."""


@dataclass(frozen=True, slots=True)
class PublicView:
    """What anyone can read from the chain when weights are due."""

    hotkeys: Mapping[int, str]
    """Hotkeys of miners and validators by uid."""
    consensus: Mapping[int, float]
    """Consensus of the last epoch by uid; empty before the first."""
    epoch: int = 0
    """Number of the epoch, from 0."""
    stakes: Mapping[int, float] = field(default_factory=dict)
    """Stake in tokens by uid."""
    submitted: Mapping[int, Mapping[int, float]] = field(default_factory=dict)
    """Weights that other validators have submitted in this epoch, for one that is `late`; empty for all others."""


class Validator(Plugin):
    """An honest validator."""

    honest: ClassVar[bool] = True
    asks: ClassVar[bool] = True
    """False for a validator that sets weights without asking any miner."""
    late: ClassVar[bool] = False
    """True for a validator that submits its weights after the others and has seen theirs."""
    description: ClassVar[str] = "asks miners, grades their answers and submits the weights"

    sampler: Annotated[Sampler, *SAMPLERS.field()] = All()
    """Which miners are asked in each round."""
    scorer: Annotated[Scorer | None, *SCORERS.optional_field()] = None
    """Grader of the answers (default: the subnet's own)."""
    weight_rule: Annotated[WeightRule, *WEIGHT_RULES.field()] = Proportional()
    """How scores become weights."""
    alpha: float = Field(0.1, gt=0.0, le=1.0)
    """Share of the newest score in the moving average."""
    ledger: Annotated[LedgerKind | None, *LEDGERS.optional_field()] = None
    """Memory of the scores (default: a moving average with `alpha`)."""
    share_answers: bool = False
    """Whether it shares the answers to its queries with the other validators that do, each of which grades them for
    itself."""
    timeout_s: float = Field(60.0, gt=0.0)
    """Time limit for one answer."""
    seed: int = Field(0, ge=0)
    """Seed of its tasks and samples, set by the run. Miners never see it."""

    @model_validator(mode="after")
    def _check_sharing(self) -> Self:
        if self.share_answers and self.window:
            raise ValueError(
                ".share_answers: true, and a scorer that grades windows grades the validator's own rounds alone; leave "
                "it out, or name another scorer"
            )
        return self

    def new_ledger(self) -> Ledger:
        """Return an empty ledger."""
        return ScoreLedger(self.alpha) if self.ledger is None else self.ledger.open()

    def task(self, subnet: Subnet, number: int) -> Task:
        """Make the task of a round."""
        seed = Seed(self.seed).child("task", number)
        task = subnet.task(seed.integer())
        return replace(task, id=f"{seed.child('id').integer():016x}")

    def candidates(self, number: int, stakes: Mapping[int, float], ledger: Ledger) -> dict[int, float]:
        """Return the stakes of those miners that the sampler may choose from in a round, given what the ledger knows.

        The coins come from the validator's seed, so no miner can foresee them and an audit can toss them again.
        """
        rng = Seed(self.seed).child("ask", number).rng()
        return {uid: stakes[uid] for uid in self.sampler.candidates(ledger.chances(stakes), rng)}

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
        """Read and score the responses of a round, in order. No response can make this raise."""
        with Meter() as grading:
            received = receive_all(subnet, responses)
            scores = score(self.scorer or subnet.scorer(), task, received)
        with Meter() as measuring:
            qualities = tuple(all_qualities(subnet, task, received))
        return Grades(tuple(scores), qualities, tuple(received), grading.cost, measuring.cost)

    @property
    def window(self) -> int:
        """Rounds that are graded together at the end of an epoch; 0 if each is graded by itself."""
        return self.scorer.window if isinstance(self.scorer, WindowScorer) else 0

    def grade_window(self, subnet: Subnet, rounds: Sequence[Round], last: int) -> WindowGrades:
        """Grade the last `last` rounds of a window, in ascending order of numbers, from responses as they arrived.

        Raises:
            TypeError: the validator grades each round by itself.
        """
        if not isinstance(self.scorer, WindowScorer):
            raise TypeError(f"a validator whose scorer is {type(self.scorer).__name__} has no window to grade")
        with Meter() as meter:
            received = [replace(each, responses=tuple(receive_all(subnet, each.responses))) for each in rounds]
            scores = grade_window(self.scorer, received, subnet, self.seed)[-last:]
        return WindowGrades(tuple(map(tuple, scores)), meter.cost)

    def scores_from(self) -> int | None:
        """Return the uid of the validator whose scores this one weighs; None for its own."""
        return None

    def weights(self, ledger: Ledger, view: PublicView) -> dict[int, float]:
        """Return the weights to submit, by uid; empty to submit none."""
        return ledger.weights(self.weight_rule)


def receive_all(subnet: Subnet, responses: Sequence[Response]) -> list[Response]:
    """Read the responses of a round, each body once; equal bodies become one answer."""
    read: dict[bytes, Response] = {}
    received = []
    for response in responses:
        if response.fault is not None:
            received.append(response)
            continue
        known = read.get(response.body)
        if known is None:
            known = read[response.body] = receive(subnet, response)
            received.append(known)
        else:
            received.append(replace(response, answer=known.answer, fault=known.fault, reason=known.reason))
    return received


def receive(subnet: Subnet, response: Response) -> Response:
    """Read a response's body by the subnet's schema; an invalid one becomes a named fault."""
    if response.fault is not None:
        return response
    try:
        return replace(response, answer=subnet.read(response.body))
    except MalformedAnswer as error:
        return replace(response, fault=Fault.MALFORMED, reason=str(error))
    except Exception as error:  # a body that crashes the subnet's own reader is malformed, too
        logger.exception("subnet %s can't read the answer of uid %d", subnet.key, response.uid)
        return replace(response, fault=Fault.MALFORMED, reason=f"can't be read: {type(error).__name__}")


def score(scorer: Scorer, task: Task, responses: Sequence[Response]) -> list[Score]:
    """Score responses in order: faults by rule, answers by the scorer; a scorer that fails leaves them unscored.

    A scorer of windows leaves all of them unscored until `Validator.grade_window`.
    """
    if isinstance(scorer, WindowScorer):
        return [Score(None, reason=LATER)] * len(responses)
    scores: dict[int, Score] = {}
    for place, response in enumerate(responses):
        if response.fault is Fault.LOST:
            scores[place] = Score(None, reason=response.reason)
        elif response.answer is None:
            scores[place] = Score(0.0, reason=f"{response.fault}: {response.reason}")
        elif scorer.needs_reference and task.reference is None:
            scores[place] = Score(None, reason=f"task {task.id} has no reference")
    answers = [place for place in range(len(responses)) if place not in scores]
    scores |= dict(zip(answers, _graded(scorer, task, [responses[place] for place in answers]), strict=True))
    return [scores[place] for place in range(len(responses))]


def _graded(scorer: Scorer, task: Task, responses: Sequence[Response]) -> list[Score]:
    try:
        return _graded_together(scorer, task, responses)
    except Exception as error:
        if len(responses) == 1:
            return [_failed(scorer, task, responses, error)]
        # One answer can fail a whole batch: find it, so that it harms nobody else.
        alone = [_graded(scorer, task, [response])[0] for response in responses]
        return _graded_without_breakers(scorer, task, responses, alone, error) if compares(scorer) else alone


def _graded_without_breakers(
    scorer: Scorer, task: Task, responses: Sequence[Response], alone: Sequence[Score], error: Exception
) -> list[Score]:
    """Grade a round by a scorer that compares answers, without the answers that fail by themselves.

    A grade that an answer got by itself is not one in comparison: a copy would look like an original.
    """
    broken = {place for place, score in enumerate(alone) if score.reason.startswith(GRADER_FAILED)}
    kept = [place for place in range(len(responses)) if place not in broken]
    if not broken:
        return [_failed(scorer, task, responses, error)] * len(responses)
    try:
        scores = dict(zip(kept, _graded_together(scorer, task, [responses[place] for place in kept]), strict=True))
    except Exception as again:
        return [_failed(scorer, task, responses, again)] * len(responses)
    return [scores.get(place, alone[place]) for place in range(len(responses))]


def _graded_together(scorer: Scorer, task: Task, responses: Sequence[Response]) -> list[Score]:
    scores = list(scorer.score_all(task, responses))
    if len(scores) != len(responses):
        raise ValueError(f"{len(scores)} scores for {len(responses)} responses")
    if wrong := [type(item).__name__ for item in scores if not isinstance(item, Score)]:
        raise TypeError(f"a scorer returns Scores (got {wrong[0]})")
    return scores


def _failed(scorer: Scorer, task: Task, responses: Sequence[Response], error: Exception) -> Score:
    """Return the missing score of answers that a scorer failed on, and log why."""
    logger.error(
        "scorer %s failed on task %s, uid %s: %s: %s",
        type(scorer).__name__,
        task.id,
        ", ".join(str(response.uid) for response in responses),
        type(error).__name__,
        error,
        exc_info=logger.isEnabledFor(logging.DEBUG),
    )
    return Score(None, reason=f"{GRADER_FAILED}: {type(error).__name__}: {error}"[:500])


def compares(scorer: Scorer) -> bool:
    """Return whether a scorer, or a part of it, grades answers in comparison with the round's others."""
    return scorer.compares or any(map(compares, scorer.parts))


def all_qualities(subnet: Subnet, task: Task, responses: Sequence[Response]) -> list[float | None]:
    """Return the true quality of each answer that `receive_all` has read; equal answers are judged once."""
    known: dict[int, float | None] = {}
    qualities = []
    for response in responses:
        if response.answer is None:
            qualities.append(quality(subnet, task, response))
            continue
        if id(response.answer) not in known:
            known[id(response.answer)] = quality(subnet, task, response)
        qualities.append(known[id(response.answer)])
    return qualities


def quality(subnet: Subnet, task: Task, response: Response) -> float | None:
    """Return the true quality of an answer: 0.0 for a miner's fault, None if it is unknown or the subnet fails."""
    if response.fault is Fault.LOST or task.reference is None:
        return None
    if response.answer is None:
        return 0.0
    try:
        value = subnet.quality(task, response.answer)
        return None if value is None else Score(value).value
    except Exception:
        logger.exception("subnet %s failed to judge uid %d's answer to %s", subnet.key, response.uid, task.id)
        return None
