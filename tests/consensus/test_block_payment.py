"""A block of a network: the terms of each subnet, the split of its alpha, dividends, and that nothing gets lost."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.amounts import TAO
from consensus.emission.block import NOTHING, Network, SubnetMarket, pay_block
from consensus.emission.dividends import (
    LEAST_CLAIM_RAO,
    RootClaims,
    ValidatorShare,
    epoch_dividends,
    split_by_stake,
)
from consensus.emission.fixed_point import ONE, RAO
from consensus.emission.halving import block_emission
from consensus.emission.miner_pay import miner_day
from consensus.emission.rules import ERAS, Rules
from consensus.emission.shares import ShareInput
from consensus.emission.terms import TAO_WEIGHT, RootStake, chain_buy_limit, split_alpha, subnet_terms
from consensus.errors import ParamsError, PoolError, StateError
from consensus.pool.pool import Pool

POOL = Pool(2_000_000 * TAO, 40_000 * TAO)
ROOT = RootStake(5_000_000 * TAO)


def market(price: float = 0.02, *, outstanding: int = 3_000_000 * TAO, pool: Pool = POOL) -> SubnetMarket:
    return SubnetMarket(pool=pool, outstanding_rao=outstanding, standing=ShareInput(moving_price=int(price * RAO)))


def network(rules: Rules = "2026-08", **subnets: SubnetMarket) -> Network:
    return Network(
        subnets={int(name[1:]): subnet for name, subnet in subnets.items()},
        block=9_000_000,
        issuance_rao=11_000_000 * TAO,
        root=ROOT,
        rules=rules,
    )


def test_a_small_share_enters_the_pool_whole_with_alpha_at_the_price() -> None:
    terms = subnet_terms(ONE // 1000, TAO // 2, POOL, alpha_issuance_rao=5_000_000 * TAO, root=ROOT)
    assert (terms.tao_in_rao, terms.excess_rao) == (499_999, 0)  # the share is truncated to 32 bits
    assert terms.alpha_in_rao == pytest.approx(500_000 / POOL.price, rel=1e-5)
    assert terms.alpha_out_rao == TAO


def test_beyond_the_roots_part_of_the_alpha_emission_tao_buys_alpha_instead() -> None:
    terms = subnet_terms(ONE // 2, TAO // 2, POOL, alpha_issuance_rao=5_000_000 * TAO, root=ROOT)
    cap = ROOT.proportion(5_000_000 * TAO) / RAO
    assert cap == pytest.approx(0.05268 * 5 / (0.05268 * 5 + 5), rel=1e-3)
    assert terms.alpha_in_rao == pytest.approx(cap * TAO, abs=1)
    assert terms.tao_in_rao == pytest.approx(cap * TAO * POOL.price, rel=1e-6)
    assert terms.tao_in_rao + terms.excess_rao == pytest.approx(TAO // 4, abs=1)


def test_the_split_is_18_41_41_without_root_and_root_takes_from_validators() -> None:
    plain = split_alpha(TAO, 0)
    parts = (plain.owner_rao, plain.miners_rao, plain.validators_rao)
    assert [round(part / TAO, 4) for part in parts] == [0.18, 0.41, 0.41]
    rooted = split_alpha(TAO, RAO // 4)
    assert rooted.miners_rao == plain.miners_rao
    assert rooted.root_rao == pytest.approx(plain.validators_rao / 4, abs=1)
    assert TAO - 3 <= rooted.total_rao <= TAO


def test_all_miners_of_a_subnet_get_2952_alpha_a_day_whatever_its_share() -> None:
    day = miner_day(split_alpha(TAO, 0), 1.0, POOL, tao_usd=300.0)
    assert day.alpha_rao / TAO == pytest.approx(2952, abs=0.1)
    assert day.tao_rao / TAO == pytest.approx(
        day.alpha_rao / TAO * POOL.price * (1 - 33 / 65535) * (1 - day.impact), rel=1e-6
    )
    assert day.impact == pytest.approx(2952 / 2_002_952, rel=1e-3)
    assert day.usd == pytest.approx(day.tao_rao / TAO * 300)
    with pytest.raises(ParamsError, match=r"incentive: 1.5; allowed: 0 to 1"):
        miner_day(split_alpha(TAO, 0), 1.5, POOL)


def test_a_miner_without_incentive_earns_nothing() -> None:
    assert miner_day(split_alpha(TAO, 0), 0.0, POOL, tao_usd=300.0).usd == 0.0


def test_a_block_mints_what_its_issuance_allows_and_shares_it_by_price() -> None:
    paid = pay_block(network("2025-02", s1=market(0.03), s2=market(0.01)))
    received = {netuid: terms.tao_in_rao + terms.excess_rao for netuid, terms in paid.terms.items()}
    assert received[1] / received[2] == pytest.approx(3, rel=1e-6)
    assert 0 <= TAO // 2 - paid.minted_rao <= 4
    assert paid.network.block == 9_000_001


def test_root_dividends_are_recycled_while_prices_add_up_to_one_or_less() -> None:
    poor = pay_block(network(s1=market(0.5), s2=market(0.5)))
    rich = pay_block(network(s1=market(0.5), s2=market(0.51)))
    assert poor.network.subnets[1].pending.root_rao == 0 and poor.recycled_alpha_rao[1] > 0
    assert rich.network.subnets[1].pending.root_rao > 0 and rich.recycled_alpha_rao[1] == 0


def test_what_an_owner_withholds_costs_its_subnet_a_part_of_the_next_share() -> None:
    before = pay_block(network("2026-06", s1=market(), s2=market()))
    withheld = before.network.subnets[1].pending.miners_rao // 2
    burned = before.network.subnets[1].paid_out(withheld_rao=withheld)
    assert burned.pending == NOTHING
    assert before.network.subnets[1].outstanding_rao - burned.outstanding_rao == withheld
    after = pay_block(before.network.with_subnet(1, burned))
    assert after.shares.final[1] / after.shares.final[2] == pytest.approx(0.5, rel=1e-6)
    assert after.network.subnets[1].paid_out().standing.miner_burned == 0
    with pytest.raises(StateError, match="withheld: -1 rao"):
        burned.paid_out(withheld_rao=-1)


def test_before_alpha_a_block_paid_tao_half_to_miners_and_half_to_validators() -> None:
    paid = pay_block(network("2023", s1=market(), s2=market()))
    assert paid.network.subnets[1].pool == POOL
    pending = paid.network.subnets[1].pending
    assert pending.miners_rao == pending.validators_rao == pytest.approx(TAO // 8, abs=1)


def test_a_purchase_feeds_the_flow_of_the_next_block() -> None:
    bought = network("2025-11", s1=market().buy(100 * TAO), s2=market())
    first = pay_block(bought)
    assert first.minted_rao == 0  # no flow was known yet
    second = pay_block(first.network)
    assert second.terms[2].tao_in_rao == 0 and second.minted_rao > 0


def test_the_limit_of_chain_purchases_holds_when_it_is_asked_for() -> None:
    subnets = {"s1": market()}
    free, capped = pay_block(network(**subnets)), pay_block(replace(network(**subnets), cap_chain_buys=True))
    limit = chain_buy_limit(TAO, 0, POOL)
    assert limit == pytest.approx(TAO * 0.82 / 2 * POOL.price, rel=1e-4)
    assert free.terms[1].excess_rao > limit and capped.terms[1].excess_rao == limit


def test_a_pool_that_refuses_liquidity_gets_none_and_no_tao_is_issued_for_it() -> None:
    lopsided = Pool(10**15, 10**6, alpha_weight=10**16, minimum_rao=0)
    paid = pay_block(network(s1=market(pool=lopsided)))
    assert paid.terms[1].tao_in_rao == paid.terms[1].alpha_in_rao == 0
    assert paid.network.subnets[1].pool.alpha_weight == 10**16
    assert paid.minted_rao == paid.terms[1].excess_rao


def test_nobody_sells_more_alpha_than_people_hold() -> None:
    with pytest.raises(PoolError, match="allowed: up to the 5 that people hold"):
        market(outstanding=5).sell(6)


TRADES = st.tuples(st.integers(1, 3), st.booleans(), st.integers(1_000, 10**13))


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(ERAS)),
    st.tuples(*[st.tuples(st.integers(10**9, 10**16), st.integers(10**9, 10**15), st.floats(0.0, 2.0))] * 3),
    st.lists(st.one_of(st.none(), TRADES), min_size=1, max_size=12),
    st.booleans(),
)
def test_tao_and_alpha_are_conserved_in_every_block(
    rules: Rules,
    reserves: tuple[tuple[int, int, float], ...],
    steps: list[tuple[int, bool, int] | None],
    capped: bool,
) -> None:
    """Follow each token outside of the network: what enters or leaves it must be minted, recycled or traded."""
    subnets = {
        f"s{netuid}": market(price, pool=Pool(alpha, tao))
        for netuid, (alpha, tao, price) in enumerate(reserves, start=1)
    }
    state = replace(network(rules, **subnets), cap_chain_buys=capped)
    outside = state.issuance_rao - tao_inside(state)
    for step in steps:
        if step is None:
            paid = pay_block(state)
            assert paid.network.issuance_rao - state.issuance_rao == paid.minted_rao
            assert 0 <= paid.minted_rao <= block_emission(state.issuance_rao)
            for netuid, terms in paid.terms.items():
                before, after = state.subnets[netuid], paid.network.subnets[netuid]
                minted = terms.alpha_in_rao + terms.alpha_out_rao - paid.recycled_alpha_rao[netuid]
                assert after.alpha_issuance_rao - before.alpha_issuance_rao == minted
                dust = terms.alpha_out_rao - paid.splits[netuid].total_rao
                assert rules == "2023" or 0 <= dust <= 3
            state = paid.network
        else:
            netuid, buying, amount = step
            before = state.subnets[netuid]
            try:
                after = before.buy(amount) if buying else before.sell(amount)
            except PoolError:
                continue
            fee = amount * 33 // 65535
            if buying:
                assert after.alpha_issuance_rao == before.alpha_issuance_rao
                outside -= amount - fee
            else:
                assert before.alpha_issuance_rao - after.alpha_issuance_rao == fee
                outside += before.pool.tao_rao - after.pool.tao_rao
            state = state.with_subnet(netuid, after)
        assert tao_inside(state) + outside == state.issuance_rao
        assert all(subnet.protocol_rao <= subnet.outstanding_rao for subnet in state.subnets.values())


def tao_inside(state: Network) -> int:
    """Return the TAO in pools, and that which waits for an epoch before there was alpha."""
    pending = sum(subnet.pending.total_rao for subnet in state.subnets.values()) if state.rules == "2023" else 0
    return pending + sum(subnet.pool.tao_rao for subnet in state.subnets.values())


# Dividends


def test_a_dividend_is_divided_like_the_stake_it_rests_on() -> None:
    whole_weight = 2**64 - 1
    half_root = ValidatorShare(dividend=100, alpha_rao=TAO, root_rao=TAO)
    alpha_only = ValidatorShare(dividend=50, alpha_rao=TAO)
    first, second = epoch_dividends([half_root, alpha_only], 1_000, 400, whole_weight)
    assert (first.alpha_rao, first.root_rao) == (500, 400)
    assert (second.alpha_rao, second.root_rao) == (500, 0)


def test_dividends_never_exceed_their_pots() -> None:
    validators = [ValidatorShare(7, 3 * TAO, TAO), ValidatorShare(11, 5 * TAO, 2 * TAO), ValidatorShare(0, TAO)]
    parts = epoch_dividends(validators, 1_000_003, 500_009, TAO_WEIGHT)
    assert 1_000_000 <= sum(part.alpha_rao for part in parts) <= 1_000_003
    assert 500_006 <= sum(part.root_rao for part in parts) <= 500_009
    assert parts[2].alpha_rao == 0


def test_an_epoch_without_dividends_pays_nobody() -> None:
    (part,) = epoch_dividends([ValidatorShare(0, 0)], 10, 10, TAO_WEIGHT)
    assert (part.alpha_rao, part.root_rao) == (0, 0)


def test_a_hotkey_keeps_its_take_and_the_remainder() -> None:
    parts = split_by_stake(1_000, {"owner": 1, "nominator": 3}, "owner")
    assert parts == {"owner": 385, "nominator": 615}  # 821 are shared, since the take is rounded down


def test_new_root_stake_earns_from_now_on_only() -> None:
    claims = RootClaims().stake("early", TAO).earn(2_000_000).stake("late", TAO).earn(2_000_000)
    assert claims.owed("early") == pytest.approx(3_000_000, abs=2)
    assert claims.owed("late") == pytest.approx(1_000_000, abs=2)
    paid, amount = claims.claim("late")
    assert amount == pytest.approx(1_000_000, abs=2) and paid.owed("late") == 0


def test_a_claim_below_the_least_waits() -> None:
    claims = RootClaims().stake("one", TAO).earn(LEAST_CLAIM_RAO - 1)
    same, amount = claims.claim("one")
    assert amount == 0 and same is claims


def test_root_stake_that_is_not_there_can_not_be_removed() -> None:
    with pytest.raises(StateError, match="root stake of one: -2 rao of 1"):
        RootClaims().stake("one", 1).stake("one", -2)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-(10**12), 10**12), st.integers(0, 10**10)), max_size=20))
def test_claims_never_exceed_what_was_earned(steps: list[tuple[str, int, int]]) -> None:
    claims, earned, paid = RootClaims(), 0, 0
    for coldkey, change, dividend in steps:
        if claims.stakes.get(coldkey, 0) + change >= 0:
            claims = claims.stake(coldkey, change)
        claims = claims.earn(dividend)
        earned += dividend
        claims, amount = claims.claim(coldkey)
        paid += amount
        assert paid + sum(map(claims.owed, "abc")) <= earned + 3 * len(steps)
