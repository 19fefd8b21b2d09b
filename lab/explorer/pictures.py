"""Pictures of tasks: the page with its true boxes, and with those that a miner answered."""

from __future__ import annotations

import logging

from lab.explorer.index import RunIndex
from lab.record.record import RunRecord
from subnets import SubnetlabError

from .views.task import graded_round

logger = logging.getLogger(__name__)


def answer_picture(index: RunIndex, record: RunRecord, validator: int, number: int, uid: int | None) -> bytes | None:
    """Return a picture as PNG, with the true answer where `uid` is None; None if there is nothing to draw.

    Raises:
        RecordError: there is no such round, or the record is damaged.
    """
    graded = graded_round(record, validator, number)
    made, _ = index.task(graded)
    blob = next((answer.blob for answer in graded.answers if answer.uid == uid), None)
    if made is None or (uid is not None and blob is None):
        return None
    subnet = index.config.subnet
    try:
        answer = None if blob is None else subnet.read(record.blob(blob))
        return subnet.illustrate(made, answer)
    except SubnetlabError:
        raise
    except Exception:  # a plug-in's drawing may fail in any way
        logger.info("task %s can't be drawn", graded.task_id, exc_info=True)
        return None
