import numpy as np
import pytest
from numpy.typing import NDArray

from lab.statistics import Estimate
from lab.statistics.paradox import SameAnswer
from lab.statistics.samples import tasks_to_separate


def compared(
    accuracy: float, miners: list[float], tasks: int, seed: int, wrong: int = 100
) -> list[NDArray[np.float64]]:
    """Scores by a validator that compares with its own answer, and whether each answer was right."""
    rng = np.random.default_rng(seed)
    key = np.where(rng.random((tasks, 1)) < accuracy, 0, rng.integers(1, wrong + 1, (tasks, 1)))
    shape = (tasks, len(miners))
    given = np.where(rng.random(shape) < miners, 0, rng.integers(1, wrong + 1, shape))
    return [(given == key).astype(float), (given == 0).astype(float)]


@pytest.mark.parametrize("accuracy", [0.3, 0.7, 1.0])
def test_the_estimate_is_the_closed_form_where_there_is_one(accuracy: float) -> None:
    miners = [0.65, 0.7, 0.75, 0.8]
    result = tasks_to_separate(*compared(accuracy, miners, 20_000, 0))
    expected = SameAnswer(accuracy).tasks_to_separate(0.70, 0.75)
    assert result.value == pytest.approx(expected, rel=0.15)
    assert result.low is not None and result.high is not None
    # The pairs of these miners differ by 5 to 15 points, the closed form's by 5.
    assert 0.97 * result.low <= expected <= 1.03 * result.high


@pytest.mark.parametrize("tasks", [24, 100, 400])
def test_the_interval_covers_what_endless_tasks_would_give(tasks: int) -> None:
    miners = [0.5, 0.6, 0.7, 0.8, 0.9]
    truth = tasks_to_separate(*compared(0.7, miners, 200_000, 99)).value
    assert truth is not None
    drawn = [tasks_to_separate(*compared(0.7, miners, tasks, seed)) for seed in range(400)]
    covered = [f.low <= truth <= f.high for f in drawn if f.low is not None and f.high is not None]
    assert len(covered) == 400 and 0.92 <= np.mean(covered) <= 0.99


def test_twice_the_gap_takes_a_quarter_of_the_tasks_and_the_unit_of_scores_does_not_matter() -> None:
    scores, truth = compared(0.7, [0.5, 0.7, 0.9], 300, 1)
    once, twice = tasks_to_separate(scores, truth).value, tasks_to_separate(scores, truth, gap=0.1).value
    assert once is not None and twice == pytest.approx(once / 4)
    assert tasks_to_separate(scores * 7 - 3, truth).value == pytest.approx(once)


def test_a_grader_that_turns_the_order_round_has_no_number_of_tasks() -> None:
    scores, truth = compared(0.7, [0.5, 0.7, 0.9], 300, 1)
    assert tasks_to_separate(1 - scores, truth) == Estimate(None, None, None, 300)
    assert tasks_to_separate(np.ones_like(scores), truth) == Estimate(None, None, None, 300)


def test_a_grader_that_may_be_blind_has_no_upper_end() -> None:
    truth = np.tile([0.4, 0.6, 0.8], (30, 1))
    scores = truth * 0.2 + np.random.default_rng(3).normal(0, 0.4, truth.shape)
    result = tasks_to_separate(scores, truth)
    assert result.value is not None and result.low is not None
    assert 0 < result.low < result.value < np.inf == result.high


def test_unscored_answers_are_skipped() -> None:
    scores, truth = compared(0.7, [0.5, 0.6, 0.7, 0.8, 0.9], 4000, 2)
    whole = tasks_to_separate(scores, truth).value
    scores[np.random.default_rng(0).random(scores.shape) < 0.3] = np.nan
    assert tasks_to_separate(scores, truth).value == pytest.approx(whole, rel=0.1)


def test_too_little_to_tell_has_no_value() -> None:
    assert tasks_to_separate([], []) == Estimate(None, None, None, 0)
    assert tasks_to_separate([[np.nan, 1.0]], [[1.0, 1.0]]) == Estimate(None, None, None, 1)
    assert tasks_to_separate([[0.0, 1.0]], [[0.0, 1.0]]) == Estimate(None, None, None, 1)
    assert tasks_to_separate([[0.0], [1.0]], [[0.0], [1.0]]) == Estimate(None, None, None, 2)
    assert tasks_to_separate([[0.0, 1.0]] * 3, [[0.5, 0.5]] * 3) == Estimate(None, None, None, 3)
    assert tasks_to_separate([[0, np.nan], [np.nan, 1]], [[0, 1], [0, 1]]) == Estimate(None, None, None, 2)
    with pytest.raises(ValueError, match="gap 0"):
        tasks_to_separate([], [], gap=0)
