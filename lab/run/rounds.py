"""The conversion of rounds into entries of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cluster import AnsweredRound, RoundResult
from lab.record.entries import Grade, GradedAnswer, GradedRound, SharedGrades
from lab.record.graded_window import GradedWindow, WindowRound
from lab.record.record import RunRecord, blob_hash
from subnets import Fault, Response, Score
from validators import Grades, WindowGrades


def graded_round(
    result: RoundResult, shared: Mapping[int, Grades], *, session: int, max_answer_bytes: int
) -> GradedRound:
    """Return the record's entry for a round; longer answers are not stored.

    `shared` has the grades by the validators, by uid, that the answers were shared with.
    """
    return GradedRound(
        validator=result.validator,
        number=result.number,
        task_id=result.task.id,
        task_seed=result.task.seed,
        kind=result.task.kind,
        difficulty=result.task.difficulty,
        query_bytes=result.query_bytes,
        answers=tuple(
            _graded_answer(response, score, quality, max_answer_bytes)
            for response, score, quality in zip(result.responses, result.scores, result.qualities, strict=True)
        ),
        task_cost=result.task_cost,
        grading_cost=sum((grades.cost for grades in shared.values()), start=result.grading_cost),
        measuring_cost=sum((grades.measuring for grades in shared.values()), start=result.measuring_cost),
        shared=tuple(
            SharedGrades(validator=uid, grades=tuple(map(_grade, grades.scores)))
            for uid, grades in sorted(shared.items())
        ),
        session=session,
    )


def graded_window(
    grades: WindowGrades, rounds: Sequence[GradedRound], *, validator: int, epoch: int, session: int
) -> GradedWindow:
    """Return the record's entry for the grades of the last of `rounds`."""
    return GradedWindow(
        validator=validator,
        epoch=epoch,
        rounds=tuple(
            WindowRound(
                number=graded.number,
                grades=tuple(map(_grade, scores)),
            )
            for graded, scores in zip(rounds[-len(grades.scores) :], grades.scores, strict=True)
        ),
        grading_cost=grades.cost,
        session=session,
    )


def answered_rounds(record: RunRecord, rounds: Sequence[GradedRound]) -> list[AnsweredRound]:
    """Return rounds with their responses as they arrived."""
    return [AnsweredRound(graded.number, tuple(responses_of(record, graded))) for graded in rounds]


def stored_answers(result: RoundResult, graded: GradedRound) -> list[bytes]:
    """Return the bytes of the answers that a round's entry refers to."""
    hashes = {answer.blob for answer in graded.answers}
    return [response.body for response in result.responses if blob_hash(response.body) in hashes]


def _grade(score: Score) -> Grade:
    return Grade(score=score.value, parts=dict(score.parts), score_reason=score.reason)


def _graded_answer(response: Response, score: Score, quality: float | None, max_answer_bytes: int) -> GradedAnswer:
    is_stored = 0 < len(response.body) <= max_answer_bytes
    return GradedAnswer(
        uid=response.uid,
        blob=blob_hash(response.body) if is_stored else None,
        size=len(response.body),
        fault=response.fault,
        reason=response.reason,
        latency_s=response.latency_s,
        waited_s=response.waited_s,
        cost=response.cost,
        score=score.value,
        parts=dict(score.parts),
        score_reason=score.reason,
        quality=quality,
    )


def responses_of(record: RunRecord, graded: GradedRound) -> list[Response]:
    """Return the responses of a round as they arrived. A malformed one whose bytes were kept is to be read again.

    Raises:
        AuditError: an answer is gone or is not what was written.
    """
    bodies = record.blobs(answer.blob for answer in graded.answers if answer.blob is not None)
    return [_response_of(answer, b"" if answer.blob is None else bodies[answer.blob]) for answer in graded.answers]


def _response_of(answer: GradedAnswer, body: bytes) -> Response:
    again = answer.fault is Fault.MALFORMED and answer.blob is not None
    return Response(
        uid=answer.uid,
        fault=None if again else answer.fault,
        reason=answer.reason,
        body=body,
        latency_s=answer.latency_s,
        waited_s=answer.waited_s,
        cost=answer.cost,
    )
