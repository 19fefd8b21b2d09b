import tracemalloc

import numpy as np
import pytest
from scipy import stats

from lab.statistics import Estimate, mean, ranked, ratio, spearman, spearmans


def test_a_mean_has_the_interval_of_its_standard_error() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, 400)
    result = mean(list(values))
    assert result.value == pytest.approx(values.mean())
    assert result.low is not None and result.high is not None
    assert (result.high - result.low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.08)


def test_a_ratio_is_of_the_sums_over_pairs() -> None:
    assert ratio([2.0, 4.0], [1.0, 1.0]).value == 3.0
    assert ratio([6.0] * 5, [2.0] * 5) == Estimate(3.0, None, None, 5)


def test_what_was_not_observed_has_no_value_and_one_observation_no_interval() -> None:
    assert mean([]) == Estimate(None, None, None, 0)
    assert mean([2.0]) == Estimate(2.0, None, None, 1)
    assert ratio([1.0], [0.0]).value is None
    with pytest.raises(ValueError, match="paired"):
        ratio([1.0], [])


def test_a_figure_shows_interval_and_n() -> None:
    assert Estimate(0.914, 0.88, 0.94, 30).text() == "0.91 (0.88 to 0.94, n=30)"
    assert Estimate(2.0, None, None, 1).text(0, " s") == "2 s (n=1)"


def test_a_figure_without_a_value_says_so_and_of_how_many_observations() -> None:
    nothing = Estimate(None, None, None, 24)
    assert nothing.text() == nothing.percent() == nothing.scaled(1000).text(unit=" $") == "unknown (n=24)"


def test_a_share_is_written_in_percent_with_an_interval_where_it_has_one() -> None:
    assert Estimate(0.914, 0.88, 0.94, 30).percent() == "91 % (88 to 94, n=30)"
    assert Estimate(0.025, None, None, 1).percent(1) == "2.5 % (n=1)"
    assert Estimate(0.5, 0.25, 1.0, 4).scaled(1000) == Estimate(500.0, 250.0, 1000.0, 4)


def test_what_has_no_value_is_neither_first_nor_last() -> None:
    values = {"a": 0.5, "unknown": None, "b": -1.0, "c": 0.5}
    assert ranked(values, values.get) == ["a", "c", "b"]
    assert ranked(["unknown"], values.get) == []


def test_rank_correlation_is_scipys_ties_included() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.integers(0, 5, 12), rng.integers(0, 5, 12)
        expected = stats.spearmanr(first, second).statistic
        assert spearman(list(first), list(second)) == pytest.approx(expected)
    assert spearman([1.0, 1.0], [1.0, 2.0]) is None
    assert spearman([1.0, 2.0], [3.0, 3.0]) is None
    assert spearman([], []) is None and spearman([1.0], [1.0]) is None


def test_many_rank_correlations_at_once_are_those_one_by_one() -> None:
    rng = np.random.default_rng(2)
    first, rows = rng.integers(0, 5, 12).astype(float), rng.integers(0, 5, (20, 12)).astype(float)
    rows[3] = 1.0
    rows[5, 0] = np.nan
    result = spearmans(first, rows)
    expected = [None if place == 5 else spearman(list(first), list(row)) for place, row in enumerate(rows)]
    assert [None if np.isnan(each) else each for each in result] == expected
    assert np.isnan(result).tolist() == [place in (3, 5) for place in range(20)]


def test_ranking_a_long_sequence_takes_little_memory() -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    tracemalloc.start()
    try:
        assert spearman(list(values), list(values)) == pytest.approx(1.0)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
