"""Block emission and subnets' shares, against one block of the public chain and what the rules say."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.amounts import TAO
from consensus.emission.fixed_point import ONE, RAO, power
from consensus.emission.flow import SMOOTHING, Flow, flow_shares
from consensus.emission.gate import Gate
from consensus.emission.halving import SUPPLY_RAO, block_emission
from consensus.emission.moving_price import next_moving_price
from consensus.emission.rules import ERAS
from consensus.emission.shares import ShareInput, Shares, subnet_shares
from consensus.errors import ParamsError, StateError

BLOCK = json.loads((Path(__file__).parent / "vectors/emission_block.json").read_text(encoding="utf-8"))


def recorded_inputs() -> dict[int, ShareInput]:
    return {int(netuid): recorded_input(entry) for netuid, entry in BLOCK["subnets"].items()}


def recorded_input(entry: dict[str, Any]) -> ShareInput:
    return ShareInput(
        moving_price=entry["moving_price_bits"],
        miner_burned=entry["miner_burned_bits"],
        emission_enabled=entry["emission_enabled"],
        first_emission_block=entry["first_emission_block"],
        subtoken_enabled=entry["subtoken_enabled"],
        registration_allowed=entry["registration_allowed"],
    )


def recorded_shares() -> Shares:
    gate = Gate(bar=BLOCK["gate_bar_bits"], rank=0, quantile=BLOCK["gate_quantile_bits"])
    absent = int(BLOCK["missing_weighted_share"] * ONE)
    return subnet_shares(recorded_inputs(), block=BLOCK["block"], gate=gate, absent_share=absent)


def test_a_block_of_the_public_chain_is_met_within_600_rao_a_subnet() -> None:
    shares, emission = recorded_shares(), block_emission(BLOCK["total_issuance_rao"])
    errors = {
        netuid: abs((emission * (shares.final[int(netuid)] >> 32) >> 32) - entry["tao_rao"])
        for netuid, entry in BLOCK["subnets"].items()
        if "tao_rao" in entry
    }
    assert emission == TAO // 2 and len(errors) == 64
    assert max(errors.values()) <= 600


@pytest.mark.parametrize(
    ("issuance", "emission"),
    [
        (0, TAO),
        (10_500_000 * TAO - 1, TAO),
        (10_500_000 * TAO, TAO // 2),
        (15_750_000 * TAO - 1, TAO // 2),
        (15_750_000 * TAO, TAO // 4),
        (SUPPLY_RAO - 1, 0),
        (SUPPLY_RAO, 0),
    ],
)
def test_emission_halves_where_half_of_the_rest_is_issued(issuance: int, emission: int) -> None:
    assert block_emission(issuance) == emission


def test_a_negative_issuance_is_refused() -> None:
    with pytest.raises(ParamsError, match="issuance: -1 rao"):
        block_emission(-1)


@settings(max_examples=50)
@given(st.floats(1e-4, 50.0))
def test_the_power_of_the_gate_is_that_of_real_numbers(base: float) -> None:
    assert power(int(base * RAO), 3) / RAO == pytest.approx(base**3, rel=2e-5, abs=1e-8)


def test_the_power_of_the_gate_saturates_and_is_zero_for_zero() -> None:
    assert power(2**50, 3) == 2**63 - 1
    assert power(0, 3) == 0 and power(RAO, 3) == RAO


def inputs(**shares: float) -> dict[int, ShareInput]:
    return {int(name[1:]): ShareInput(moving_price=int(value * RAO)) for name, value in shares.items()}


def test_the_bar_is_the_share_of_its_rank_or_the_least_positive_one() -> None:
    weighted = {1: 4, 2: 3, 3: 2, 4: 0}
    assert Gate(rank=2).at(360, weighted).bar == 3
    assert Gate(rank=32).at(360, weighted).bar == 2


def test_the_bar_of_a_quantile_is_the_share_that_reaches_it() -> None:
    weighted = {1: ONE // 2, 2: ONE // 4, 3: ONE // 4}
    assert Gate(rank=0, quantile=ONE * 6 // 10).at(360, weighted).bar == ONE // 4
    assert Gate(rank=0, quantile=ONE // 2).at(360, weighted).bar == ONE // 2


def test_a_stored_bar_is_kept_between_its_blocks() -> None:
    gate = Gate(bar=7, rank=1)
    assert gate.at(361, {1: 9}).bar == 7
    assert gate.at(720, {1: 9}).bar == 9
    assert Gate(rank=1).at(361, {1: 9}).bar == 9


def test_a_share_at_the_bar_is_halved_and_one_far_below_vanishes() -> None:
    gate = Gate(bar=ONE // 10)
    assert gate.opening(ONE // 10) == pytest.approx(0.5)
    assert gate.opening(ONE // 1000) == pytest.approx(1e-6, rel=1e-2)
    assert gate.opening(0) == 0.0 and Gate().opening(ONE // 10) == 1.0


def test_a_gate_that_would_leave_nothing_restores_the_shares() -> None:
    weighted = {1: 3, 2: 1}
    assert Gate(bar=ONE).apply(weighted) == weighted


def test_disabled_subnets_get_nothing_and_the_others_share_their_part() -> None:
    disabled = ShareInput(moving_price=RAO, emission_enabled=False)
    shares = subnet_shares(inputs(s1=0.3, s2=0.1) | {3: disabled}, "2025-02")
    assert shares.weighted[3] > ONE // 2 and shares.final[3] == 0
    assert shares.final[1] / ONE == pytest.approx(0.75) and shares.final[2] / ONE == pytest.approx(0.25)


def test_subnets_that_have_not_started_take_no_part() -> None:
    idle = {
        2: ShareInput(moving_price=RAO, first_emission_block=None),
        3: ShareInput(moving_price=RAO, subtoken_enabled=False),
        4: ShareInput(moving_price=RAO, registration_allowed=False),
    }
    assert set(subnet_shares(inputs(s1=0.3) | idle).final) == {1}


def test_what_the_owner_withholds_from_miners_lowers_the_share() -> None:
    withheld = {1: ShareInput(moving_price=RAO, miner_burned=RAO * 3 // 4), 2: ShareInput(moving_price=RAO)}
    shares = subnet_shares(withheld, "2026-06")
    assert shares.final[1] / ONE == pytest.approx(0.2)


def test_if_all_is_withheld_everywhere_prices_alone_decide() -> None:
    burned = {netuid: ShareInput(moving_price=netuid * RAO, miner_burned=2 * RAO) for netuid in (1, 3)}
    assert subnet_shares(burned, "2026-06").final[3] / ONE == pytest.approx(0.75)


def test_the_root_proportion_counts_under_the_rules_of_2026_06_alone() -> None:
    rooted = {1: ShareInput(moving_price=RAO, root_proportion=RAO // 4), 2: ShareInput(moving_price=RAO)}
    assert subnet_shares(rooted, "2026-06").final[1] / ONE == pytest.approx(0.2)
    assert subnet_shares(rooted, "2025-02").final[1] / ONE == pytest.approx(0.5)


def test_before_alpha_all_subnets_got_the_same() -> None:
    shares = subnet_shares(inputs(s1=0.3, s2=0.1, s5=0.0), "2023")
    assert {round(share / ONE, 9) for share in shares.final.values()} == {round(1 / 3, 9)}


def test_flow_pays_those_into_whom_tao_flows() -> None:
    flows = {1: Flow().after(300), 2: Flow().after(100), 3: Flow().after(-50)}
    subnets = {netuid: ShareInput(moving_price=RAO, flow=flow) for netuid, flow in flows.items()}
    shares = subnet_shares(subnets, "2025-11")
    assert [round(shares.final[netuid] / ONE, 6) for netuid in (1, 2, 3)] == [0.75, 0.25, 0.0]


def test_net_flow_takes_the_chains_own_inflow_off() -> None:
    flows = {1: Flow(user=300, protocol=200), 2: Flow(user=100, protocol=0)}
    assert flow_shares(flows, net=True)[1] / ONE == pytest.approx(0.5)
    assert flow_shares(flows)[1] / ONE == pytest.approx(0.75)


def test_half_of_a_flow_is_forgotten_in_216_000_blocks() -> None:
    assert float(1 - Fraction(SMOOTHING, ONE)) ** 216_000 == pytest.approx(0.5, rel=1e-3)


def test_the_moving_price_of_an_old_subnet_has_a_half_life_of_32_days() -> None:
    price = 0
    for block in range(10**9, 10**9 + 23_105):
        price = next_moving_price(price, ONE // 2, block=block, first_emission_block=1)
    assert price / RAO == pytest.approx(0.5 * (1 - 0.5**0.1), rel=2e-3)


def test_the_moving_price_counts_a_spot_price_above_one_as_one_and_young_subnets_slowly() -> None:
    old = {"block": 10**9, "first_emission_block": 1}
    assert next_moving_price(0, 5 * ONE, **old) == next_moving_price(0, ONE, **old)
    young = next_moving_price(0, ONE, block=1000, first_emission_block=1)
    assert young / RAO == pytest.approx(3e-6 * 1000 / (1000 + 201_600), rel=0.02)


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.integers(1, 300),
        st.tuples(st.integers(0, 10 * RAO), st.integers(0, 2 * RAO), st.booleans(), st.integers(-(10**12), 10**12)),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from(sorted(ERAS)),
)
def test_shares_never_exceed_one_and_lose_almost_nothing(
    drawn: dict[int, tuple[int, int, bool, int]], rules: Any
) -> None:
    subnets = {
        netuid: ShareInput(moving_price=price, miner_burned=burned, emission_enabled=enabled, flow=Flow().after(flow))
        for netuid, (price, burned, enabled, flow) in drawn.items()
    }
    shares = subnet_shares(subnets, rules)
    total = sum(shares.final.values())
    assert all(share >= 0 for share in shares.final.values())
    assert total == 0 or ONE - len(subnets) <= total <= ONE


def test_bits_that_no_chain_could_hold_are_refused() -> None:
    with pytest.raises(StateError, match="moving_price: -1; allowed"):
        ShareInput(moving_price=-1)
    with pytest.raises(ParamsError, match="gate rank: -1; allowed"):
        Gate(rank=-1)
