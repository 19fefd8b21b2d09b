import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats
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


def test_calibration_error_is_the_root_of_each_bins_weighted_squared_gap_less_its_variance() -> None:
    scores = np.array([[0.05, 0.95], [0.05, 0.95], [0.05, 0.95], [0.05, 0.95]])
    right = np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    gaps, spread = (0.5 - 0.05, 0.5 - 0.95), 4 / 3 * 4 * 0.25  # of each bin's sum over 4 tasks
    expected = np.sqrt((gaps[0] ** 2 + gaps[1] ** 2) / 2 - 2 * spread / 4 / 8)
    assert calibration_error(scores, right).value == pytest.approx(expected)


def calibrated(rng: np.random.Generator, tasks: int, excess: float) -> list[NDArray[np.float64]]:
    """Probabilities of eight answers a task, alike within it, and truths that depend on each other within it."""
    scores = np.clip(rng.uniform(0.15, 0.7, (tasks, 1)) + rng.uniform(-0.1, 0.1, (tasks, 8)), 0, 1)
    common = np.sqrt(0.25) * rng.normal(0, 1, (tasks, 1)) + np.sqrt(0.75) * rng.normal(0, 1, (tasks, 8))
    return [scores, (stats.norm.cdf(common) < scores + excess).astype(float)]


@pytest.mark.parametrize(("tasks", "excess"), [(8, 0.0), (24, 0.0), (100, 0.0), (24, 0.2), (100, 0.1)])
def test_the_calibration_error_is_covered_even_where_it_is_0(tasks: int, excess: float) -> None:
    """Without its bias removed, the interval of a calibrated score never reaches 0."""
    rng = np.random.default_rng(tasks)
    drawn = [calibration_error(*calibrated(rng, tasks, excess)) for _ in range(400)]
    ends = [(each.low, each.high) for each in drawn if each.low is not None and each.high is not None]
    assert len(ends) == 400
    assert np.mean([low <= excess + 1e-9 and excess <= high + 1e-9 for low, high in ends]) >= 0.91


def test_a_calibrated_score_has_a_small_error_and_one_that_boasts_a_large_one() -> None:
    scores, right = answers(2000)
    honest, boastful = calibration_error(scores, right), calibration_error((1 + scores) / 2, right)
    assert honest.value is not None and honest.value < 0.02 and honest.low == 0.0
    assert boastful.value == pytest.approx(0.27, abs=0.03) and boastful.low is not None and boastful.low > 0.2


@pytest.mark.parametrize("tasks", [8, 12, 24, 60])
def test_an_auc_is_covered_by_95_percent_of_its_intervals(tasks: int) -> None:
    rng = np.random.default_rng(tasks)
    drawn = []
    for _ in range(500):
        right = (rng.random((tasks, 6)) < 0.6).astype(float)
        drawn.append(auc(right + rng.normal(0, 1, right.shape), right))
    truth = stats.norm.cdf(1 / np.sqrt(2))
    covered = [each.low <= truth <= each.high for each in drawn if each.low is not None and each.high is not None]
    assert len(covered) == 500 and 0.92 <= np.mean(covered) <= 0.98


def test_an_auc_of_1_has_an_interval() -> None:
    result = auc([[0.9, 0.1]] * 24, [[1.0, 0.0]] * 24)
    assert result.value == result.high == 1.0
    assert result.low == pytest.approx(0.862, abs=1e-3)  # Wilson's for 24 of 24


def test_intervals_are_nearly_those_of_tasks_drawn_again() -> None:
    scores, right = answers(60)
    rng = np.random.default_rng(5)
    picks = rng.integers(0, 60, (400, 60))
    drawn = [roc_auc_score(right[pick].ravel(), scores[pick].ravel()) for pick in picks]
    result = auc(scores, right)
    assert [result.low, result.high] == pytest.approx(list(np.percentile(drawn, [2.5, 97.5])), abs=0.02)
    drawn = [brier_score_loss(right[pick].ravel(), scores[pick].ravel()) for pick in picks]
    result = brier(scores, right)
    assert [result.low, result.high] == pytest.approx(list(np.percentile(drawn, [2.5, 97.5])), abs=0.02)


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
    assert auc(np.full((4, 2), 0.5), [[0, 1]] * 4) == Estimate(0.5, None, None, 4)


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
