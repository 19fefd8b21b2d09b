"""Windows of rounds: recorded unscored, graded together, with no more truth than was drawn."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from subnets import Answer, Fault, PluginError, Response, Score, Seed, Subnet, Task, load_subnet
from validators import SCORERS, Round, Validator, WindowScorer, check_scorer, load_validator

SUBNET = load_subnet({"kind": "text_prompting", "mix": {"multiple_choice": 1.0}})


class Counting(WindowScorer):
    """Grades by how much of the window it has seen, and keeps what it was shown."""

    fails: str = ""

    def score_window(self, rounds: Sequence[Round], subnet: Subnet) -> list[list[Score]]:
        SHOWN[:] = rounds
        if self.fails == "raises":
            raise RuntimeError("out of luck")
        if self.fails == "short":
            return [[Score(1.0)] for _ in rounds]
        if self.fails == "numbers":
            return [[0.5 for _ in each.responses] for each in rounds]  # type: ignore[misc]
        return [[Score(place / len(rounds)) for _ in each.responses] for place, each in enumerate(rounds)]


SHOWN: list[Round] = []


def validator(**options: object) -> Validator:
    return Validator(scorer=Counting(**options), seed=5)  # type: ignore[arg-type]


def rounds(of: Validator, count: int) -> list[Round]:
    return [
        Round(number, of.task(SUBNET, number), tuple(Response(uid, body=b'{"text": "A"}') for uid in (3, 4)))
        for number in range(count)
    ]


def test_a_round_of_a_window_is_left_unscored_whatever_came_back() -> None:
    own = validator()
    responses = [Response(3, body=b'{"text": "A"}'), Response(4, fault=Fault.TIMEOUT), Response(5, body=b"{")]
    grades = own.grade(SUBNET, own.task(SUBNET, 0), responses)
    assert [score.value for score in grades.scores] == [None] * 3
    assert grades.scores[0].reason.startswith("graded at the end of its epoch")
    assert grades.responses[2].fault is Fault.MALFORMED and grades.qualities[0] is not None


def test_the_scorer_sees_the_truth_of_gold_alone_and_no_image() -> None:
    own = validator(gold=0.3)
    own.grade_window(SUBNET, rounds(own, 40), 40)
    gold = [each.number for each in SHOWN if each.task.reference is not None]
    assert gold == [n for n in range(40) if Seed(5).child("gold", n).rng().random() < 0.3] and 4 < len(gold) < 20
    pages = load_subnet({"kind": "ocr", "width": 300})
    own.grade_window(pages, [Round(0, own.task(pages, 0), ())], 1)
    assert SHOWN[0].task.prompt.image == b""


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (1.0, 20)])
def test_gold_can_be_none_or_all(share: float, count: int) -> None:
    own = validator(gold=share)
    own.grade_window(SUBNET, rounds(own, 20), 20)
    assert sum(each.task.reference is not None for each in SHOWN) == count


def test_a_window_is_shown_in_order_with_read_answers_and_only_its_end_is_returned() -> None:
    own = validator()
    shuffled = sorted(rounds(own, 10), key=lambda each: -each.number)
    grades = own.grade_window(SUBNET, shuffled, 3)
    assert [each.number for each in SHOWN] == list(range(10))
    assert SHOWN[0].responses[0].answer == Answer(text="A")
    assert [scores[0].value for scores in grades.scores] == [0.2, 0.1, 0.0], "those of the last rounds given"


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        ("raises", "grader failed: RuntimeError: out of luck"),
        ("short", "grader failed: ValueError: 1 scores for 2 responses"),
        ("numbers", "grader failed: TypeError: a scorer returns Scores (got float)"),
    ],
)
def test_a_failure_leaves_the_whole_window_unscored(fails: str, message: str) -> None:
    own = validator(fails=fails)
    grades = own.grade_window(SUBNET, rounds(own, 4), 4)
    assert [[score.value for score in scores] for scores in grades.scores] == [[None, None]] * 4
    assert grades.scores[0][0].reason == message


def test_an_inverter_inverts_a_window_too() -> None:
    own = load_validator({"kind": "inverter", "scorer": Counting()})
    grades = own.grade_window(SUBNET, rounds(own, 4), 4)
    assert [scores[0].value for scores in grades.scores] == [1.0, 0.75, 0.5, 0.25]


def test_a_validator_that_grades_each_round_has_no_window() -> None:
    own = Validator()
    assert own.window == 0 and validator(window=7).window == 7
    with pytest.raises(TypeError, match="has no window"):
        own.grade_window(SUBNET, rounds(own, 1), 1)


def test_a_scorer_of_windows_is_no_part_of_another_scorer() -> None:
    mixed = SCORERS.load({"kind": "weighted", "terms": [{"scorer": "exact"}, {"scorer": "jury"}]})
    with pytest.raises(PluginError, match="scorer 'jury' can't be a part of another scorer"):
        check_scorer(mixed, SUBNET)
    check_scorer(SCORERS.load("jury"), SUBNET)


def test_the_jury_takes_no_bit_from_the_truth_of_tasks_that_are_not_gold() -> None:
    own = Validator(scorer=SCORERS.load({"kind": "jury", "gold": 0.2}), seed=5)
    honest, forged = [], []
    for number in range(40):
        task = own.task(SUBNET, number)
        texts = ("A", "B", "A", SUBNET.gold(task).text)
        responses = tuple(Response(uid, body=Answer(text=text).body()) for uid, text in enumerate(texts))
        honest.append(Round(number, task, responses))
        gold = Seed(5).child("gold", number).rng().random() < 0.2
        forged.append(Round(number, task if gold else _with_other_truth(task), responses))
    assert own.grade_window(SUBNET, honest, 40).scores == own.grade_window(SUBNET, forged, 40).scores
    changed = [replace(each, task=_with_other_truth(each.task)) for each in honest]
    assert own.grade_window(SUBNET, changed, 40).scores != own.grade_window(SUBNET, honest, 40).scores


def _with_other_truth(task: Task) -> Task:
    options = len(task.reference.options)
    return replace(task, reference=replace(task.reference, right=(task.reference.right + 1) % options))
