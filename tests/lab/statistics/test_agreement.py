import time
import tracemalloc
from collections.abc import Callable

import evalica
import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from lab.statistics import Estimate
from lab.statistics.agreement import cohen_kappa, krippendorff_alpha


def ratings(items: int, raters: int, seed: int = 0) -> NDArray[np.float64]:
    """Scores of raters who see each item's quality through noise of their own; a fifth is missing."""
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 1, (items, 1)) + rng.normal(0, 0.7, (items, raters))
    table[rng.random(table.shape) < 0.2] = np.nan
    return table


def test_alpha_is_that_of_evalica_with_ratings_missing() -> None:
    for seed in range(5):
        table = np.round(ratings(40, 5, seed), 1)
        expected = evalica.alpha(pandas.DataFrame(table.T), distance="interval").alpha
        assert krippendorff_alpha(table).value == pytest.approx(expected, abs=1e-9)


def test_alpha_of_krippendorffs_own_example() -> None:
    """Four observers, twelve units, interval distance: 0.849 (Krippendorff 2011, Computing Krippendorff's alpha)."""
    gap = np.nan
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, gap, gap, gap],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, gap, 3],
        [gap, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, gap],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, gap],
    ]
    result = krippendorff_alpha(np.array(observers).T)
    assert result.value == pytest.approx(0.849, abs=5e-4)
    assert result.n == 11  # the last unit has one rating


def test_alpha_does_not_lose_its_digits_far_from_zero() -> None:
    table = ratings(50, 4)
    assert krippendorff_alpha(table + 1e9).value == pytest.approx(krippendorff_alpha(table).value, abs=1e-5)


@pytest.mark.parametrize("items", [8, 12, 24, 80])
def test_alphas_interval_covers_the_closed_form_of_its_truth(items: int) -> None:
    """For one-way noise alpha tends to the intraclass correlation, 1 / (1 + 0.7²)."""
    drawn = [krippendorff_alpha(ratings(items, 4, seed)) for seed in range(1000)]
    ends = [(each.low, each.high) for each in drawn]
    covered = [low is not None and high is not None and low <= 1 / 1.49 <= high for low, high in ends]
    assert 0.92 <= np.mean(covered) <= 0.97


def test_sixteen_raters_of_100_000_items_take_less_than_a_second_and_200_mb() -> None:
    table = ratings(100_000, 16)
    start = time.process_time()
    result = krippendorff_alpha(table)
    assert time.process_time() - start < 2.0  # 0.2 s on an idle core, interval included
    assert result.value == pytest.approx(1 / 1.49, abs=0.01)
    tracemalloc.start()
    try:
        krippendorff_alpha(table)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


def test_kappa_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    first = rng.choice(["good", "bad", "neither"], 200, p=[0.6, 0.3, 0.1])
    second = np.where(rng.random(200) < 0.6, first, rng.choice(["good", "bad", "neither"], 200))
    result = cohen_kappa(list(first), list(second))
    assert result.value == pytest.approx(cohen_kappa_score(first, second))
    picks = np.random.default_rng(1).integers(0, 200, (800, 200))
    drawn = np.percentile([cohen_kappa_score(first[pick], second[pick]) for pick in picks], [2.5, 97.5])
    assert [result.low, result.high] == pytest.approx(list(drawn), abs=0.02)


def test_nothing_to_compare_or_nothing_to_tell_apart_has_no_value() -> None:
    assert krippendorff_alpha([]) == Estimate(None, None, None, 0)
    assert krippendorff_alpha(np.full((3, 2), np.nan)) == Estimate(None, None, None, 0)
    assert krippendorff_alpha([[1.0], [2.0]]) == Estimate(None, None, None, 0)
    assert krippendorff_alpha([[0.1, 0.1]] * 4) == Estimate(None, None, None, 4)
    assert krippendorff_alpha([[1.0, 2.0]]) == Estimate(0.0, None, None, 1)
    assert cohen_kappa([], []) == Estimate(None, None, None, 0)
    assert cohen_kappa([None, 1], [1, None]) == Estimate(None, None, None, 0)
    assert cohen_kappa(["a", "a"], ["a", "a"]) == Estimate(None, None, None, 2)


def kappa(table: NDArray[np.float64], cluster: NDArray[np.int64] | None = None) -> Estimate:
    return cohen_kappa(table[:, 0].tolist(), table[:, 1].tolist(), cluster)


@pytest.mark.parametrize("measure", [kappa, krippendorff_alpha])
def test_answers_to_one_task_are_drawn_together(measure: Callable[..., Estimate]) -> None:
    """24 tasks of 10 answers each: two raters agree on a whole task or not at all."""
    rng = np.random.default_rng(4)
    tasks = np.repeat(np.arange(24), 10)
    first = rng.random(240) < 0.5
    table = np.column_stack([first, np.where((rng.random(24) < 0.9)[tasks], first, ~first)])
    alone, together = measure(table), measure(table, tasks)
    assert (alone.n, together.n) == (240, 24)
    assert together.value == pytest.approx(alone.value)
    assert None not in (alone.low, alone.high, together.low, together.high)
    assert (together.high or 0.0) - (together.low or 0.0) > 2 * ((alone.high or 0.0) - (alone.low or 0.0))
    order = rng.permutation(240)
    again = measure(table[order], tasks[order])
    assert [again.low, again.high] == pytest.approx([together.low, together.high])


def test_a_cluster_in_which_nothing_is_rated_twice_does_not_count() -> None:
    assert krippendorff_alpha([[0.0, 1.0], [1.0, 1.0], [0.0, np.nan]], [0, 0, 1]).n == 1
    assert cohen_kappa([0, 1, 1], [0, 0, None], [0, 0, 1]).n == 1


def test_lists_and_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one cluster for every observation"):
        cohen_kappa([1, 2], [1, 2], [0])
    with pytest.raises(ValueError, match="paired"):
        cohen_kappa([1], [])
    with pytest.raises(ValueError, match=r"\(items, raters\)"):
        krippendorff_alpha([1.0, 2.0])


@settings(max_examples=40)
@given(arrays(float, (6, 3), elements=st.integers(0, 4).map(float)), st.floats(0.5, 20), st.floats(-50, 50))
def test_alpha_does_not_depend_on_the_order_or_the_unit(table, unit, origin) -> None:  # type: ignore[no-untyped-def]
    result = krippendorff_alpha(table).value
    assert krippendorff_alpha(table[::-1, ::-1]).value == pytest.approx(result)
    assert krippendorff_alpha(table * unit + origin).value == pytest.approx(result, abs=1e-6)
    assert result is None or result <= 1.0
    perfect = krippendorff_alpha(np.repeat(table[:, :1], 3, axis=1)).value
    assert perfect in (None, pytest.approx(1.0))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_kappa_is_symmetric_and_bounded(pairs: list[tuple[int, int]]) -> None:
    first, second = [each for each, _ in pairs], [other for _, other in pairs]
    result = cohen_kappa(first, second)
    assert result.value == pytest.approx(cohen_kappa(second, first).value)
    assert result.value is None or -1 <= result.value <= 1
    assert cohen_kappa(first, first).value in (None, pytest.approx(1.0))
