"""Collateral, the limit of subnets, dissolving, conviction, and what a takeover costs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.amounts import TAO
from consensus.errors import ParamsError, PoolError
from consensus.lifecycle.collateral import register
from consensus.lifecycle.conviction import (
    MATURITY_BLOCKS,
    TAKEOVER_AGE,
    UNLOCK_BLOCKS,
    Lock,
    Ownership,
    blocks_to_conviction,
    new_owner,
)
from consensus.lifecycle.subnet_limit import (
    IMMUNE_BLOCKS,
    SubnetAge,
    dissolve,
    new_pool,
    new_subnet_fits,
    subnet_to_replace,
)
from consensus.lifecycle.takeover import alpha_for_share, takeover
from consensus.pool.pool import Pool

POOL = Pool(2_000_000 * TAO, 40_000 * TAO)


# Collateral


def test_a_part_of_the_price_is_locked_and_earned_back() -> None:
    collateral = register(10 * TAO, lock_share=0.6)
    assert (collateral.burned_rao, collateral.locked_rao) == (4 * TAO, 6 * TAO)
    later = collateral.after_epoch(TAO).after_epoch(TAO, factor=2.0)
    assert (later.locked_rao, later.released_rao) == (3 * TAO, 3 * TAO)
    assert later.after_epoch(100 * TAO).locked_rao == 0
    gone = later.deregistered()
    assert (gone.burned_rao, gone.locked_rao, gone.released_rao) == (7 * TAO, 0, 3 * TAO)


def test_what_stands_already_counts_towards_the_collateral() -> None:
    assert register(10 * TAO, 0.6, standing_rao=2 * TAO).locked_rao == 6 * TAO
    assert register(10 * TAO, 0.6, standing_rao=8 * TAO).locked_rao == 8 * TAO


def test_a_least_collateral_stays_and_none_is_locked_by_default() -> None:
    assert register(10 * TAO, 0.5).after_epoch(9 * TAO, least_rao=TAO).locked_rao == TAO
    assert register(10 * TAO).locked_rao == 0
    with pytest.raises(ParamsError, match=r"lock_share: 1.5; allowed: 0 to 1"):
        register(TAO, 1.5)


# Subnets


def test_a_full_chain_replaces_the_lowest_moving_price_of_equal_ones_the_oldest() -> None:
    subnets = {1: SubnetAge(5, 10), 2: SubnetAge(3, 20), 3: SubnetAge(3, 15), 4: SubnetAge(1, 2 * IMMUNE_BLOCKS)}
    block = 2 * IMMUNE_BLOCKS
    assert subnet_to_replace(subnets, block, limit=4) == 3
    assert subnet_to_replace(subnets, block, limit=5) is None and new_subnet_fits(subnets, block, limit=5)


def test_a_chain_of_immune_subnets_takes_no_other() -> None:
    subnets = {1: SubnetAge(5, 10)}
    assert subnet_to_replace(subnets, IMMUNE_BLOCKS + 9, limit=1) is None
    assert not new_subnet_fits(subnets, IMMUNE_BLOCKS + 9, limit=1)
    assert subnet_to_replace(subnets, IMMUNE_BLOCKS + 10, limit=1) == 1


def test_a_new_pool_has_the_whole_lock_and_the_median_price() -> None:
    others = {netuid: Pool(1_000 * TAO, tao * TAO) for netuid, tao in ((1, 10), (2, 20), (3, 500))}
    pool = new_pool(1_000 * TAO, others)
    assert pool.tao_rao == 1_000 * TAO and pool.price == pytest.approx(0.02)
    assert new_pool(1_000 * TAO, {}).price == pytest.approx(1.0)
    with pytest.raises(PoolError, match="lock: 5 rao; allowed: at least 1000000"):
        new_pool(5, {})


def test_holders_of_a_dissolved_subnet_get_its_tao_by_alpha() -> None:
    result = dissolve(100, {"a": 1, "b": 1, "c": 1})
    assert sorted(result.paid_rao.values()) == [33, 33, 34] and result.recycled_rao == 0
    shared = dissolve(100, {"a": 30}, protocol_rao=20, pool_alpha_rao=50)
    assert (shared.paid_rao["a"], shared.recycled_rao) == (30, 70)
    assert dissolve(100, {}).recycled_rao == 100


@given(
    st.integers(0, 10**16),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**15)),
    st.integers(0, 10**15),
    st.integers(0, 10**15),
)
def test_dissolving_pays_the_whole_pot(pot: int, alpha: dict[str, int], protocol: int, pool: int) -> None:
    result = dissolve(pot, alpha, protocol_rao=protocol, pool_alpha_rao=pool)
    assert sum(result.paid_rao.values()) + result.recycled_rao == pot
    total = sum(alpha.values()) + protocol + pool
    for holder, rao in result.paid_rao.items():
        exact = pot * alpha[holder] // total if total else 0
        assert exact <= rao <= exact + 1


# Conviction


def test_conviction_of_a_perpetual_lock_is_half_way_after_its_half_life() -> None:
    lock = Lock(100 * TAO).after(round(MATURITY_BLOCKS * math.log(2)))
    assert lock.conviction_rao == pytest.approx(50 * TAO, rel=1e-5) and lock.locked_rao == 100 * TAO


def test_conviction_depends_on_the_time_alone_and_not_on_how_often_it_is_looked_at() -> None:
    whole, halves = Lock(100 * TAO).after(600_000), Lock(100 * TAO).after(200_000).after(400_000)
    assert whole.conviction_rao == pytest.approx(halves.conviction_rao, abs=2)


def test_a_decaying_lock_unlocks_and_its_conviction_rises_and_fades() -> None:
    lock = Lock(100 * TAO, perpetual=False)
    early, late = lock.after(UNLOCK_BLOCKS), lock.after(10 * UNLOCK_BLOCKS)
    assert early.locked_rao == pytest.approx(100 * TAO / math.e, rel=1e-6)
    assert early.conviction_rao == pytest.approx(100 * TAO / math.e, rel=1e-6)
    assert late.conviction_rao < early.conviction_rao / 100
    fast = lock.after(UNLOCK_BLOCKS, maturity=UNLOCK_BLOCKS // 3)
    assert fast.conviction_rao == pytest.approx(100 * TAO * 1.5 * (math.exp(-1) - math.exp(-3)), rel=1e-4)


def test_the_owner_has_full_conviction_at_once_and_dust_vanishes() -> None:
    assert Lock(TAO, on_owner=True).after(0).conviction_rao == TAO
    assert Lock(99).after(1) == Lock(0)


def test_since_2026_08_one_hotkey_needs_more_than_18_percent_of_the_eligible_alpha() -> None:
    subnet = Ownership(age_blocks=TAKEOVER_AGE, outstanding_rao=1_200, protocol_rao=150, burned_rao=50)
    assert subnet.eligible_rao == 1_000 and subnet.needed_rao() == 180
    assert new_owner({"a": 180, "b": 100}, subnet) is None
    assert new_owner({"a": 181, "b": 100}, subnet) == "a"
    young = Ownership(age_blocks=TAKEOVER_AGE - 1, outstanding_rao=1_000)
    assert new_owner({"a": 999}, young) is None and new_owner({}, subnet) is None


def test_before_all_together_needed_ten_percent_and_the_strongest_took_over() -> None:
    subnet = Ownership(age_blocks=TAKEOVER_AGE, outstanding_rao=1_000)
    assert new_owner({"a": 60, "b": 40}, subnet, "aggregate") == "a"
    assert new_owner({"a": 60, "b": 39}, subnet, "aggregate") is None
    assert subnet.needed_rao("aggregate") == 100


def test_the_blocks_to_a_conviction_are_the_first_that_exceed_it() -> None:
    blocks = blocks_to_conviction(100 * TAO, 18 * TAO)
    assert blocks is not None
    assert Lock(100 * TAO).after(blocks - 2).conviction_rao < 18 * TAO <= Lock(100 * TAO).after(blocks).conviction_rao
    assert blocks_to_conviction(18 * TAO, 18 * TAO) is None


# Takeover


def test_a_share_of_the_stake_needs_f_over_one_minus_f_of_the_others() -> None:
    assert alpha_for_share(300, 0.25) == 100
    assert alpha_for_share(1_000, 0.5) == 1_000
    with pytest.raises(ParamsError, match=r"share: 1.0; allowed: above 0 and below 1"):
        alpha_for_share(300, 1.0)


def test_a_majority_takes_all_of_the_miners_pay_and_a_minority_none_of_it() -> None:
    major = takeover(POOL, 1_000_000 * TAO, 0.51, epochs=3)
    minor = takeover(POOL, 1_000_000 * TAO, 0.49, epochs=3)
    assert major.own_incentive == pytest.approx(1.0, abs=1e-4) and minor.own_incentive == 0.0
    assert major.epochs[0].earned_rao > 360 * 0.41 * TAO
    assert minor.epochs[0].earned_rao == 0 < minor.epochs[0].honest_rao
    assert major.epochs[0].honest_rao == pytest.approx(360 * 0.41 * 0.51 * TAO, rel=1e-3)


def test_the_cost_of_a_takeover_is_the_closed_form_and_its_price_moves() -> None:
    plan = takeover(Pool(2_000_000 * TAO, 40_000 * TAO, fee=0), 1_000_000 * TAO, 0.5, epochs=1)
    assert plan.cost_rao == pytest.approx(40_000 * TAO, abs=3)  # y a / (x - a) with a = x / 2
    assert plan.price_after == pytest.approx(4 * plan.price)
    assert plan.impact == pytest.approx(0.5)


def test_profit_is_what_the_position_brings_less_its_cost_and_a_falling_price_eats_it() -> None:
    calm = takeover(POOL, 1_000_000 * TAO, 0.51, epochs=12)
    fall = takeover(POOL, 1_000_000 * TAO, 0.51, epochs=12, price_fall=0.5)
    assert [epoch.profit_rao for epoch in calm.epochs] == sorted(epoch.profit_rao for epoch in calm.epochs)
    assert all(epoch.profit_rao == epoch.tao_rao - calm.cost_rao for epoch in calm.epochs)
    assert calm.break_even_epoch is not None and fall.break_even_epoch is None
    with pytest.raises(ParamsError, match=r"price_fall: 1.0"):
        takeover(POOL, TAO, 0.5, price_fall=1.0)


def test_more_alpha_than_the_pool_holds_can_not_be_bought() -> None:
    with pytest.raises(PoolError, match="would take"):
        takeover(POOL, 3_000_000 * TAO, 0.5)
