"""Weights: the checks in the chain's order, the scaling, commit and reveal."""

from fractions import Fraction

import numpy as np
import pytest

from consensus import TAO, CallRefused, throwaway_key
from consensus.chain.calls import AddStake, CommitWeights, RevealWeights, SetHyperparameters, SetWeights, commit_hash
from consensus.chain.handlers.weights import max_upscale
from consensus.errors import WeightsRefused


def check(w, key, call) -> str:  # type: ignore[no-untyped-def]
    """The name of the check that refuses this call; asserts that nothing has changed."""
    subnet = w.chain.subnet(w.netuid)
    before = (dict(subnet.weights), list(subnet.last_update), w.chain.nonce(key.ss58_address))
    with pytest.raises(WeightsRefused) as caught:
        w.chain.call(key, call)
    assert (dict(subnet.weights), list(subnet.last_update), w.chain.nonce(key.ss58_address)) == before
    return caught.value.check


def test_the_checks_run_in_the_chains_order(world) -> None:  # type: ignore[no-untyped-def]
    w = world(
        validators=1, miners=3, weights_version=7, weights_set_rate_limit=100, min_allowed_weights=3,
        max_weight_limit=30000, stake_threshold_rao=500 * TAO, permits=False,
    )  # fmt: skip
    stranger, validator, n = throwaway_key(9, "stranger"), w.validators[0], w.netuid
    everything = {"uids": (1, 1, 9, 0, 2), "values": (1, 1, 1, 1)}
    assert check(w, stranger, SetWeights(n, **everything, mechanism=1)) == "size"
    everything["values"] = (1, 1, 1, 1, 1)
    assert check(w, stranger, SetWeights(n, **everything, mechanism=1)) == "mechanism"
    assert check(w, stranger, SetWeights(n, **everything)) == "too_many"
    wrong = {"uids": (1, 1), "values": (1, 1)}
    assert check(w, stranger, SetWeights(n, **wrong)) == "registered"
    assert check(w, validator, SetWeights(n, **wrong)) == "stake"
    w.chain.call(w.bank, AddStake(validator.ss58_address, 500 * TAO))
    assert check(w, validator, SetWeights(n, **wrong, version=6)) == "version"
    assert check(w, validator, SetWeights(n, **wrong, version=7)) == "rate"
    w.chain.call(w.owner, SetHyperparameters(n, {"weights_set_rate_limit": 0}))
    assert check(w, validator, SetWeights(n, **wrong, version=7)) == "permit"
    w.chain.step_to_epoch(n)
    assert check(w, validator, SetWeights(n, **wrong, version=7)) == "duplicate"
    assert check(w, validator, SetWeights(n, (1, 4), (1, 1), version=7)) == "uid"
    assert check(w, validator, SetWeights(n, (1, -1), (1, 1), version=7)) == "uid"
    assert check(w, validator, SetWeights(n, (1, 2), (1, 1), version=7)) == "too_few"
    assert check(w, validator, SetWeights(n, (1, 2, 3), (6, 3, 1), version=7)) == "weight_limit"
    assert w.chain.call(validator, SetWeights(n, (3, 2, 1), (3, 4, 3), version=7)).result == 0
    assert w.chain.subnet(n).weights[0].uids.tolist() == [1, 2, 3]
    assert w.chain.subnet(n).weights[0].values.tolist() == [49151, 65535, 49151]


def test_a_row_exactly_at_the_weight_limit_is_let_in(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=1, miners=3, max_weight_limit=32768)
    w.chain.call(w.validators[0], SetWeights(w.netuid, (1, 2), (1, 1)))
    assert check(w, w.validators[0], SetWeights(w.netuid, (1, 2), (65535, 65533))) == "weight_limit"


