"""Intervals cover the truth as often as they say, at every number of observations that a shipped config reaches."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from lab.statistics import Estimate, mean, mean_score, quantile, ratio, share
from lab.statistics.estimate import jackknifed
from lab.statistics.interval import (
    LEAST,
    clustered_share,
    order_statistics,
    percentile,
    skewed_t,
    skewed_t_test,
    wilson,
)

Floats = NDArray[np.float64]
DRAWS = 1000
SHIPPED_N = (5, 6, 8, 10, 12, 16, 20, 22, 24, 30, 32, 44, 48, 96)
"""Observations behind a figure of a shipped config, studies included."""


def coverage(estimates: list[Estimate], truth: float) -> float:
    """Return the share of intervals that hold the truth; one that is missing counts as a failure."""
    ends = [(each.low, each.high) for each in estimates]
    return float(np.mean([low is not None and high is not None and low <= truth <= high for low, high in ends]))


DISTRIBUTIONS: dict[str, tuple[Callable[[np.random.Generator, int], Floats], float]] = {
    "normal": (lambda rng, n: rng.normal(1.0, 1.0, n), 1.0),
    "a right-skewed time": (lambda rng, n: rng.gamma(3.0, 1.0, n), 3.0),
    "a score near its top": (lambda rng, n: rng.beta(9.0, 1.5, n), 9 / 10.5),
}


@pytest.mark.parametrize("n", SHIPPED_N)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_mean_is_covered_by_95_percent_of_its_intervals(name: str, n: int) -> None:
    draw, truth = DISTRIBUTIONS[name]
    rng = np.random.default_rng(n)
    covered = coverage([mean(draw(rng, n).tolist()) for _ in range(DRAWS)], truth)
    assert 0.925 <= covered <= 0.975  # 93 to 97 %, and a standard error of 1,000 draws


@pytest.mark.parametrize("n", [n for n in SHIPPED_N if n >= 8])
def test_a_mean_of_exponential_times_is_covered_where_students_t_is_not(n: int) -> None:
    rng = np.random.default_rng(n)
    assert 0.925 <= coverage([mean(rng.exponential(1.0, n).tolist()) for _ in range(DRAWS)], 1.0) <= 0.97


def average_coverage(interval: Callable[[int], Estimate], n: int, shares: Floats) -> float:
    """Return the coverage of an interval of k hits among n, averaged over true shares."""
    ends = np.array([[each.low, each.high] for each in map(interval, range(n + 1))], dtype=float)
    inside = (ends[:, :1] <= shares) & (shares <= ends[:, 1:])
    return float((inside * stats.binom.pmf(np.arange(n + 1)[:, None], n, shares)).sum(axis=0).mean())


@pytest.mark.parametrize("n", SHIPPED_N)
def test_a_share_is_covered_by_95_percent_of_its_intervals_on_average_over_shares(n: int) -> None:
    covered = average_coverage(lambda hits: share([1.0] * hits + [0.0] * (n - hits)), n, np.linspace(0.02, 0.98, 97))
    assert 0.94 <= covered <= 0.97


def test_a_share_of_95_percent_is_covered_at_24_and_never_without_a_width() -> None:
    """A bootstrap covers it in 68 % of samples, and has no width in the third without a miss."""
    rng = np.random.default_rng(0)
    drawn = [share((rng.random(24) < 0.95).astype(float)) for _ in range(DRAWS)]
    assert 0.93 <= coverage(drawn, 0.95) <= 0.99
    assert all(each.high is not None and each.low is not None and each.high > each.low for each in drawn)
    assert share([1.0] * 24).low == pytest.approx(stats.binomtest(24, 24).proportion_ci(method="wilson").low)


@pytest.mark.parametrize("hits", [0, 1, 5, 11, 12])
def test_wilsons_interval_is_scipys(hits: int) -> None:
    expected = stats.binomtest(hits, 12).proportion_ci(method="wilson")
    result = share([1.0] * hits + [0.0] * (12 - hits))
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert result.method == "Wilson score"


@pytest.mark.parametrize("clusters", [8, 12, 24])
def test_a_share_of_answers_to_few_tasks_is_covered(clusters: int) -> None:
    """Six answers to each task, whose difficulty differs: independent answers would be covered in 80 %."""
    rng = np.random.default_rng(clusters)
    drawn = []
    for _ in range(DRAWS):
        easy = rng.beta(3.0, 1.5, (clusters, 1))
        drawn.append(share((rng.random((clusters, 6)) < easy).sum(axis=1), [6.0] * clusters))
    assert 0.935 <= coverage(drawn, 2 / 3) <= 0.975


@pytest.mark.parametrize("n", [n for n in SHIPPED_N if n >= 6])
def test_a_median_is_covered_by_95_percent_of_its_intervals(n: int) -> None:
    rng = np.random.default_rng(n)
    drawn = [quantile(rng.lognormal(0.0, 1.0, n).tolist(), 0.5) for _ in range(DRAWS)]
    assert 0.925 <= coverage(drawn, 1.0) <= 0.975
    assert drawn[0].method == "order statistics"


@pytest.mark.parametrize("n", [72, 96, 200, 400])
def test_a_95_percent_quantile_is_covered_from_72_observations(n: int) -> None:
    rng = np.random.default_rng(n)
    drawn = [quantile(rng.lognormal(0.0, 1.0, n).tolist(), 0.95) for _ in range(DRAWS)]
    assert 0.93 <= coverage(drawn, float(np.exp(stats.norm.ppf(0.95)))) <= 0.975


def test_a_quantile_beyond_what_the_sample_can_show_has_no_interval() -> None:
    values = np.random.default_rng(0).exponential(1.0, 71).tolist()
    result = quantile(values, 0.95)
    assert result.value == pytest.approx(np.quantile(values, 0.95)) and (result.low, result.high) == (None, None)
    assert result.method.startswith("none: too few")
    assert quantile(values[:5], 0.5).low is None
    assert quantile([*values, 9.0], 0.95).low is not None


@pytest.mark.parametrize("n", [12, 24, 44, 96])
def test_a_ratio_of_sums_is_covered_by_95_percent_of_its_intervals(n: int) -> None:
    rng = np.random.default_rng(n)
    drawn = []
    for _ in range(DRAWS):
        once = rng.gamma(6.0, 1.0, n)
        drawn.append(ratio((7 * once * rng.gamma(20.0, 0.05, n)).tolist(), once.tolist()))
    assert 0.92 <= coverage(drawn, 7.0) <= 0.975


def correlation(sums: Floats) -> Floats:
    """Pearson's correlation from sums of 1, x, y, xx, yy, xy."""
    n, x, y, xx, yy, xy = sums.T
    return np.asarray((xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n)))


