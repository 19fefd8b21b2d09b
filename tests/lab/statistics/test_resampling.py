import tracemalloc

import numpy as np
import pytest

from lab.statistics.agreement import krippendorff_alpha
from lab.statistics.estimate import Estimate
from lab.statistics.resampling import BUNDLES, RESAMPLES, bundled, resampled_sums


def test_resampled_sums_are_those_of_rows_drawn_one_by_one() -> None:
    rows = np.random.default_rng(1).normal(0, 1, (70, 3))
    picks = np.random.default_rng(0).integers(0, 70, size=(RESAMPLES, 70))
    assert resampled_sums(rows) == pytest.approx(rows[picks].sum(axis=1))


def test_bundles_keep_every_observation_once_and_are_of_equal_size() -> None:
    rows = np.column_stack([np.ones(5003), np.arange(5003.0)])
    result = bundled(rows)
    assert len(result) == BUNDLES and set(result[:, 0]) == {2.0, 3.0}
    assert result.sum(axis=0) == pytest.approx(rows.sum(axis=0))


def test_intervals_of_many_observations_are_right_and_take_little_memory() -> None:
    quality = np.random.default_rng(0).normal(0.0, 1.0, (300_000, 1))
    ratings = quality + np.random.default_rng(1).normal(0.0, 1.0, (300_000, 2))
    tracemalloc.start()
    try:
        result = krippendorff_alpha(ratings)
        assert tracemalloc.get_traced_memory()[1] < 120e6
    finally:
        tracemalloc.stop()
    assert result.low is not None and result.high is not None and result.n == 300_000
    # The standard error of an intraclass correlation of 1/2 between two raters is (1 - 1/4) / sqrt(n).
    assert (result.high - result.low) / 2 == pytest.approx(1.96 * 0.75 / np.sqrt(300_000), rel=0.08)


def test_undefined_draws_are_left_out_and_infinite_ones_may_be_an_end() -> None:
    # The tails of a t-interval at n = 9 are those of a normal one at 1.46 % and 98.54 %.
    wide = Estimate.of_draws(1.0, np.array([np.nan, 0.5, 1.5]), 9)
    assert (wide.low, wide.high) == pytest.approx((0.5073, 1.4927), abs=1e-4)
    assert Estimate.of_draws(1.0, np.array([0.5] * 50 + [np.inf] * 50), 9) == Estimate(1.0, 0.5, np.inf, 9)
    assert Estimate.of_draws(np.nan, np.array([1.0]), 8) == Estimate(None, None, None, 8)
    assert Estimate.of_draws(1.0, np.array([np.nan]), 8) == Estimate(1.0, None, None, 8)
