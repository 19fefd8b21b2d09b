"""Numbers as text: the size of a number can be read, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.statistics import Estimate, number


def value_of(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("digits", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("power", range(-9, 10))
def test_no_number_is_written_as_zero_or_far_from_what_it_is(power: int, digits: int, sign: int) -> None:
    for mantissa in (1.0, 1.26, 4.9, 9.96):
        value = sign * mantissa * 10.0**power
        assert value_of(number(value, digits)) == pytest.approx(value, rel=0.5)
        assert value_of(number(value, digits + 1, significant=True)) == pytest.approx(value, rel=0.5 * 10.0**-digits)
        if abs(value) < 10.0**-digits:
            assert value_of(number(value, digits)) == pytest.approx(value, rel=0.05)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 6), st.booleans())
def test_a_number_is_short_and_keeps_its_sign(value: float, digits: int, significant: bool) -> None:
    text = number(value, digits, significant=significant)
    assert len(text) < 30
    assert (value_of(text) > 0) == (value > 0) and (value_of(text) < 0) == (value < 0)
    assert text.startswith("-") == (value < 0)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 2, "0.00"),
        (-0.0, 2, "0.00"),
        (0.914, 2, "0.91"),
        (0.00012, 3, "0.00012"),
        (9.96e-6, 3, "1.0e-5"),
        (-1.26e-9, 2, "-1.3e-9"),
        (1234567.0, 0, "1,234,567"),
        (2e13, 2, "2.0e13"),
        (float("inf"), 2, "∞"),
        (float("-inf"), 2, "-∞"),
        (float("nan"), 2, "unknown"),
    ],
)
def test_numbers_are_written_as_people_read_them(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text


def test_a_rounding_error_next_to_a_number_is_zero() -> None:
    assert number(1e-17, beside=0.4) == "0.00"
    assert number(1e-17) == "1.0e-17"


def test_tiny_estimates_show_their_digits_and_their_interval() -> None:
    assert Estimate(1.2e-9, 1e-9, 2e-9, 3).text() == "1.2e-9 (1.0e-9 to 2.0e-9, n=3)"
    assert Estimate(0.1, 0.00098, 0.2, 40).text() == "0.10 (0.00 to 0.20, n=40)"
    assert Estimate(0.0004, 0.0, 0.0072, 18).text() == "0.00040 (0.00 to 0.0072, n=18)"


def test_an_interval_without_width_is_left_out_as_it_is_no_certainty() -> None:
    assert Estimate(0.94, 0.94, 0.94, 6).text() == "0.94 (n=6)"
    assert Estimate(0.94, 0.94, 0.94 + 1e-12, 6).interval is None
    assert Estimate(0.94, 0.93, 0.94, 6).interval == (0.93, 0.94)
    assert Estimate(0.94, None, None, 1).interval is None
