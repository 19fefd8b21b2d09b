import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, roc_auc_score

from lab.statistics import Estimate
from lab.statistics.classification import auc, brier, calibration_error

EVERY = [auc, brier, calibration_error]


def answers(tasks: int = 100, each: int = 8, seed: int = 0) -> list[NDArray[np.float64]]:
    """Calibrated probabilities, alike within a task, and whether each answer is right."""
    rng = np.random.default_rng(seed)
    scores = np.clip(rng.uniform(0.1, 0.9, (tasks, 1)) + rng.uniform(-0.1, 0.1, (tasks, each)), 0, 1)
    return [scores, (rng.random(scores.shape) < scores).astype(float)]


def test_auc_and_brier_are_those_of_scikit_learn() -> None:
    for digits in (1, 6):  # with many ties and without
        scores, right = answers()
        scores = np.round(scores, digits)
        assert auc(scores, right).value == pytest.approx(roc_auc_score(right.ravel(), scores.ravel()))
        assert brier(scores, right).value == pytest.approx(brier_score_loss(right.ravel(), scores.ravel()))


def test_calibration_error_is_the_weighted_gap_of_each_bin() -> None:
    scores, right = np.array([[0.05, 0.95, 0.1, 1.0]]), np.array([[0.0, 1.0, 1.0, 0.0]])
    # Bins: 0.05 | 0.1 | 0.95 and 1.0.
    assert calibration_error(scores, right).value == pytest.approx((0.05 + 0.9 + abs(1 - 1.95)) / 4)
    assert calibration_error(scores, right, bins=1).value == pytest.approx(abs(2 - 2.1) / 4)


def test_a_calibrated_score_has_a_small_error_and_one_that_boasts_a_large_one() -> None:
    scores, right = answers(2000)
    honest, boastful = calibration_error(scores, right).value, calibration_error((1 + scores) / 2, right).value
    assert honest is not None and honest < 0.03
    assert boastful == pytest.approx(0.25, abs=0.03)


def test_intervals_are_those_of_tasks_drawn_again() -> None:
    scores, right = answers(60)
    rng = np.random.default_rng(5)
    picks = rng.integers(0, 60, (400, 60))
    drawn = [roc_auc_score(right[pick].ravel(), scores[pick].ravel()) for pick in picks]
    result = auc(scores, right)
    assert [result.low, result.high] == pytest.approx(list(np.percentile(drawn, [2.5, 97.5])), abs=0.015)
    drawn = [brier_score_loss(right[pick].ravel(), scores[pick].ravel()) for pick in picks]
    result = brier(scores, right)
    assert [result.low, result.high] == pytest.approx(list(np.percentile(drawn, [2.5, 97.5])), abs=0.015)


def test_copies_of_an_answer_to_the_same_task_make_no_interval_narrower() -> None:
    scores, right = answers(40, 2)
    for measure in EVERY:
        copied, single = measure(np.tile(scores, 5), np.tile(right, 5)), measure(scores, right)
        assert [copied.value, copied.low, copied.high] == pytest.approx([single.value, single.low, single.high])


def test_unscored_answers_are_skipped() -> None:
    scores, right = answers(30)
    holes = np.random.default_rng(1).random(scores.shape) < 0.4
    blank = np.where(holes, np.nan, scores)
    assert auc(blank, right).value == pytest.approx(roc_auc_score(right[~holes], scores[~holes]))
    assert brier(blank, right).value == pytest.approx(brier_score_loss(right[~holes], scores[~holes]))
    for measure in EVERY:
        assert measure(blank, right) == measure(scores, np.where(holes, np.nan, right))


def test_where_a_class_or_everything_is_missing_there_is_no_value() -> None:
    for measure in EVERY:
        assert measure([], []) == Estimate(None, None, None, 0)
        assert measure([[np.nan]], [[1.0]]) == Estimate(None, None, None, 0)
        assert measure([[0.5, 0.5]], [[1.0, 0.0]]).low is None
    assert auc([[0.5, 0.7], [0.1, 0.2]], np.ones((2, 2))) == Estimate(None, None, None, 2)
    assert auc(np.full((4, 2), 0.5), [[0, 1]] * 4) == Estimate(0.5, 0.5, 0.5, 4)


def test_an_invalid_probability_or_label_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.5 is not a probability"):
        brier([[1.5]], [[1.0]])
    with pytest.raises(ValueError, match=r"0\.3"):
        auc([[1.0]], [[0.3]])


@settings(max_examples=40)
@given(arrays(float, (4, 3), elements=st.sampled_from([0.0, 0.3, 0.5, 1.0])), arrays(bool, (4, 3)))
def test_measures_are_bounded_and_auc_takes_ranks_alone(scores, right) -> None:  # type: ignore[no-untyped-def]
    for measure in EVERY:
        result = measure(scores, right)
        ends = [end for end in (result.low, result.value, result.high) if end is not None]
        assert ends == sorted(ends) and all(-1e-12 <= end <= 1 + 1e-12 for end in ends)
    assert auc(scores, right) == auc(np.exp(scores), right)
    if (value := auc(scores, right).value) is not None:
        assert auc(-scores, right).value == pytest.approx(1 - value)
