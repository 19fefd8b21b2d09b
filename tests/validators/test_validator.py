import pickle
import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from subnets import Answer, Caller, Fault, Message, Prompt, Response, Score, Scorer, Subnet, Task
from validators import Proportional, PublicView, ScoreLedger, Validator, load_validator, score
from validators.scorers.duplicates import NearDuplicates
from validators.scorers.weighted import Weighted


class Length(Scorer):
    """Grades by length; fails on the word it can't stand."""

    needs_reference: ClassVar[bool] = False

    def score(self, task: Task, response: Response) -> Score:
        assert response.answer is not None
        if response.answer.text == "poison":
            raise RuntimeError("can't stand it")
        return Score(min(1.0, len(response.answer.text) / 10))


class Sums(Subnet):
    """Adds two numbers."""

    name: ClassVar[str] = "sums"

    def task(self, seed: int) -> Task:
        a, b = seed % 100, seed // 100 % 100
        return Task("", "sums", seed, Prompt((Message("user", f"{a}+{b}"),)), reference=str(a + b))

    def gold(self, task: Task) -> Answer:
        return Answer(text=task.reference)

    def scorer(self) -> Scorer:
        return Length()

    def quality(self, task: Task, answer: Answer) -> float:
        return float(answer.text == task.reference)


TASK = Task("t", reference="42")


def answered(uid: int, text: str) -> Response:
    return Response(uid=uid, answer=Answer(text=text))


def test_a_round_is_the_same_when_it_is_repeated() -> None:
    validator = Validator(seed=5)
    stakes = {1: 0.0, 2: 0.0}
    first = validator.prepare(Sums(), 3, stakes, Caller("me"))
    again = pickle.loads(pickle.dumps(validator)).prepare(Sums(), 3, stakes, Caller("me"))
    assert (first.task, first.query, first.uids) == (again.task, again.query, again.uids)
    other = validator.prepare(Sums(), 4, stakes, Caller("me"))
    assert other.task.seed != first.task.seed and other.query.id != first.query.id
    assert Validator(seed=6).prepare(Sums(), 3, stakes, Caller("me")).task.seed != first.task.seed


def test_scores_keep_the_order_of_responses_and_name_each_fault() -> None:
    responses = [
        answered(4, "12345"),
        Response(uid=5, fault=Fault.TIMEOUT, reason="no answer within 12.0 s"),
        Response(uid=6, fault=Fault.LOST, reason="its host died"),
        answered(7, "0123456789"),
    ]
    scores = score(Length(), TASK, responses)
    assert [graded.value for graded in scores] == [0.5, 0.0, None, 1.0]
    assert scores[1].reason == "timeout: no answer within 12.0 s"
    assert scores[2].reason == "its host died"


def test_equal_answers_of_a_round_are_read_graded_and_judged_once() -> None:
    calls: list[str] = []

    class Counted(Length):
        @property
        def by_answer(self) -> bool:
            return True

        def score(self, task: Task, response: Response) -> Score:
            calls.append("score")
            return super().score(task, response)

    class Counting(Sums):
        def read(self, body: bytes) -> Answer:
            calls.append("read")
            return super().read(body)

        def scorer(self) -> Scorer:
            return Counted()

        def quality(self, task: Task, answer: Answer) -> float:
            calls.append("quality")
            return super().quality(task, answer)

    bodies = [b'{"text":"42"}', b"no JSON", b'{"text":"42"}', b'{"text":"4"}', b"no JSON", b'{"text":"42"}']
    responses = [Response(uid, body=body, latency_s=float(uid)) for uid, body in enumerate(bodies)]
    responses.append(Response(6, fault=Fault.LOST, reason="its host died"))
    grades = Validator().grade(Counting(), TASK, responses)
    assert sorted(calls) == ["quality"] * 2 + ["read"] * 3 + ["score"] * 2
    alone = [Validator().grade(Sums(), TASK, [response]) for response in responses]
    assert grades.scores == tuple(each.scores[0] for each in alone)
    assert grades.qualities == tuple(each.qualities[0] for each in alone)
    assert grades.responses == tuple(each.responses[0] for each in alone)


def test_a_grader_that_looks_at_more_than_the_answer_grades_each() -> None:
    class Punctual(Length):
        def score(self, task: Task, response: Response) -> Score:
            return Score(1.0 / (1.0 + response.latency_s))

    answer = Answer(text="42")
    responses = [Response(uid, answer=answer, latency_s=float(uid)) for uid in range(2)]
    assert [graded.value for graded in score(Punctual(), TASK, responses)] == [1.0, 0.5]