def test_a_lone_self_weight_needs_no_permit_no_company_and_no_limit(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=1, miners=2, min_allowed_weights=2, max_weight_limit=100)
    assert w.chain.call(w.miners[0], SetWeights(w.netuid, (1,), (5,))).result == 1
    assert check(w, w.miners[0], SetWeights(w.netuid, (2,), (5,))) == "permit"


def test_a_small_subnet_asks_for_no_more_weights_than_it_has_uids(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=1, miners=1, min_allowed_weights=1000)
    w.chain.call(w.validators[0], SetWeights(w.netuid, (0, 1), (0, 1)))


def test_a_new_neuron_waits_for_the_rate_limit_too(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=1, miners=1, tempo=5, weights_set_rate_limit=20)
    assert check(w, w.validators[0], SetWeights(w.netuid, (1,), (1,))) == "rate"
    w.chain.step(15)
    w.chain.call(w.validators[0], SetWeights(w.netuid, (1,), (1,)))
    w.chain.step(19)
    assert check(w, w.validators[0], SetWeights(w.netuid, (1,), (1,))) == "rate"
    w.chain.step(1)
    w.chain.call(w.validators[0], SetWeights(w.netuid, (1,), (1,)))


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -0.1, -float("inf")])
def test_a_weight_that_is_not_a_share_is_refused_before_it_is_signed(weight: float) -> None:
    with pytest.raises(WeightsRefused, match="weight of uid 7 is"):
        SetWeights.of(1, [3, 7], [1.0, weight])


@pytest.mark.parametrize("value", [-1, 65536, 0.5, True, "1", None])
def test_a_signed_value_out_of_u16_is_refused(world, value: object) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=1, miners=1)
    assert check(w, w.validators[0], SetWeights(w.netuid, (1,), (value,))) == "value"  # type: ignore[arg-type]


def test_floats_of_any_scale_keep_their_proportions_and_their_zeros() -> None:
    assert SetWeights.of(1, [1, 2, 3], [2e-9, 1e-9, 0.0]).values == (65535, 32768, 0)
    assert SetWeights.of(1, np.array([1, 2]), np.array([0.0, 0.0])).values == (0, 0)
    assert SetWeights.of(1, [], []).uids == ()


