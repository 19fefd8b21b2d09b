import time
import warnings
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score

from lab.statistics import Estimate
from lab.statistics.ranking import kendall_tau, pairwise_accuracy, rank_correlation, soft_pairwise_accuracy

EVERY = [pairwise_accuracy, rank_correlation, kendall_tau, soft_pairwise_accuracy]
TABLES = arrays(float, st.tuples(st.integers(2, 6), st.integers(2, 5)), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))


def graded(tasks: int = 200, miners: int = 20, noise: float = 0.5, seed: int = 0) -> list[NDArray[np.float64]]:
    """Scores and truth of miners whose mean quality rises, the scores being noisier than the truth."""
    rng = np.random.default_rng(seed)
    truth = np.linspace(0.3, 0.9, miners) + rng.normal(0, 0.3, (tasks, miners))
    return [truth + rng.normal(0, noise, truth.shape), truth]


def test_rank_correlations_are_scipys() -> None:
    for seed in range(5):
        scores, truth = (np.round(table, 1) for table in graded(6, 9, seed=seed))
        means = [np.round(table.mean(axis=0), 12) for table in (scores, truth)]
        assert rank_correlation(scores, truth).value == pytest.approx(stats.spearmanr(*means).statistic)
        assert kendall_tau(scores, truth).value == pytest.approx(stats.kendalltau(*means, variant="b").statistic)


def test_pairwise_accuracy_without_ties_is_kendalls_tau_rescaled() -> None:
    scores, truth = graded(30, 12)
    tau = stats.kendalltau(scores.mean(axis=0), truth.mean(axis=0)).statistic
    assert pairwise_accuracy(scores, truth).value == pytest.approx((tau + 1) / 2)


def test_pairwise_accuracy_of_two_classes_is_the_auc() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(0, 4, (1, 40)).astype(float), rng.integers(0, 2, (1, 40)).astype(float)
    assert pairwise_accuracy(scores, truth).value == pytest.approx(roc_auc_score(truth[0], scores[0]))


def test_pairs_that_the_grader_ties_count_half_and_pairs_that_the_truth_ties_not_at_all() -> None:
    assert pairwise_accuracy([[1.0, 1.0, 2.0]], [[0.1, 0.2, 0.3]]).value == pytest.approx(2.5 / 3)
    assert pairwise_accuracy([[1.0, 2.0, 0.0]], [[0.1, 0.1, 0.3]]).value == 0.0


def test_sums_in_another_order_are_still_ties() -> None:
    assert pairwise_accuracy([[0.1, 0.3], [0.2, 0.2], [0.3, 0.1]], [[0.0, 1.0]] * 3).value == 0.5


def test_soft_pairwise_accuracy_is_that_of_scipys_permutation_test() -> None:
    scores, truth = graded(40, 5)
    expected = []
    for first, second in combinations(range(5), 2):
        by_score, by_truth = (
            stats.permutation_test(
                (table[:, first], table[:, second]),
                lambda x, y, axis: (x - y).mean(axis=axis),
                permutation_type="samples",
                alternative="greater",
                vectorized=True,
                n_resamples=4000,
                rng=np.random.default_rng(0),
            ).pvalue
            for table in (scores, truth)
        )
        expected.append(abs(by_score - by_truth))
    assert soft_pairwise_accuracy(scores, truth).value == pytest.approx(1 - np.mean(expected), abs=0.01)


def test_soft_pairwise_accuracy_forgives_a_coin_thrown_between_equals_and_not_a_sure_mistake() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (100, 2))
    noise -= noise.mean(axis=0)
    for gap, softly in ((0.01, 0.9), (2.0, 0.0)):
        better, worse = noise + [gap, 0.0], noise + [0.0, gap]
        assert pairwise_accuracy(better, worse).value == 0.0
        assert soft_pairwise_accuracy(better, worse).value == pytest.approx(softly, abs=0.06)


def test_unscored_answers_are_skipped_on_both_sides() -> None:
    scores, truth = graded(30, 6)
    holes = np.random.default_rng(1).random(scores.shape) < 0.3
    here, there = scores.copy(), truth.copy()
    here[holes], there[holes] = np.nan, np.nan
    for measure in EVERY:
        assert measure(here, truth) == measure(scores, there) == measure(here, there)
    means = [[column[~np.isnan(column)].mean() for column in table.T] for table in (here, there)]
    assert rank_correlation(here, truth).value == pytest.approx(stats.spearmanr(*means).statistic)