def test_an_answer_that_breaks_the_grader_is_unscored_and_touches_no_other(caplog: pytest.LogCaptureFixture) -> None:
    scores = score(Length(), TASK, [answered(1, "0123456789"), answered(2, "poison"), answered(3, "12345")])
    assert [graded.value for graded in scores] == [1.0, None, 0.5]
    assert "RuntimeError: can't stand it" in scores[1].reason
    assert "uid 2" in caplog.text
    assert not any(record.exc_info for record in caplog.records), "one line, no traceback"


ESSAY = "the river rises in the hills above the town and turns to the west before it meets the sea"


class Copies(NearDuplicates):
    """Near-duplicates that can't stand some answers."""

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        if any(response.answer is not None and response.answer.text == "poison" for response in responses):
            raise RuntimeError("can't stand it")
        return super().score_all(task, responses)


class Crowded(NearDuplicates):
    """Near-duplicates that fail on more than one answer."""

    def score_all(self, task: Task, responses: Sequence[Response]) -> list[Score]:
        if len(responses) > 1:
            raise RuntimeError("out of memory")
        return super().score_all(task, responses)


@pytest.mark.parametrize("weighted", [False, True])
def test_an_answer_that_breaks_a_comparison_does_not_hide_copies(weighted: bool) -> None:
    """Graded one by one, a copy would earn as much as an original."""
    scorer: Scorer = Copies()
    if weighted:
        scorer = Weighted(terms=({"scorer": Length()},), factors=({"scorer": Copies()},))  # type: ignore[arg-type]
    scores = score(scorer, TASK, [answered(1, ESSAY), answered(2, "poison"), answered(3, ESSAY)])
    full = 1.0 if not weighted else Length().score(TASK, answered(1, ESSAY)).value
    assert full is not None
    assert [graded.value for graded in scores] == [pytest.approx(full / 2), None, pytest.approx(full / 2)]
    assert "can't stand it" in scores[1].reason


def test_a_comparison_that_fails_on_no_answer_in_particular_leaves_the_round_unscored() -> None:
    scores = score(Crowded(), TASK, [answered(1, ESSAY), answered(2, ESSAY)])
    assert [graded.value for graded in scores] == [None, None]
    assert all(graded.reason == "grader failed: RuntimeError: out of memory" for graded in scores)
    assert score(Crowded(), TASK, [answered(1, ESSAY)])[0].value == 1.0


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (0.5, "a scorer returns Scores (got float)"),
        (None, "a scorer returns Scores (got NoneType)"),
        (lambda: Score("0.5"), "score must be a number (got str)"),  # type: ignore[arg-type]
        (lambda: Score(True), "score must be a number (got bool)"),
        (lambda: Score(float("nan")), "score nan is outside [0, 1]"),
        (lambda: Score(0.5, {"rouge": float("inf")}), "part 'rouge' of a score is inf"),
        (lambda: Score(0.5, {"rouge": "high"}), "part 'rouge' of a score must be a number"),  # type: ignore[dict-item]
        (lambda: Score(0.5, {3: 0.5}), "part 3 of a score"),  # type: ignore[dict-item]
        (lambda: Score(0.5, reason=7), "reason of a score must be text"),  # type: ignore[arg-type]
    ],
)
def test_an_invalid_score_is_unscored_with_the_reason(returned: object, message: str) -> None:
    class Careless(Length):
        """Returns what it is told to."""

        def score(self, task: Task, response: Response) -> Score:
            return returned() if callable(returned) else returned  # type: ignore[return-value]

    graded = score(Careless(), TASK, [answered(0, "a"), answered(1, "b")])
    assert [item.value for item in graded] == [None, None]
    assert message in graded[0].reason and graded[0].reason.startswith("grader failed: ")


def test_a_score_of_another_number_type_becomes_a_plain_float() -> None:
    graded = Score(np.float32(0.5), {"f1": np.float64(0.25), "words": 3})  # type: ignore[arg-type]
    assert (graded.value, graded.parts) == (0.5, {"f1": 0.25, "words": 3.0})
    assert {type(graded.value), *map(type, graded.parts.values())} == {float}