def test_upscaling_rounds_half_up_and_cuts_the_ratio_above_half_of_u16() -> None:
    assert max_upscale([1, 2, 3, 4]) == [16384, 32768, 49151, 65535]
    assert max_upscale([0, 0]) == [0, 0]
    for top in (1, 3, 32767, 32768):
        exact = [int(Fraction(value * 65535, top) + Fraction(1, 2)) for value in range(0, top + 1, max(1, top // 50))]
        assert max_upscale([*range(0, top + 1, max(1, top // 50)), top])[:-1] == exact
    ratio = Fraction(65535 * 2**32 // 40000, 2**32)
    assert max_upscale([40000, 12345, 1]) == [min(65535, int(v * ratio + Fraction(1, 2))) for v in (40000, 12345, 1)]


def test_weights_on_a_neuron_of_the_same_block_do_not_count(world) -> None:  # type: ignore[no-untyped-def]
    from consensus.chain.calls import BurnedRegister

    w = world(validators=1, miners=1)
    late = throwaway_key(9, "late").ss58_address
    w.chain.call(w.bank, BurnedRegister(w.netuid, late))
    w.chain.call(w.validators[0], SetWeights(w.netuid, (1, 2), (1, 1)))
    assert w.chain.step_to_epoch(w.netuid).incentive.tolist() == [0, 65535, 0]
    w.chain.call(w.validators[0], SetWeights(w.netuid, (1, 2), (1, 1)))
    assert w.chain.step_to_epoch(w.netuid).incentive.tolist() == [0, 32767, 32767]


def test_a_silent_validator_is_cut_off_after_the_cutoff_and_not_at_it(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=2, miners=1, tempo=10, activity_cutoff=20)
    for validator in w.validators:
        w.chain.call(validator, SetWeights(w.netuid, (2,), (1,)))
    seen = []
    for _ in range(3):
        seen.append(w.chain.step_to_epoch(w.netuid).result.active.tolist()[:2])
        w.chain.call(w.validators[0], SetWeights(w.netuid, (2,), (1,)))
    assert seen == [[True, True], [True, True], [True, False]]


def hidden(w, key, salt: str = "salt", **change: object):  # type: ignore[no-untyped-def]
    row = SetWeights(w.netuid, (2, 3), (1, 2))
    commit = CommitWeights(w.netuid, commit_hash(key.ss58_address, row, salt))
    return commit, RevealWeights(**({"netuid": w.netuid, "uids": (2, 3), "values": (1, 2), "salt": salt} | change))  # type: ignore[arg-type]


def test_committed_weights_count_once_they_are_revealed_in_their_epoch(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=2, miners=2, commit_reveal=True, commit_reveal_period=2)
    key = w.validators[0]
    commit, reveal = hidden(w, key)
    assert check(w, key, SetWeights(w.netuid, (2,), (1,))) == "commit_reveal"
    due = w.chain.call(key, commit).result
    for _ in range(2):
        assert check(w, key, reveal) == "too_early"
        w.chain.step_to_epoch(w.netuid)
    assert w.chain.subnet(w.netuid).epochs == due
    for wrong in (hidden(w, key, uids=(3, 2))[1], hidden(w, key, salt="other")[1], hidden(w, key, version=1)[1]):
        assert check(w, key, wrong) == "commit"
    assert check(w, w.validators[1], reveal) == "commit"
    w.chain.call(key, reveal)
    assert w.chain.step_to_epoch(w.netuid).incentive.tolist() == [0, 0, 21845, 43689]
    assert check(w, key, reveal) == "commit"


def test_a_commit_expires_after_its_epoch(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=1, miners=3, commit_reveal=True)
    commit, reveal = hidden(w, w.validators[0])
    w.chain.call(w.validators[0], commit)
    w.chain.step_to_epoch(w.netuid)
    w.chain.step_to_epoch(w.netuid)
    assert check(w, w.validators[0], reveal) == "commit"


def test_ten_commits_wait_and_no_more(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=1, miners=3, commit_reveal=True)
    for number in range(10):
        w.chain.call(w.validators[0], hidden(w, w.validators[0], salt=str(number))[0])
    assert check(w, w.validators[0], hidden(w, w.validators[0], salt="more")[0]) == "commits"
    assert check(w, w.validators[0], CommitWeights(w.netuid, "short")) == "commit_hash"


def test_a_neuron_registered_after_the_commit_gets_nothing_from_it(world) -> None:  # type: ignore[no-untyped-def]
    from consensus.chain.calls import BurnedRegister

    w = world(validators=1, miners=3, max_allowed_uids=4, immunity_period=0, min_non_immune_uids=0, commit_reveal=True)
    commit, reveal = hidden(w, w.validators[0])
    w.chain.call(w.validators[0], commit)
    w.chain.step()
    sniper = w.chain.call(w.bank, BurnedRegister(w.netuid, throwaway_key(9, "sniper").ss58_address)).result
    assert sniper == 1
    subnet = w.chain.subnet(w.netuid)
    subnet.registered_at[3], subnet.registered_at[1] = subnet.registered_at[1], subnet.registered_at[3]
    w.chain.step_to_epoch(w.netuid)
    w.chain.call(w.validators[0], reveal)
    assert w.chain.step_to_epoch(w.netuid).incentive.tolist() == [0, 0, 65535, 0]


def test_commits_and_reveals_are_refused_where_weights_are_open(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=1, miners=3)
    for call in hidden(w, w.validators[0]):
        assert check(w, w.validators[0], call) == "commit_reveal"
    with pytest.raises(CallRefused, match="no subnet 5"):
        w.chain.call(w.validators[0], SetWeights(5, (1,), (1,)))
