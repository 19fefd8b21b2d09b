"""The scorer `jury`: what it makes of rounds of answers to questions and pages."""

import numpy as np
import pytest

from subnets import Answer, Fault, Response, Score, Seed, Subnet, Task, load_subnet
from subnets.ocr import OCRAnswer, Section
from validators import Round, Validator
from validators.scorers.jury import Jury

CHOICES = load_subnet({"kind": "text_prompting", "mix": {"multiple_choice": 1.0}})
WORDS = "one two three four five six seven eight nine ten".split()


def answered(subnet: Subnet, task: Task, accuracy: float, seed: int) -> Answer:
    """Answer rightly with a known probability, else like the right answer to another task of the same number."""
    gold = subnet.gold(task)
    rng = Seed(seed).child(task.seed).rng()
    wrong = [letter for letter in "ABCD" if letter != gold.text]
    return gold if rng.random() < accuracy else Answer(text=wrong[int(rng.integers(3))])


def window(count: int, accuracies: tuple[float, ...], own: Validator) -> list[Round]:
    rounds = []
    for number in range(count):
        task = own.task(CHOICES, number)
        answers = [answered(CHOICES, task, accuracy, seed) for seed, accuracy in enumerate(accuracies)]
        rounds.append(Round(number, task, tuple(Response(uid, body=a.body()) for uid, a in enumerate(answers, 1))))
    return rounds


def means(scores: tuple[tuple[Score, ...], ...]) -> list[float]:
    return np.mean([[score.value for score in each] for each in scores], axis=0).tolist()  # type: ignore[misc]


def graded(rounds: list[Round], own: Validator, subnet: Subnet = CHOICES) -> tuple[tuple[Score, ...], ...]:
    return own.grade_window(subnet, rounds, len(rounds)).scores


def test_miners_are_ranked_without_a_validator_that_knows_more() -> None:
    own = Validator(scorer=Jury(), seed=1)
    scores = graded(window(100, (0.5, 0.6, 0.75, 0.9), own), own)
    assert means(scores) == sorted(means(scores))
    assert means(scores) == pytest.approx([0.5, 0.6, 0.75, 0.9], abs=0.12)
    gold = [bool(each[0].parts) for each in scores]
    assert 4 <= sum(gold) <= 20 and all(score.value in (0.0, 1.0) for score in scores[gold.index(True)])


def test_a_bloc_that_shares_a_wrong_key_earns_nothing_and_can_be_made_to_share() -> None:
    own = Validator(scorer=Jury(), seed=1)
    rounds = window(100, (0.6, 0.7, 0.8), own)
    rng = np.random.default_rng(0)
    with_bloc = []
    for each in rounds:
        wrong = [letter for letter in "ABCD" if letter != CHOICES.gold(each.task).text]
        key = Response(0, body=Answer(text=wrong[int(rng.integers(3))]).body())
        bloc = tuple(Response(uid, body=key.body) for uid in range(4, 8))
        with_bloc.append(Round(each.number, each.task, each.responses + bloc))
    assert max(means(graded(with_bloc, own))[3:]) < 0.2
    twice = [Round(e.number, e.task, (*e.responses, Response(8, body=e.responses[2].body))) for e in rounds]
    plain = means(graded(twice, own))
    shared = means(graded(twice, Validator(scorer=Jury(share_copies=True), seed=1)))
    assert plain[2] == plain[3] and shared[2] == pytest.approx(plain[2] / 2) and shared[0] == pytest.approx(plain[0])


def test_a_fault_is_worth_nothing_and_a_lost_response_is_unscored() -> None:
    own = Validator(scorer=Jury(gold=0.0), seed=1)
    rounds = window(10, (0.9, 0.9, 0.9), own)
    first = rounds[0]
    faults = (Response(2, fault=Fault.TIMEOUT, reason="late"), Response(3, fault=Fault.LOST, reason="host died"))
    rounds[0] = Round(0, first.task, (first.responses[0], *faults))
    scores = graded(rounds, own)[0]
    assert scores[0].value is not None and scores[0].value > 0.0
    assert scores[1] == Score(0.0, reason="timeout: late") and scores[2] == Score(None, reason="host died")


def test_answers_that_can_not_be_compared_are_unscored_with_the_reason() -> None:
    subnet = load_subnet({"kind": "text_prompting", "mix": {"summary": 1.0}})
    own = Validator(scorer=Jury(gold=1.0), seed=1)
    task = own.task(subnet, 0)
    body = subnet.gold(task).body()
    scores = graded([Round(0, task, (Response(1, body=body), Response(2, body=body)))], own, subnet)
    assert [score.value for score in scores[0]] == [None, None]
    assert scores[0][0].reason.endswith("can't be compared with each other")


def test_an_answer_of_the_validators_own_breaks_a_tie_between_two_miners_without_gold() -> None:
    """Two miners that never agree say nothing of each other; a third that the validator trusts does."""
    own = Validator(scorer=Jury(gold=0.0, own_uid=9, own_accuracy=0.8), seed=1)
    rounds = [
        Round(each.number, each.task, (*each.responses, Response(9, body=answered(CHOICES, each.task, 0.8, 9).body())))
        for each in window(60, (0.3, 0.9), own)
    ]
    low, high, _ = means(graded(rounds, own))
    assert high > low + 0.3


def page(words: list[str]) -> OCRAnswer:
    sections = (
        Section(
            text=word,
            box=(10.0 + 60 * (place % 5), 10.0 + 30 * (place // 5), 60.0 + 60 * (place % 5), 30.0 + 30 * (place // 5)),
        )
        for place, word in enumerate(words)
    )
    return OCRAnswer(sections=tuple(sections))


def read_with_gaps(rng: np.random.Generator, accuracy: float) -> OCRAnswer:
    words = [word if rng.random() < accuracy else f"{word}{rng.integers(10, 99)}" for word in WORDS]
    return page([word for word in words if rng.random() < (1 + accuracy) / 2])


def test_pages_are_graded_by_their_words_and_inventing_words_costs_as_much_as_missing_them() -> None:
    subnet = load_subnet({"kind": "ocr", "width": 300})
    own = Validator(scorer=Jury(gold=0.0), seed=1)
    rng = np.random.default_rng(0)
    rounds = []
    for number in range(12):
        answers = [read_with_gaps(rng, accuracy) for accuracy in (0.4, 0.6, 0.8, 0.95)]
        junk = [f"x{rng.integers(1000)}" for _ in range(40)]
        answers += [page(WORDS + junk), OCRAnswer()]
        task = Task(str(number), reference=None)
        rounds.append(Round(number, task, tuple(Response(uid, body=a.body()) for uid, a in enumerate(answers))))
    scores = means(graded(rounds, own, subnet))
    assert scores[:4] == sorted(scores[:4]) and scores[3] > 0.85
    assert scores[4] == pytest.approx(2 * 10 / (50 + 10), abs=0.05) and scores[5] == 0.0


def test_a_page_that_only_one_miner_has_read_is_unscored() -> None:
    subnet = load_subnet({"kind": "ocr", "width": 300})
    own = Validator(scorer=Jury(gold=0.0), seed=1)
    scores = graded([Round(0, Task("t"), (Response(1, body=page(WORDS).body()),))], own, subnet)
    assert scores[0][0].value is None