@pytest.mark.parametrize("n", [24, 44, 96])
def test_a_smooth_function_of_means_is_covered(n: int) -> None:
    rng = np.random.default_rng(n)
    drawn = []
    for _ in range(DRAWS):
        x, y = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.5], [0.5, 1.0]], n).T
        rows = np.column_stack([np.ones(n), x, y, x * x, y * y, x * y])
        drawn.append(jackknifed(rows, correlation, (-1.0, 1.0)))
    assert 0.91 <= coverage(drawn, 0.5) <= 0.975


def test_below_five_observations_there_is_no_interval_and_the_figure_says_so() -> None:
    for values in ([1.0, 2.0, 4.0, 8.0], [0.0, 1.0, 1.0, 1.0]):
        for result in (mean(values), mean_score([value / 8 for value in values]), quantile(values, 0.5)):
            assert result.value is not None and (result.low, result.high) == (None, None)
            assert result.method == f"none: fewer than {LEAST} observations"
    assert share([1.0, 0.0, 1.0, 1.0]).low is None
    assert percentile(np.arange(100.0), 4).low is None


def test_equal_observations_show_no_spread_and_so_have_no_interval() -> None:
    result = mean([0.1] * 20)
    assert result == Estimate(pytest.approx(0.1), None, None, 20)
    assert result.method == "none: all observations are equal"
    assert mean_score([1.0] * 20).low == pytest.approx(0.8389, abs=1e-4)  # a share


def test_the_t_interval_of_symmetric_observations_is_students() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    expected = stats.t.interval(0.95, 5, 3.5, values.std(ddof=1) / np.sqrt(6))
    result = skewed_t(3.5, values - 3.5)
    assert (result.low, result.high) == pytest.approx(expected)


def test_the_interval_leans_as_the_sample_does_and_stays_within_its_bounds() -> None:
    values = np.array([0.0, 0.1, 0.1, 0.2, 0.2, 0.3, 4.0])
    result = skewed_t(values.mean(), values - values.mean())
    assert result.low is not None and result.high is not None
    assert result.high - values.mean() > 2 * (values.mean() - result.low)
    score = mean_score([0.0, *[0.99] * 8])
    assert score.low is not None and score.low >= 0.0 and score.high is not None and score.high <= 1.0


@given(st.lists(st.floats(-10, 10).map(lambda value: round(value, 2)), min_size=5, max_size=30))
def test_a_mean_that_differs_significantly_from_0_has_an_interval_without_0(values: list[float]) -> None:
    array = np.array(values)
    interval, p_value = skewed_t(array.mean(), array - array.mean()), skewed_t_test(array)
    assert 2.0 ** (1 - len(values)) <= p_value <= 1.0
    if interval.low is not None and interval.high is not None and p_value < 0.0499:
        assert interval.low > 0 or interval.high < 0


@pytest.mark.parametrize("method", [lambda draws: percentile(draws, 10), lambda draws: order_statistics(draws, 0.5)])
def test_an_interval_moves_and_stretches_with_its_observations(method) -> None:  # type: ignore[no-untyped-def]
    draws = np.random.default_rng(0).normal(0, 1, 400)
    plain, moved = method(draws), method(3 * draws + 1)
    assert (moved.low, moved.high) == pytest.approx((3 * plain.low + 1, 3 * plain.high + 1))


def test_clusters_without_variance_are_worth_one_observation_where_the_share_is_complete() -> None:
    none = np.zeros(24)
    assert clustered_share(1.0, none, 240) == wilson(1.0, 24)
    assert clustered_share(0.5, none, 240) == wilson(0.5, 240)
    assert clustered_share(1.0, none, 7) == wilson(1.0, 7)