@pytest.mark.parametrize("found", [KeyError("sections"), float("nan"), float("inf"), 1.5, -0.1, "good", True])
def test_a_subnet_that_fails_to_tell_the_quality_leaves_it_unknown(
    found: object, caplog: pytest.LogCaptureFixture
) -> None:
    class Unsure(Sums):
        """Can't tell how good an answer is."""

        def quality(self, task: Task, answer: Answer) -> float:
            if isinstance(found, Exception):
                raise found
            return found  # type: ignore[return-value]

    grades = Validator().grade(Unsure(), TASK, [Response(uid=8, body=b'{"text": "0123456789"}')])
    assert (grades.qualities, grades.scores[0].value) == ((None,), 1.0)
    assert "uid 8" in caplog.text


def test_a_body_that_crashes_the_subnets_reader_is_malformed() -> None:
    class Stumbling(Sums):
        """Reads carelessly."""

        def read(self, body: bytes) -> Answer:
            return Answer(text={"a": "b"}[body.decode()])

    grades = Validator().grade(Stumbling(), TASK, [Response(uid=8, body=b"x"), Response(uid=9, body=b"a")])
    assert grades.responses[0].fault is Fault.MALFORMED and grades.responses[1].fault is None
    assert grades.scores[0] == Score(0.0, reason="malformed: can't be read: KeyError")


def test_a_task_without_a_reference_is_unscored_not_zero() -> None:
    class Strict(Length):
        """Needs the truth."""

        needs_reference: ClassVar[bool] = True

    graded = score(Strict(), Task("7"), [answered(0, "anything")])
    assert graded[0].value is None and "no reference" in graded[0].reason


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Invalid JSON"),
        (b"[1, 2]", "valid dictionary|object"),
        (b'{"text": 5}', "text: .*string"),
        (b'{"text": "a", "reward": 1}', "reward: Extra inputs"),
        (b'{"output_tokens": NaN}', "output_tokens|JSON"),
        (b'{"text": "\xff"}', "JSON"),
        (b"[" * 100_000, "JSON|recursion"),
        (b'{"text": "' + b"x" * 2_000_000 + b'"}', "2,000,012 bytes; at most 1,000,000"),
    ],
)
def test_a_malformed_body_is_zero_with_the_fault_named(body: bytes, message: str) -> None:
    grades = Validator().grade(Sums(), TASK, [Response(uid=9, body=body)])
    assert grades.responses[0].fault is Fault.MALFORMED
    assert grades.scores[0].value == 0.0
    assert grades.qualities == (0.0,)
    assert re.search(message, grades.responses[0].reason), grades.responses[0].reason


def test_grading_reports_true_quality_apart_from_the_score() -> None:
    validator = Validator(seed=1)
    task = validator.task(Sums(), 0)
    bodies = [Sums().gold(task).body(), Answer(text="much too long to be right").body()]
    grades = validator.grade(Sums(), task, [Response(uid=uid, body=body) for uid, body in enumerate(bodies)])
    assert grades.qualities == (1.0, 0.0)
    assert grades.scores[1].value == 1.0
    assert grades.cost.cpu_s > 0.0


VIEW = PublicView({0: "v", 1: "x", 2: "y"}, {1: 0.25, 2: 0.5})


def ledger() -> ScoreLedger:
    ledger = ScoreLedger(1.0)
    ledger.observe({1: Score(0.75), 2: Score(0.25)}, {0: "v", 1: "x", 2: "y"})
    return ledger


def test_a_weight_copier_submits_the_last_consensus() -> None:
    assert load_validator("weight_copier").weights(ScoreLedger(), VIEW) == {
        1: pytest.approx(1 / 3),
        2: pytest.approx(2 / 3),
    }
    assert load_validator("weight_copier").weights(ScoreLedger(), PublicView({}, {})) == {}


def test_a_favourite_keeps_the_reserved_share_for_its_own() -> None:
    validator = load_validator({"kind": "favourite", "uids": [2], "share": 0.6})
    assert validator.weights(ledger(), VIEW) == {1: pytest.approx(0.3), 2: pytest.approx(0.7)}
    assert load_validator({"kind": "favourite", "uids": [99]}).weights(ledger(), VIEW) == ledger().weights(
        Proportional()
    )


def test_an_inverter_turns_grades_upside_down_and_leaves_the_unscored() -> None:
    responses = [Response(uid=1, body=b'{"text": "0123456789"}'), Response(uid=2, fault=Fault.LOST, reason="gone")]
    grades = load_validator("inverter").grade(Sums(), TASK, responses)
    assert [graded.value for graded in grades.scores] == [0.0, None]
