"""The fixed-point pieces by themselves, where the references print numbers for them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from consensus.yuma import fixed, median

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "yuma.json").read_text())
ONE = 1 << 32

multiply = njit(lambda a, b: fixed.multiply(a, b))
multiply_signed = njit(lambda a, b: fixed.multiply_signed(a, b))
divide_wide = njit(lambda x, by: fixed.divide_wide(x, by))
share = njit(lambda x, total: fixed.share(x, total))
weighted_median = njit(lambda scores, weights, total, limit: median.weighted_median(scores, weights, total, limit))


@njit
def divide(x: int, by: int) -> int:
    return fixed.divide(x, by, fixed.TWO_32 / float(by))


@njit
def exponential(x: Any) -> Any:
    out = np.empty_like(x)
    fixed.exponential(x, np.empty_like(x), np.empty_like(x), out)
    return out


def slow_exp(x: int) -> int:
    if x == ONE:
        return 22802600 << 9
    term = min(abs(x), 20 * ONE)
    size, total = term, ONE + term
    for i in range(2, 32):
        term = (term * size >> 32) // i
        total += term
    return (1 << 64) // total if x < 0 else total


def test_the_exponential_equals_the_chains_bits() -> None:
    printed = VECTORS["math"]["exp_bits"]
    x = np.array([round(float(value) * ONE) for value in printed], np.int64)
    assert exponential(x).tolist() == list(printed.values())


@settings(max_examples=200)
@given(st.lists(st.integers(-20 * ONE, 20 * ONE) | st.sampled_from([0, ONE, -ONE]), min_size=1, max_size=40))
def test_the_exponential_is_exact_over_its_whole_range(values: list[int]) -> None:
    assert exponential(np.array(values, np.int64)).tolist() == [slow_exp(x) for x in values]


@settings(max_examples=300)
@given(st.integers(0, ONE), st.integers(0, ONE), st.integers(1, 2**40))
def test_products_and_quotients_are_exact(a: int, b: int, by: int) -> None:
    assert multiply(a, b) == a * b >> 32
    assert divide(min(a, by), by) == (min(a, by) << 32) // by
    assert divide(ONE, ONE + by) == (ONE << 32) // (ONE + by)
    wide = min((by << 32) // max(b, 1), 2**63 - 1)
    assert (divide_wide(by, max(b, 1)), divide_wide(-by, max(b, 1))) == (wide, -wide)


@settings(max_examples=300)
@given(st.integers(-(2**62), 2**62), st.integers(-(2**41), 2**41), st.integers(1, 2**63 - 1), st.data())
def test_signed_products_and_stake_shares_are_exact(a: int, b: int, total: int, data: st.DataObject) -> None:
    product = a * b >> 32
    if abs(a * b) < 2**95 - 2**60:
        assert multiply_signed(a, b) == product
    part = data.draw(st.integers(0, total))
    assert share(part, total) == (part << 32) // total


def test_the_sigmoid_reaches_the_values_upstream_prints() -> None:
    for rho in (30, 40):
        case = VECTORS["math"][f"sigmoid_rho{rho}_kappa05"]
        x = np.array([round(-rho * (value - 0.5) * ONE) for value in case["x"]], np.int64)
        sigmoid = [divide(ONE, ONE + e) / ONE for e in exponential(x).tolist()]
        assert np.abs(np.array(sigmoid) - case["y"]).max() < 1e-7


def bits(values: list[float]) -> Any:
    return np.array([round(value * ONE) for value in values], np.int64)


@pytest.mark.parametrize("case", VECTORS["weighted_median"]["cases"])
def test_the_weighted_median_equals_upstreams(case: dict[str, Any]) -> None:
    stake = bits(case["stake"])
    limit = round((1 - case["majority"]) * ONE)
    result = weighted_median(bits(case["score"]), stake, int(stake.sum()), limit)
    assert result == round(case["expected"] * ONE)


@pytest.mark.parametrize("case", VECTORS["weighted_median_col"]["cases"])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_weighted_median_of_columns_equals_upstreams(case: dict[str, Any], sparse: bool) -> None:
    stake = bits(case["stake"])
    for column, expected in zip(zip(*case["weights"], strict=True), case["expected"], strict=True):
        scores = bits(list(column))
        held = scores > 0 if sparse else np.ones(len(scores), np.bool_)
        limit = int(stake.sum()) - round(case["majority"] * ONE)
        assert weighted_median(scores[held], stake[held], int(stake.sum()), limit) == round(expected * ONE)
