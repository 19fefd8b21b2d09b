"""The pool against arithmetic of 80 digits, and what a trade must conserve."""

import random
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.amounts import TAO
from consensus.errors import PoolError
from consensus.pool.pool import LEAST_WEIGHT, Pool
from consensus.pool.power import UNIT

RESERVES = st.integers(10**9, 10**16)
WEIGHTS = st.integers(LEAST_WEIGHT * 10, UNIT - LEAST_WEIGHT * 10)


def exact_output(out: int, into: int, net: int, above: int, below: int) -> Decimal:
    with localcontext(prec=80):
        ratio = Decimal(into) / Decimal(into + net)
        return Decimal(out) * (1 - (ratio if above == below else ratio ** (Decimal(above) / Decimal(below))))


def trades(count: int, *, equal: bool) -> list[tuple[Pool, int]]:
    draw = random.Random(7)
    cases = []
    for _ in range(count):
        alpha, tao = (int(10 ** draw.uniform(9, 16)) for _ in range(2))
        weight = UNIT // 2 if equal else draw.randrange(UNIT // 20, UNIT - UNIT // 20)
        cases.append((Pool(alpha, tao, weight, minimum_rao=0), int(10 ** draw.uniform(-4, 1) * tao) + 10))
    return cases


def error_of(pool: Pool, amount: int, *, buying: bool) -> Decimal:
    """Return how far a trade lies from exact arithmetic, in rao; 0 where the trade is refused for bringing nothing."""
    try:
        trade = pool.buy(amount) if buying else pool.sell(amount)
    except PoolError:
        return Decimal(0)
    net = amount - trade.fee_rao
    out, into = (pool.alpha_rao, pool.tao_rao) if buying else (pool.tao_rao, pool.alpha_rao)
    above, below = (pool.tao_weight, pool.alpha_weight) if buying else (pool.alpha_weight, pool.tao_weight)
    with localcontext(prec=80):
        return abs(trade.received_rao - exact_output(out, into, net, above, below))


def test_ten_thousand_trades_at_equal_weights_are_within_one_rao_of_80_digits() -> None:
    errors = [
        error_of(pool, amount, buying=place % 2 == 0) for place, (pool, amount) in enumerate(trades(10_000, equal=True))
    ]
    assert 0 < max(errors) <= 1
    assert sum(error > 0 for error in errors) > 9_000  # nearly all trades take place


def test_trades_at_other_weights_are_within_one_unit_of_the_reserve() -> None:
    for place, (pool, amount) in enumerate(trades(500, equal=False)):
        buying = place % 2 == 0
        unit = Decimal(pool.alpha_rao if buying else pool.tao_rao) / UNIT
        assert error_of(pool, amount, buying=buying) <= 1 + unit + unit / 18  # the last part is U64F64's own rounding


@given(RESERVES, RESERVES, WEIGHTS, st.integers(1_000, 10**15), st.booleans())
def test_a_trade_conserves_both_tokens(alpha: int, tao: int, weight: int, amount: int, buying: bool) -> None:
    pool = Pool(alpha, tao, weight)
    try:
        trade = pool.buy(amount) if buying else pool.sell(amount)
    except PoolError:
        return
    tao_in = trade.paid_rao - trade.fee_rao if buying else -trade.received_rao
    alpha_in = -trade.received_rao if buying else trade.paid_rao - trade.fee_rao
    assert (trade.pool.tao_rao, trade.pool.alpha_rao) == (tao + tao_in, alpha + alpha_in)
    assert (trade.pool.price_bits >= pool.price_bits) == buying or trade.pool.price_bits == pool.price_bits


@given(RESERVES, RESERVES, WEIGHTS, st.integers(0, 10**14), st.integers(0, 10**14))
def test_liquidity_does_not_move_the_price(alpha: int, tao: int, weight: int, tao_in: int, alpha_in: int) -> None:
    pool = Pool(alpha, tao, weight)
    try:
        after = pool.add(tao_in, alpha_in)
    except PoolError:
        return
    assert after.tao_rao - tao_in == tao and after.alpha_rao - alpha_in == alpha
    assert after.price == pytest.approx(pool.price, rel=1e-7)


