import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lab.statistics import Estimate
from lab.statistics.paired import Comparison, holm

VALUES = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=15)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_many_tasks_get_nearly_the_p_value_of_the_t_test() -> None:
    rng = np.random.default_rng(0)
    for n in (60, 5000):
        first = rng.normal(0, 1, n)
        second = first + rng.normal(1.8 / np.sqrt(n), 1, n)
        result = Comparison.of(first, second).p_value
        assert result == pytest.approx(float(stats.ttest_rel(first, second).pvalue), abs=0.015)


def test_symmetric_differences_get_exactly_that_of_the_t_test() -> None:
    differences = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    expected = float(stats.ttest_1samp(differences, 0.0).pvalue)
    assert Comparison.of(np.zeros(9), differences).p_value == pytest.approx(expected)


def test_no_p_value_is_below_that_of_as_many_equal_signs() -> None:
    assert Comparison.of(np.zeros(8), np.ones(8)).p_value == 2.0**-7
    assert Comparison.of(np.zeros(60), np.ones(60)).p_value == 2.0**-59
    assert Comparison.of(np.zeros(4), [1.0, 2.0, 3.0, 4.0]).p_value == 2.0**-3


def test_the_difference_is_the_second_less_the_first_where_both_are_known() -> None:
    result = Comparison.of([1.0, 2.0, np.nan, 4.0], [2.0, 4.0, 9.0, np.nan])
    assert (result.difference.value, result.difference.n) == (1.5, 2)


@pytest.mark.parametrize("n", [8, 12, 24, 48])
def test_chance_alone_is_called_significant_as_often_as_it_says(n: int) -> None:
    rng = np.random.default_rng(n)
    drawn = [Comparison.of(rng.exponential(1, n), rng.exponential(1, n)).p_value for _ in range(1000)]
    assert 0.015 <= np.mean([p is not None and p <= 0.05 for p in drawn]) <= 0.065


@pytest.mark.parametrize(("n", "rare"), [(40, 0.1), (60, 0.1), (100, 0.05), (200, 0.03)])
def test_many_small_losses_and_rare_wins_that_make_up_for_them_are_no_difference(n: int, rare: float) -> None:
    """Sign flips test whether differences are symmetric, and call these different in 6 to 14 % of samples."""
    rng = np.random.default_rng(n)
    drawn = []
    for _ in range(1000):
        won = rng.random(n) < rare
        drawn.append(Comparison.of(np.zeros(n), np.where(won, 1 - rare, -rare)).p_value)
    assert np.mean([p is not None and p <= 0.05 for p in drawn]) <= 0.06


def test_no_task_one_task_and_no_difference() -> None:
    assert Comparison.of([], []) == Comparison(Estimate(None, None, None, 0), None)
    assert Comparison.of([np.nan], [1.0]) == Comparison(Estimate(None, None, None, 0), None)
    assert Comparison.of([1.0], [3.0]) == Comparison(Estimate(2.0, None, None, 1), 1.0)
    assert Comparison.of([0.3] * 20, [0.3] * 20) == Comparison(Estimate(0.0, None, None, 20), 1.0)
    with pytest.raises(ValueError, match="one value of each"):
        Comparison.of([1.0], [1.0, 2.0])


def test_holm_is_that_of_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, None, 0.6]) == [pytest.approx(1.0), None, pytest.approx(1.0)]
    assert holm([]) == []


@settings(max_examples=50)
@given(VALUES, st.randoms(use_true_random=False))
def test_the_p_value_does_not_depend_on_order_side_or_unit(pairs, rnd) -> None:  # type: ignore[no-untyped-def]
    first, second = np.array(pairs, dtype=float).T
    result = Comparison.of(first, second).p_value
    assert result is not None and 0 < result <= 1
    assert Comparison.of(second, first).p_value == pytest.approx(result)
    assert Comparison.of(first / 8, second / 8).p_value == pytest.approx(result)
    rnd.shuffle(pairs)
    assert Comparison.of(*np.array(pairs, dtype=float).T).p_value == pytest.approx(result)


@given(P_VALUES)
def test_holm_raises_p_values_no_more_than_bonferroni_and_keeps_their_order(p_values: list[float]) -> None:
    result = [p for p in holm(p_values) if p is not None]
    assert all(p <= up <= min(1.0, p * len(p_values)) + 1e-12 for p, up in zip(p_values, result, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(result)[order]) >= 0).all()
