"""Sample answers: the best, the median and the worst of a run, each with its task.

The tasks are recomputed from the validators' seeds, as an audit does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from lab.record.entries import GradedAnswer, GradedRound
from lab.record.record import RunRecord
from subnets import Answer, Subnet, Task

from .neurons import NeuronResults

logger = logging.getLogger(__name__)

RANKS = {"best": 1.0, "median": 0.5, "worst": 0.0}
"""Place of each rank among all graded answers, from the worst at 0 to the best at 1."""

CANDIDATE = np.dtype(
    [("score", "f8"), ("number", "i8"), ("validator", "i4"), ("uid", "i4"), ("round", "i4"), ("place", "i4")]
)
"""An answer that may be picked. A record may hold a million, so they are sorted as an array."""


@dataclass(frozen=True, slots=True)
class Pick:
    """An answer that was picked."""

    rank: str
    """A key of `RANKS`."""
    graded: GradedRound
    answer: GradedAnswer
    score: float

    @classmethod
    def of(cls, rank: str, rounds: Sequence[GradedRound], candidate: np.void) -> Pick:
        """Return the answer that an element of an array of type `CANDIDATE` stands for."""
        graded = rounds[candidate["round"]]
        return cls(rank, graded, graded.answers[candidate["place"]], float(candidate["score"]))

    @property
    def key(self) -> tuple[str, int]:
        """Identify the answer: its round and its miner."""
        return self.graded.key, self.answer.uid


@dataclass(frozen=True, slots=True)
class Drawing:
    """A subnet's picture of a task and its answer."""

    png: bytes | None = None
    """None if the subnet draws none, because text says it all, or if drawing failed."""
    note: str = ""
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An answer, ready to be shown."""

    rank: str
    miner: str
    validator: str
    kind: str
    difficulty: float | None
    score: float
    quality: float | None
    picture: bytes | None
    """PNG; None if there is none."""
    asked: str
    answered: str
    """Like `asked` written by others: escape it, and limit its length."""
    note: str
    """Why there is nothing to see."""


def pick(rounds: Sequence[GradedRound], each: int = 2) -> list[Pick]:
    """Pick answers of each rank, from different tasks and miners as far as there are any."""
    candidates = np.fromiter(
        (
            (answer.score, graded.number, graded.validator, answer.uid, row, place)
            for row, graded in enumerate(rounds)
            for place, answer in enumerate(graded.answers)
            if answer.score is not None and answer.fault is None and answer.blob is not None
        ),
        CANDIDATE,
    )
    ordered = candidates[np.lexsort([candidates[name] for name in ("uid", "validator", "number", "score")])]
    picks: list[Pick] = []
    for rank, share in RANKS.items():
        middle = share * (len(ordered) - 1)
        nearest = np.argsort(np.abs(np.arange(len(ordered)) - middle), kind="stable")
        for _ in range(min(each, len(ordered) // len(RANKS) or 1)):
            taken = {pick.key for pick in picks}
            candidates_of_rank = (Pick.of(rank, rounds, ordered[place]) for place in nearest)
            left = (candidate for candidate in candidates_of_rank if candidate.key not in taken)
            # A wider choice would reach into the other ranks.
            close = islice(left, max(1, len(ordered) // 12))
            if (picked := _least_repeated(close, picks)) is not None:
                picks.append(picked)
    return picks


def sample_answers(record: RunRecord, results: NeuronResults, each: int = 2) -> list[Sample]:
    """Recompute the tasks of picked answers and draw both.

    Raises:
        AuditError: an answer is missing from the record.
    """
    names = {neuron.uid: neuron.name for neuron in results.neurons}
    validators = results.config.build_validators()
    subnet = results.config.subnet
    samples = []
    for picked in pick(results.rounds, each):
        graded = picked.graded
        task = validators[graded.validator].task(subnet, graded.number)
        assert picked.answer.blob is not None  # others are not picked
        answer = subnet.read(record.blob(picked.answer.blob))
        if (task.id, task.seed) == (graded.task_id, graded.task_seed):
            drawing = _draw(subnet, task, answer)
        else:
            drawing = Drawing(note="The task can't be recomputed with the subnet that is installed.")
        samples.append(
            Sample(
                rank=picked.rank,
                miner=names[picked.answer.uid],
                validator=names[graded.validator],
                kind=graded.kind,
                difficulty=graded.difficulty,
                score=picked.score,
                quality=picked.answer.quality,
                picture=drawing.png,
                asked=task.prompt.text,
                answered=answer.text,
                note=drawing.note,
            )
        )
    return samples


def _least_repeated(candidates: Iterable[Pick], picks: Sequence[Pick]) -> Pick | None:
    """Return the first candidate that repeats the fewest tasks of `picks` and miners of its rank; None without any."""
    tasks = {pick.graded.key for pick in picks}
    uids = {(pick.rank, pick.answer.uid) for pick in picks}
    best, fewest = None, 3
    for candidate in candidates:
        repeats = (candidate.graded.key in tasks) + ((candidate.rank, candidate.answer.uid) in uids)
        if repeats < fewest:
            best, fewest = candidate, repeats
        if repeats == 0:
            break
    return best


def _draw(subnet: Subnet, task: Task, answer: Answer) -> Drawing:
    try:
        return Drawing(subnet.illustrate(task, answer))
    except Exception as error:  # a plug-in's drawing may fail in any way; the rest of the report stands
        logger.exception("subnet %s could not draw task %s", subnet.key, task.id)
        return Drawing(note=f"It could not be drawn: {type(error).__name__}: {error}")