def test_buying_and_selling_back_loses_the_two_fees_and_nothing_else() -> None:
    pool = Pool(2_000_000 * TAO, 40_000 * TAO)
    bought = pool.buy(100 * TAO)
    sold = bought.pool.sell(bought.received_rao)
    assert bought.fee_rao == 100 * TAO * 33 // 65535
    assert sold.received_rao == pytest.approx(100 * TAO * (1 - 33 / 65535) ** 2, rel=1e-5)
    free = pool.buy(100 * TAO, with_fee=False)
    assert free.pool.sell(free.received_rao, with_fee=False).received_rao == pytest.approx(100 * TAO, abs=2)


def test_impact_is_the_part_that_the_spot_price_would_have_brought_more() -> None:
    pool = Pool(1_000 * TAO, 1_000 * TAO)
    assert pool.sell(1_000 * TAO, with_fee=False).impact == pytest.approx(0.5)
    assert pool.buy(1_000 * TAO, with_fee=False).impact == pytest.approx(0.5)


@pytest.mark.parametrize("weight", [UNIT // 2, UNIT // 4, UNIT * 7 // 10])
def test_a_trade_up_to_a_limit_ends_at_that_price(weight: int) -> None:
    pool = Pool(3_000 * TAO, 1_000 * TAO, weight)
    dear, cheap = pool.price * 1.3, pool.price * 0.8
    assert pool.buy(pool.buy_up_to(dear)).pool.price == pytest.approx(dear, rel=1e-8)
    assert pool.sell(pool.sell_down_to(cheap)).pool.price == pytest.approx(cheap, rel=1e-8)
    assert pool.buy_up_to(cheap) == pool.sell_down_to(dear) == 0


@settings(max_examples=40)
@given(RESERVES, RESERVES, WEIGHTS, st.floats(0.001, 0.9))
def test_the_cost_of_alpha_is_the_least_that_buys_it(alpha: int, tao: int, weight: int, part: float) -> None:
    pool = Pool(alpha, tao, weight)
    wanted = int(alpha * part)
    try:
        cost = pool.cost_of(wanted)
    except PoolError as error:
        assert "cost more than" in str(error) or "take" in str(error)
        return
    try:
        assert pool.buy(cost).received_rao >= wanted
    except PoolError as error:  # one rao of TAO buys so much alpha that it would leave too little
        assert "would take" in str(error)
    assert cost == 1 or pool.buy(cost - 1).received_rao < wanted


def test_the_closed_form_of_a_takeover_is_met() -> None:
    pool = Pool(2_000_000 * TAO, 40_000 * TAO, fee=0)
    wanted = 500_000 * TAO
    assert pool.cost_of(wanted) == pytest.approx(40_000 * TAO * 500_000 / 1_500_000, abs=2)


def test_a_pool_made_from_a_price_has_it() -> None:
    assert Pool.at_price(0.0123, 2_000_000 * TAO, 40_000 * TAO).price == pytest.approx(0.0123, rel=1e-9)
    with pytest.raises(PoolError, match="weight of 0.00%; allowed: 1 % to 99 %"):
        Pool.at_price(1e-9, 2_000_000 * TAO, 40_000 * TAO)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha_rao": 0}, "pool alpha_rao: 0; allowed: a whole number from 1"),
        ({"tao_rao": 1.5}, "pool tao_rao: 1.5"),
        ({"alpha_weight": UNIT}, "pool alpha_weight"),
    ],
)
def test_a_pool_that_no_chain_could_hold_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(PoolError, match=message):
        Pool(**({"alpha_rao": TAO, "tao_rao": TAO} | change))


def test_a_trade_beyond_the_pool_is_refused() -> None:
    pool = Pool(TAO, TAO, minimum_rao=10**7)
    with pytest.raises(PoolError, match="allowed: 1 to 1000000000000 rao"):
        pool.buy(2_000 * TAO)
    with pytest.raises(PoolError, match="would take"):
        pool.sell(999 * TAO)
    with pytest.raises(PoolError, match="0 rao after the fee"):
        pool.buy(0)