def test_a_miner_never_scored_is_left_out_and_not_ranked_last() -> None:
    scores, truth = graded(10, 5)
    scores[:, 0] = np.nan
    for measure in EVERY:
        assert measure(scores, truth) == measure(scores[:, 1:], truth[:, 1:])


def test_qualities_known_beforehand_are_one_a_miner() -> None:
    scores, _ = graded(50, 5)
    assert rank_correlation(scores, [1, 2, 3, 4, 5]) == rank_correlation(scores, np.tile([1, 2, 3, 4, 5], (50, 1)))


@pytest.mark.parametrize("measure", EVERY)
def test_where_there_is_nothing_to_rank_there_is_no_value_and_no_warning(measure) -> None:  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert measure([], []) == Estimate(None, None, None, 0)
        assert measure(np.full((3, 2), np.nan), np.zeros((3, 2))) == Estimate(None, None, None, 0)
        assert measure([[1.0], [2.0]], [[1.0], [2.0]]) == Estimate(None, None, None, 2)
        alone = measure([[1.0, 2.0]], [[1.0, 3.0]])
        assert (alone.low, alone.high, alone.n) == (None, None, 1)
        apart = measure([[1.0, np.nan], [np.nan, 1.0]], [[1.0, 0.0], [0.0, 0.5]])
        assert apart.n == 2


def test_all_ties_have_no_order_to_find() -> None:
    flat = np.ones((5, 3))
    for measure in (pairwise_accuracy, rank_correlation, kendall_tau):
        assert measure(flat, flat) == Estimate(None, None, None, 5)
    assert soft_pairwise_accuracy(flat, flat).value == 1.0  # both say a half of every pair


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(tasks, miners\)"):
        pairwise_accuracy(np.zeros((3, 2)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="infinite"):
        pairwise_accuracy([[np.inf, 1.0]], [[1.0, 2.0]])


@settings(max_examples=25)
@given(TABLES, st.randoms(use_true_random=False))
def test_measures_are_bounded_and_do_not_depend_on_order(table, rnd) -> None:  # type: ignore[no-untyped-def]
    truth = np.arange(table.size, dtype=float).reshape(table.shape) % 7
    rows, columns = list(range(table.shape[0])), list(range(table.shape[1]))
    rnd.shuffle(columns)
    for measure in EVERY:
        result = measure(table, truth)
        moved = measure(table[np.ix_(rows, columns)], truth[np.ix_(rows, columns)])
        assert result.value == pytest.approx(moved.value)
        if result.value is not None:
            floor = -1.0 if measure in (rank_correlation, kendall_tau) else 0.0
            assert floor - 1e-9 <= result.value <= 1 + 1e-9
            assert measure(truth, truth).value in (None, pytest.approx(1.0))


@settings(max_examples=25)
@given(arrays(float, (1, 6), elements=st.integers(-5, 5).map(float)))
def test_ranks_alone_matter(scores) -> None:  # type: ignore[no-untyped-def]
    truth = np.array([[3.0, 1.0, 4.0, 1.0, 5.0, 9.0]])
    for measure in (pairwise_accuracy, rank_correlation, kendall_tau):
        assert measure(scores, truth) == measure(np.exp(scores), truth) == measure(scores, truth**3)


def test_intervals_cover_what_other_tasks_give_on_average() -> None:
    for measure in EVERY:
        result = [measure(*graded(60, 8, 1.0, seed)) for seed in range(16)]
        middle = np.mean([figure.value for figure in result if figure.value is not None])
        covered = [f.low <= middle <= f.high for f in result if f.low is not None and f.high is not None]
        assert len(covered) == 16 and np.mean(covered) > 0.93


def test_2000_resamples_of_200_tasks_and_20_miners_take_well_under_a_second() -> None:
    scores, truth = graded()
    for measure in EVERY:
        start = time.process_time()
        measure(scores, truth)
        assert time.process_time() - start < 1.5  # 0.1 to 0.4 s on an idle core
