"""The jury's arithmetic, checked against vectors from another implementation and by what must not matter to it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validators import NO_ANSWER, NOT_ASKED, JuryResult, jury
from validators.dawid_skene import ROUNDS

VECTORS = json.loads((Path(__file__).parent / "vectors" / "jury.json").read_text(encoding="utf-8"))["cases"]


def world(seed: int, *, tasks: int = 60, sources: int = 6, wrong: int = 3) -> np.ndarray:
    """Answers (tasks, sources): 0 is right; accuracies rise from 0.4 to 0.9."""
    rng = np.random.default_rng(seed)
    accuracies = np.linspace(0.4, 0.9, sources)
    return np.where(rng.random((tasks, sources)) < accuracies, 0, rng.integers(1, wrong + 1, (tasks, sources)))


def judged(answers: np.ndarray, gold: int, **options: Any) -> JuryResult:
    return jury(answers, answers[:gold] == 0, gold=gold, **{"wrong": 3, "own": 0.4} | options)


def differences(first: JuryResult, second: JuryResult) -> float:
    pairs = ((getattr(first, name), getattr(second, name)) for name in ("accuracy", "copies", "posterior"))
    return max(float(np.abs(a - b).max()) for a, b in pairs)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['kind']}-K{case['wrong']}-gold{case['gold']}")
def test_the_vectors_come_out_to_nine_digits(case: dict[str, Any]) -> None:
    result = jury(case["answers"], case["right"], gold=case["gold"], wrong=case["wrong"], own=case["own"])
    first = np.array(case["posterior_first_tasks"])
    assert np.abs(result.accuracy - case["accuracy"]).max() < 1e-9
    assert np.abs(result.copies - case["copies"]).max() < 1e-9
    assert np.abs(result.posterior[: len(first)] - first).max() < 1e-9


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from((0, 2, 6, 12)), st.permutations(range(1, 6)))
def test_the_order_of_the_miners_does_not_matter(seed: int, gold: int, order: list[int]) -> None:
    answers, places = world(seed), [0, *order]
    plain, shuffled = judged(answers, gold), judged(answers[:, places], gold)
    expected = JuryResult(plain.accuracy[places], plain.copies[np.ix_(places, places)], plain.posterior[:, places])
    assert differences(shuffled, expected) < 1e-6


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from((0, 6, 12)))
def test_the_names_of_the_answers_and_the_order_of_tasks_without_gold_do_not_matter(seed: int, gold: int) -> None:
    answers = world(seed)
    renamed = (answers * 7 + 3 + np.arange(len(answers))[:, None])[: len(answers)]
    order = np.r_[:gold, np.random.default_rng(seed).permutation(np.arange(gold, len(answers)))]
    plain = judged(answers, gold)
    again = jury(renamed[order], answers[:gold] == 0, gold=gold, wrong=3, own=0.4)
    assert differences(again, JuryResult(plain.accuracy, plain.copies, plain.posterior[order])) < 1e-6


def test_the_truth_is_taken_over_on_gold_and_every_posterior_is_a_probability() -> None:
    answers = world(1)
    result = judged(answers, 12)
    assert (result.posterior[:12] == (answers[:12] == 0)).all()
    assert ((result.posterior >= 0) & (result.posterior <= 1)).all()
    assert np.allclose(result.accuracy, result.posterior.mean(axis=0))


def test_equal_answers_are_equally_right_and_all_probabilities_add_up_to_one() -> None:
    answers = world(2, wrong=1)
    posterior = judged(answers, 0, wrong=1).posterior
    for row, believed in zip(answers, posterior, strict=True):
        of = {said: set(np.round(believed[row == said], 12)) for said in set(row.tolist())}
        assert all(len(values) == 1 for values in of.values())
        if len(of) == 2:
            assert sum(min(values) for values in of.values()) == pytest.approx(1.0)


def test_a_majority_of_copies_is_found_and_outvoted_by_a_tenth_of_gold() -> None:
    rng = np.random.default_rng(3)
    honest = world(3, tasks=200, sources=5)
    key = rng.integers(1, 4, 200)
    answers = np.hstack([honest, np.tile(key[:, None], 6)])
    result = judged(answers, 20)
    assert result.accuracy[1:5].tolist() == sorted(result.accuracy[1:5].tolist())
    assert result.accuracy[5:].max() < 0.1
    assert (result.copies[5:, 5:][~np.eye(6, dtype=bool)] == 1).all() and result.copies[1:5, 1:5].max() < 0.3


def test_a_missing_answer_is_wrong_and_one_that_was_not_asked_for_is_nothing() -> None:
    answers = world(4, tasks=100)
    silent, unasked = answers.copy(), answers.copy()
    silent[50:, 5], unasked[50:, 5] = NO_ANSWER, NOT_ASKED
    full, half, spared = judged(answers, 10), judged(silent, 10), judged(unasked, 10)
    assert half.accuracy[5] == pytest.approx(full.accuracy[5] / 2, abs=0.06)
    assert spared.accuracy[5] == pytest.approx(full.accuracy[5], abs=0.06)
    assert (half.posterior[50:, 5] == 0).all() and np.isnan(spared.posterior[50:, 5]).all()
    assert not np.isnan(np.delete(spared.posterior, 5, axis=1)).any()


def test_a_source_that_is_never_asked_changes_nothing_and_has_no_accuracy() -> None:
    answers = world(5)
    absent = np.hstack([answers, np.full((len(answers), 1), NOT_ASKED)])
    plain, more = judged(answers, 9), judged(absent, 9)
    assert np.abs(plain.accuracy - more.accuracy[:-1]).max() < 1e-6 and np.isnan(more.accuracy[-1])


def test_the_parts_of_a_page_count_as_one_task_together() -> None:
    """Gold from one page of forty words is one gold task: it settles nothing."""
    answers = world(6, tasks=80)
    one_page = judged(answers, 40, counts=np.r_[np.full(40, 1 / 40), np.ones(40)])
    assert judged(answers, 40).accuracy[1:] == pytest.approx((answers == 0).mean(axis=0)[1:], abs=0.15)
    alone = jury(answers[40:], [], gold=0, wrong=3, own=0.4)
    assert np.abs(one_page.posterior[40:] - alone.posterior).mean() < 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": [[0.5, 1]]}, "answers have the shape"),
        ({"answers": [0, 1]}, "answers have the shape (2,)"),
        ({"answers": [[0, -3]]}, "answers hold -3; allowed: -2 (not asked), -1 (no answer), classes from 0"),
        ({"gold": 3}, "gold is 3; allowed: a whole number from 0 to 2"),
        ({"gold": True}, "gold is True"),
        ({"right": [[1.0]]}, "right has the shape (1, 1); allowed: (1, 2), gold by sources"),
        ({"right": [[1.0, 1.5]]}, "right holds 1.5; allowed: numbers from 0 to 1"),
        ({"right": [[1.0, float("nan")]]}, "right holds nan"),
        ({"wrong": 0}, "wrong holds 0.0; allowed: numbers of at least 1"),
        ({"wrong": [1, 2, 3]}, "wrong has the shape (3,); allowed: one number, or one for each of 2 tasks"),
        ({"own": 1.0}, "own is 1.0; allowed: an accuracy strictly between 0 and 1"),
        ({"counts": -1.0}, "counts holds -1.0"),
    ],
)
def test_bad_input_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "answers": [[0, 1], [1, 1]],
        "right": [[1.0, 0.0]],
        "gold": 1,
        "wrong": 3,
        "own": 0.5,
    } | change
    with pytest.raises(ValueError) as refused:
        jury(arguments.pop("answers"), arguments.pop("right"), **arguments)
    assert message in str(refused.value)


def test_the_iteration_has_settled_by_its_last_round(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = world(7, tasks=200)
    plain = judged(answers, 20)
    monkeypatch.setattr("validators.dawid_skene.ROUNDS", 4 * ROUNDS)
    assert differences(plain, judged(answers, 20)) < 1e-6
