"""Samples: a few answers of a run, the best, the middling and the worst, with the task in front of them.

The tasks are made again from the validators' seeds, as an audit does.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from lab.record.entries import GradedAnswer, GradedRound
from lab.record.record import RunRecord
from subnets import Answer, Subnet, Task

from .neurons import NeuronResults

logger = logging.getLogger(__name__)

RANKS = {"best": 1.0, "median": 0.5, "worst": 0.0}
"""Where they stand among all graded answers."""

MOST_BYTES = 40_000
"""Of one picture."""

SIZES = ((640, 70), (640, 50), (560, 45), (480, 40), (400, 35), (320, 30), (160, 30))
"""Width in pixels and WebP quality, tried in this order until a picture is small enough."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One answer that was picked."""

    rank: str
    """A key of `RANKS`."""
    graded: GradedRound
    answer: GradedAnswer


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer, ready to be shown."""

    rank: str
    miner: str
    validator: str
    kind: str
    difficulty: float | None
    score: float
    quality: float | None
    picture: str
    """A data URL; empty where there is none."""
    asked: str
    answered: str
    """Both written by others: escape and cut them."""
    note: str
    """Why there is nothing to see."""


def pick(rounds: Sequence[GradedRound], each: int = 2) -> list[Pick]:
    """Pick answers of each rank, of different tasks and miners as far as there are any."""
    graded = [
        (answer.score, one, answer)
        for one in rounds
        for answer in one.answers
        if answer.score is not None and answer.fault is None and answer.blob is not None
    ]
    ordered = sorted(graded, key=lambda item: (item[0], item[1].number, item[1].validator, item[2].uid))
    picked: list[Pick] = []
    for rank, share in RANKS.items():
        middle = share * (len(ordered) - 1)
        near = [item for _, item in sorted(enumerate(ordered), key=lambda place: abs(place[0] - middle))]
        for _ in range(min(each, len(ordered) // len(RANKS) or 1)):
            tasks, uids = {one.graded.key for one in picked}, {one.answer.uid for one in picked if one.rank == rank}
            taken = {(one.graded.key, one.answer.uid) for one in picked}
            left = [item for item in near if (item[1].key, item[2].uid) not in taken]
            if not left:
                break
            # Among the nearest of its rank only: a wider choice would not be of that rank any more.
            close = left[: max(1, len(ordered) // 12)]
            _, one, answer = min(close, key=lambda item: (item[1].key in tasks) + (item[2].uid in uids))
            picked.append(Pick(rank, one, answer))
    return picked


def samples(record: RunRecord, standings: NeuronResults, each: int = 2) -> list[Sample]:
    """Make the tasks of picked answers again and draw them.

    Raises:
        AuditError: an answer is not in the record any more.
    """
    names = {neuron.uid: neuron.name for neuron in standings.neurons}
    validators = standings.config.build_validators()
    subnet = standings.config.subnet
    found = []
    for one in pick(standings.rounds, each):
        task = validators[one.graded.validator].task(subnet, one.graded.number)
        assert one.answer.blob is not None and one.answer.score is not None  # only such are picked
        answer = subnet.read(record.blob(one.answer.blob))
        picture, note = "", ""
        if (task.id, task.seed) != (one.graded.task_id, one.graded.task_seed):
            note = "The task can't be made again with the subnet that is installed."
        else:
            picture, note = _picture(subnet, task, answer)
        found.append(
            Sample(
                rank=one.rank,
                miner=names[one.answer.uid],
                validator=names[one.graded.validator],
                kind=one.graded.kind,
                difficulty=one.graded.difficulty,
                score=one.answer.score,
                quality=one.answer.quality,
                picture=picture,
                asked=task.prompt.text,
                answered=answer.text,
                note=note,
            )
        )
    return found


def _picture(subnet: Subnet, task: Task, answer: Answer) -> tuple[str, str]:
    """Return a picture as a data URL, or why there is none; neither where text says it all."""
    try:
        png = subnet.illustrate(task, answer)
    except Exception as error:  # a plug-in's drawing may fail in any way; the rest of the report stands
        logger.exception("subnet %s could not draw task %s", subnet.key, task.id)
        return "", f"It could not be drawn: {type(error).__name__}: {error}"
    return ("", "") if png is None else (f"data:image/webp;base64,{base64.b64encode(thumbnail(png)).decode()}", "")


def thumbnail(png: bytes) -> bytes:
    """Make a picture small enough to be kept in a page: a WebP of at most `MOST_BYTES` where that can be had."""
    from PIL import Image

    with Image.open(BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    data = b""
    for width, quality in SIZES:
        size = (min(width, picture.width), max(1, round(picture.height * min(1.0, width / picture.width))))
        small = BytesIO()
        picture.resize(size, Image.Resampling.LANCZOS).save(small, "WEBP", quality=quality)
        data = small.getvalue()
        if len(data) <= MOST_BYTES:
            break
    return data
