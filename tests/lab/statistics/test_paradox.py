from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lab.statistics.paradox import SameAnswer
from lab.statistics.ranking import pairwise_accuracy

SHARES = st.floats(0, 1)
WRONG = st.integers(1, 200)


def answers(accuracy: float, wrong_answers: int, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.int64]:
    """0 is right, 1 to `wrong_answers` are wrong."""
    return np.where(rng.random(shape) < accuracy, 0, rng.integers(1, wrong_answers + 1, shape))


def vote(ballots: NDArray[np.int64], wrong_answers: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The most frequent answer of each row, ties by lot."""
    counts = np.stack([(ballots == answer).sum(axis=1) for answer in range(wrong_answers + 1)], axis=1)
    return np.asarray((counts + rng.random(counts.shape) / 2).argmax(axis=1))


@pytest.mark.parametrize("wrong_answers", [1, 3, 100])
@pytest.mark.parametrize("accuracy", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_simulated_scores_are_the_closed_forms(accuracy: float, wrong_answers: int) -> None:
    rng, tasks = np.random.default_rng(7), 40_000
    validator = SameAnswer(accuracy, wrong_answers)
    key = answers(accuracy, wrong_answers, (tasks,), rng)
    for miner in (0.2, 0.6, 0.95):
        same = answers(miner, wrong_answers, (tasks,), rng) == key
        expected = validator.score(miner)
        assert same.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / tasks) + 1e-12)
    assert (key == key).mean() == validator.copier


def test_tasks_to_separate_fall_with_the_accuracy_of_the_validator() -> None:
    result = [SameAnswer(a).tasks_to_separate(0.70, 0.75) for a in (0.3, 0.5, 0.7, 0.9, 1.0)]
    assert np.ceil(result).tolist() == [1559, 893, 625, 481, 431]  # with the truth the published number


@pytest.mark.parametrize("accuracy", [0.3, 0.7])
@pytest.mark.parametrize("wrong_answers", [3, 100])
def test_after_so_many_tasks_95_of_100_simulated_pairs_are_in_order(accuracy: float, wrong_answers: int) -> None:
    rng, worlds = np.random.default_rng(1), 1500
    shape = (worlds, round(SameAnswer(accuracy, wrong_answers).tasks_to_separate(0.5, 0.7)))
    key = answers(accuracy, wrong_answers, shape, rng)
    worse, better = ((answers(each, wrong_answers, shape, rng) == key).sum(axis=1) for each in (0.5, 0.7))
    assert (better > worse).mean() + (better == worse).mean() / 2 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("wrong_answers", "published"),
    [(100, [0.884, 0.935, 0.957, 0.972]), (3, [0.560, 0.841, 0.925, 0.966]), (1, [0.136, 0.465, 0.833, 0.954])],
)
def test_the_published_pairwise_accuracies_count_ties_as_mistakes_and_ours_as_halves(
    wrong_answers: int, published: list[float]
) -> None:
    miners, tasks, worlds, rng = [0.5, 0.6, 0.7, 0.8, 0.9], 100, 800, np.random.default_rng(3)
    for accuracy, expected in zip((0.3, 0.5, 0.7, 0.9), published, strict=True):
        key = answers(accuracy, wrong_answers, (worlds, tasks, 1), rng)
        result = np.stack([answers(miner, wrong_answers, (worlds, tasks), rng) for miner in miners], axis=2) == key
        ahead = np.stack(
            [result[:, :, j].sum(axis=1) - result[:, :, i].sum(axis=1) for i, j in combinations(range(5), 2)]
        )
        assert (ahead > 0).mean() == pytest.approx(expected, abs=0.02)  # itself simulated
        if accuracy == 0.5:
            some = [pairwise_accuracy(world, np.array(miners)).value for world in result[:40].astype(float)]
            halves = (ahead > 0).mean() + (ahead == 0).mean() / 2
            assert np.mean([value for value in some if value is not None]) == pytest.approx(halves, abs=0.06)


@pytest.mark.parametrize(
    ("accuracies", "wrong_answers"),
    [([0.4] * 3, 1), ([0.4] * 5, 3), ([0.2, 0.5, 0.7, 0.3], 4), ([0.3] * 7, 20), ([0.6, 0.1], 2)],
)
def test_a_simulated_panel_is_the_one_validator_that_it_amounts_to(accuracies: list[float], wrong_answers: int) -> None:
    rng, tasks = np.random.default_rng(2), 60_000
    ballots = np.stack([answers(each, wrong_answers, (tasks,), rng) for each in accuracies], axis=1)
    key = vote(ballots, wrong_answers, rng)
    panel = SameAnswer.panel(accuracies, wrong_answers)
    assert (key == 0).mean() == pytest.approx(panel.accuracy, abs=0.008)
    copiers = (ballots == key[:, None]).mean(axis=0)
    assert copiers.max() == pytest.approx(panel.copier, abs=0.008)
    miner = answers(0.8, wrong_answers, (tasks,), rng)
    assert (miner == key).mean() == pytest.approx(panel.score(0.8), abs=0.008)


def test_a_panel_of_odd_size_on_yes_or_no_is_condorcets_jury() -> None:
    assert SameAnswer.panel([0.6] * 3, 1).accuracy == pytest.approx(0.6**3 + 3 * 0.6**2 * 0.4)
    assert SameAnswer.panel([0.7], 5) == SameAnswer(0.7, 5)
    assert SameAnswer.panel([0.3] * 100, 100).accuracy == pytest.approx(1.0)


def test_a_validator_that_cannot_order_miners_needs_tasks_without_end() -> None:
    yes_or_no = SameAnswer(0.5, 1)
    assert yes_or_no.tasks_to_separate(0.7, 0.75) == np.inf
    assert SameAnswer(0.3, 1).tasks_to_separate(0.7, 0.75) == np.inf
    assert SameAnswer(1.0).tasks_to_separate(0.0, 1.0) == 0.0


def test_an_invalid_probability_is_refused() -> None:
    with pytest.raises(ValueError, match=r"accuracy 1\.2"):
        SameAnswer(1.2)
    with pytest.raises(ValueError, match="wrong_answers 0"):
        SameAnswer(0.5, 0)
    with pytest.raises(ValueError, match="a panel of 0"):
        SameAnswer.panel([])
    with pytest.raises(ValueError, match="higher accuracy"):
        SameAnswer(0.5).tasks_to_separate(0.7, 0.7)


@given(SHARES, SHARES, WRONG)
def test_the_slope_turns_at_one_in_all_answers_and_copying_never_pays_less(a: float, m: float, wrong: int) -> None:
    validator = SameAnswer(a, wrong)
    assert validator.score(1.0) - validator.score(0.0) == pytest.approx(validator.slope)
    assert SameAnswer(1 / (wrong + 1), wrong).slope == pytest.approx(0.0, abs=1e-12)
    assert 0 <= validator.score(m) <= 1
    assert validator.mimic_premium(m) == pytest.approx(1 - validator.score(m))


@given(st.lists(SHARES, min_size=1, max_size=6), WRONG)
def test_a_panel_is_a_validator_and_its_order_does_not_matter(accuracies: list[float], wrong: int) -> None:
    panel = SameAnswer.panel(accuracies, wrong)
    assert panel.accuracy == pytest.approx(SameAnswer.panel(accuracies[::-1], wrong).accuracy)
    assert 0 <= panel.accuracy <= 1 and 1 / len(accuracies) - 1e-9 <= panel.copier <= 1
