from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.statistics.break_even import BreakEven, Machine

RATES = st.floats(0.01, 100)


def bill_per_mtok(rate_usd_per_hour: float, tokens_per_s: float, utilisation: float) -> float:
    """Dollars per million tokens of a month that is lived through second by second of use."""
    hours = 24 * 30
    busy_s = round(utilisation * hours * 3600)
    return rate_usd_per_hour * hours / (busy_s * tokens_per_s / 1e6)


@pytest.mark.parametrize(
    ("tokens_per_s", "price", "text"),
    [(700, 10.0, "9.9 %"), (700, 0.60, "never (165 %)"), (3000, 0.60, "38.6 %"), (3000, 0.10, "never (231 %)")],
)
def test_published_break_evens_at_two_and_a_half_dollars_an_hour(tokens_per_s: float, price: float, text: str) -> None:
    assert Machine(2.50, tokens_per_s).break_even(price).text() == text


@pytest.mark.parametrize(("rate", "tokens_per_s", "price"), [(2.5, 700, 10.0), (2.5, 3000, 0.6), (0.4, 90, 2.0)])
def test_brute_force_over_months_of_use_finds_the_same(rate: float, tokens_per_s: float, price: float) -> None:
    grid = np.linspace(0.005, 1, 400)
    cheaper = [bill_per_mtok(rate, tokens_per_s, each) <= price for each in grid]
    result = Machine(rate, tokens_per_s).break_even(price)
    assert result.reachable and result.utilisation == pytest.approx(grid[cheaper.index(True)], rel=0.05)


def test_an_idle_machine_makes_tokens_at_no_price_and_a_free_api_is_never_beaten() -> None:
    assert Machine(2.5, 700).usd_per_mtok(0.0) == inf
    assert Machine(2.5, 700).break_even(0.0).text() == "never"
    assert Machine(0.0, 700).break_even(0.0) == BreakEven(0.0)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="tokens_per_s 0"):
        Machine(1.0, 0)
    with pytest.raises(ValueError, match="rate_usd_per_hour -1"):
        Machine(-1, 10)
    with pytest.raises(ValueError, match="price_usd_per_mtok nan"):
        Machine(1, 10).break_even(float("nan"))
    with pytest.raises(ValueError, match=r"utilisation 1\.5"):
        Machine(1, 10).usd_per_mtok(1.5)


@given(RATES, st.floats(1, 1e5), RATES)
def test_at_break_even_a_token_costs_what_the_api_asks(rate: float, tokens_per_s: float, price: float) -> None:
    machine = Machine(rate, tokens_per_s)
    result = machine.break_even(price)
    if result.reachable:
        assert machine.usd_per_mtok(result.utilisation) == pytest.approx(price)
    else:
        assert machine.usd_per_mtok(1.0) > price
