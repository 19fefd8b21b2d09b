"""Blocks, epochs and pay."""

import time

import pytest

from consensus import TAO, Chain, SubnetState, run_epoch, throwaway_key
from consensus.chain.calls import AddStake, CreateSubnet, Faucet, SetTake, SetWeights
from consensus.chain.emission import subnet_state, yuma_params

ALICE = throwaway_key(1, "alice")


def earning(world, **rules: object):  # type: ignore[no-untyped-def]
    """Two validators (stakes 1:3), three miners (weights 1:2:5), ready for an epoch that pays."""
    w = world(validators=2, miners=3, stakes=(100, 300), **rules)
    for validator in w.validators:
        w.chain.call(validator, SetWeights.of(w.netuid, [2, 3, 4], [1, 2, 5]))
    return w


def test_blocks_pass_only_by_steps_and_each_has_its_hash() -> None:
    chain, other = Chain.development(), Chain.development()
    assert chain.block == 1
    hashes = []
    for _ in range(10):
        hashes.append(chain.block_hash)
        chain.step()
    other.step(10)
    assert len(set(hashes)) == 10
    assert (chain.block, chain.block_hash) == (other.block, other.block_hash)


def test_a_call_changes_the_hash_of_the_next_block() -> None:
    chain, other = Chain.development(), Chain.development()
    chain.call(ALICE, Faucet())
    assert chain.block_hash == other.block_hash
    chain.step()
    other.step()
    assert chain.block_hash != other.block_hash


def test_empty_blocks_pass_by_the_hundred_thousand() -> None:
    chain = Chain.development()
    chain.call(ALICE, CreateSubnet(hyperparameters={"tempo": 50_000}))
    start = time.perf_counter()
    chain.step(200_000)
    assert time.perf_counter() - start < 10
    assert (chain.block, chain.subnet(1).epochs) == (200_001, 4)


def test_an_epoch_runs_when_the_tempo_has_passed(world) -> None:  # type: ignore[no-untyped-def]
    w = world(tempo=7, permits=False)
    assert [epoch.block for epoch in w.chain.step(30)] == [8, 15, 22, 29]
    assert w.chain.next_epoch(w.netuid) == 36


def test_the_legacy_cadence_is_one_block_longer_and_staggered_by_netuid() -> None:
    chain = Chain.development(cadence="legacy")
    for _ in range(2):
        chain.call(ALICE, CreateSubnet(hyperparameters={"tempo": 9}))
    epochs = chain.step(40)
    assert [epoch.block for epoch in epochs if epoch.netuid == 1] == [8, 18, 28, 38]
    assert [epoch.block for epoch in epochs if epoch.netuid == 2] == [7, 17, 27, 37]
    assert all((epoch.block + epoch.netuid + 1) % 10 == 0 for epoch in epochs)


def test_two_epochs_a_block_and_the_rest_in_the_next() -> None:
    chain = Chain.create(None)
    chain.call(ALICE, Faucet(10**6 * TAO))
    for _ in range(5):
        chain.call(ALICE, CreateSubnet(hyperparameters={"tempo": 10}))
    epochs = chain.step(14)
    assert [(epoch.block, epoch.netuid) for epoch in epochs] == [(11, 1), (11, 2), (12, 3), (12, 4), (13, 5)]


def test_each_subnet_has_an_equal_part_of_the_emission_since_its_last_epoch() -> None:
    chain = Chain.development(emission_per_block_rao=1001)
    for _ in range(2):
        chain.call(ALICE, CreateSubnet(hyperparameters={"tempo": 10}))
    assert [epoch.emission_rao for epoch in chain.step(30)] == [5000] * 6


def test_a_subnet_without_neurons_recycles_its_emission() -> None:
    chain = Chain.development()
    chain.call(ALICE, CreateSubnet(hyperparameters={"tempo": 10}))
    (epoch,) = chain.step(10)
    assert (epoch.recycled_rao, epoch.payouts, epoch.result) == (epoch.emission_rao, (), None)
    assert epoch.incentive.tolist() == []


def test_the_chain_runs_the_epoch_of_the_core(world) -> None:  # type: ignore[no-untyped-def]
    w = earning(world)
    w.chain.step(w.chain.next_epoch(w.netuid) - w.chain.block - 1)
    state, subnet = w.chain._state, w.chain.subnet(w.netuid)
    seen = subnet_state(state, subnet)
    by_hand = SubnetState.from_rows(
        stake=w.chain.metagraph(w.netuid).stake_rao,
        validator_permit=[True, True, False, False, False],
        last_update=subnet.last_update,
        registered_at=[1] * 5,
        weights={0: [(2, 13107), (3, 26214), (4, 65535)], 1: [(2, 13107), (3, 26214), (4, 65535)]},
        block=w.chain.block + 1,
        last_tempo=subnet.last_mechanism_block + 1,
    )
    assert seen.weights == by_hand.weights
    (epoch,) = w.chain.step()
    paid = epoch.emission_rao - epoch.owner_cut_rao
    expected = run_epoch(by_hand, yuma_params(subnet), emission=paid)
    assert epoch.incentive.tolist() == expected.incentive.tolist()
    assert epoch.dividends.tolist() == expected.dividends.tolist()
    assert epoch.result is not None and epoch.result.bonds == expected.bonds
    assert epoch.miner_rao.tolist() == expected.server_emission.tolist()


def totals(epoch) -> dict[str, int]:  # type: ignore[no-untyped-def]
    roles = ("owner", "miner", "validator", "delegator")
    return {role: sum(pay.amount_rao for pay in epoch.payouts if pay.role == role) for role in roles}


def test_the_owner_gets_18_and_both_sides_41_percent(world) -> None:  # type: ignore[no-untyped-def]
    w = earning(world, tempo=100)
    epoch = w.chain.step_to_epoch(w.netuid)
    paid = totals(epoch)
    assert epoch.emission_rao == 100 * TAO
    assert epoch.owner_cut_rao == paid["owner"] == 100 * TAO * 11796 // 65535
    assert paid["miner"] == pytest.approx(41.0002 * TAO, rel=1e-6)
    assert paid["validator"] + paid["delegator"] == pytest.approx(41.0002 * TAO, rel=1e-6)
    assert sum(paid.values()) + epoch.recycled_rao == epoch.emission_rao


def test_without_an_owners_cut_the_split_is_the_older_half_and_half(world) -> None:  # type: ignore[no-untyped-def]
    w = earning(world, tempo=100, owner_cut=0)
    paid = totals(w.chain.step_to_epoch(w.netuid))
    assert paid["owner"] == 0
    assert paid["miner"] == pytest.approx(50 * TAO, rel=1e-8)
    assert paid["validator"] == pytest.approx(50 * TAO, rel=1e-8)


def test_miners_are_paid_by_incentive_and_validators_by_dividends(world) -> None:  # type: ignore[no-untyped-def]
    epoch = earning(world, tempo=100, owner_cut=0)
    result = epoch.chain.step_to_epoch(epoch.netuid)
    assert result.miner_rao.tolist() == pytest.approx([0, 0, 6.25 * TAO, 12.5 * TAO, 31.25 * TAO], rel=1e-4)
    assert result.validator_rao[:2].sum() == pytest.approx(50 * TAO, rel=1e-8)
    assert result.validator_rao[1] == pytest.approx(3 * result.validator_rao[0], rel=0.02)


def test_pay_is_staked_on_the_hotkey_that_earned_it_or_put_in_the_balance(world) -> None:  # type: ignore[no-untyped-def]
    for pay_to in ("stake", "balance"):
        w = earning(world, genesis={"pay_to": pay_to})
        miner, before = w.miners[2].ss58_address, w.chain.balance(w.bank.ss58_address)
        epoch = w.chain.step_to_epoch(w.netuid)
        paid = int(epoch.miner_rao[4])
        gained = w.chain.balance(w.bank.ss58_address) - before
        assert (w.chain.stake(miner), gained > 0) == ((paid, False) if pay_to == "stake" else (0, True))


def test_delegators_share_by_stake_what_the_take_leaves(world) -> None:  # type: ignore[no-untyped-def]
    w = earning(world, tempo=100)
    hotkey, fan = w.validators[1].ss58_address, throwaway_key(3, "fan")
    w.chain.call(fan, Faucet(1000 * TAO))
    w.chain.call(fan, AddStake(hotkey, 2 * w.chain.stake(hotkey)))
    epoch = w.chain.step_to_epoch(w.netuid)
    earned = int(epoch.validator_rao[1])
    (share,) = [pay for pay in epoch.payouts if pay.role == "delegator"]
    assert (share.coldkey, share.uid) == (fan.ss58_address, 1)
    assert share.amount_rao == (earned - earned * 11796 // 65535) * 2 // 3
    w.chain.call(w.bank, SetTake(hotkey, 0))
    before = w.chain.stake(hotkey, fan.ss58_address), w.chain.stake(hotkey)
    epoch = w.chain.step_to_epoch(w.netuid)
    (share,) = [pay for pay in epoch.payouts if pay.role == "delegator"]
    assert share.amount_rao == int(epoch.validator_rao[1]) * before[0] // before[1]


def test_the_owners_own_miners_are_recycled_unless_the_rule_is_off(world) -> None:  # type: ignore[no-untyped-def]
    for rule in (True, False):
        w = earning(world, recycle_owner_incentive=rule)
        w.chain._state.ledger.owners[w.miners[2].ss58_address] = w.owner.ss58_address
        epoch = w.chain.step_to_epoch(w.netuid)
        assert bool(epoch.miner_rao[4] == 0) is rule
        assert (epoch.recycled_rao > TAO) is rule


def test_without_weights_the_validators_share_everything(world) -> None:  # type: ignore[no-untyped-def]
    epoch = world(owner_cut=0).chain.step_to_epoch(1)
    assert epoch.miner_rao.sum() == 0
    assert epoch.validator_rao.sum() == pytest.approx(epoch.emission_rao, rel=1e-8)


def test_permits_go_to_the_highest_stakes_from_the_next_epoch_on(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=2, miners=3, stakes=(10, 20), permits=False)
    assert not w.chain.metagraph(w.netuid).validator_permit.any()
    w.chain.step_to_epoch(w.netuid)
    assert w.chain.metagraph(w.netuid).validator_permit.tolist() == [True, True, False, False, False]
    w.chain.call(w.bank, AddStake(w.miners[2].ss58_address, 10_000 * TAO))
    w.chain.step_to_epoch(w.netuid)
    permits = w.chain.metagraph(w.netuid).validator_permit.tolist()
    assert permits[4] and sum(permits) == 2


def test_the_owners_neuron_is_uid_0_and_always_permitted() -> None:
    chain = Chain.development()
    hotkey = throwaway_key(1, "owner-hotkey")
    rules = {"tempo": 5, "commit_reveal": False, "weights_set_rate_limit": 0}
    netuid = chain.call(ALICE, CreateSubnet(hotkey.ss58_address, rules)).result
    chain.step_to_epoch(netuid)
    assert chain.metagraph(netuid).validator_permit.tolist() == [True]
    assert chain.call(hotkey, SetWeights(netuid, (0,), (1,))).result == 0


def test_the_metagraph_shows_the_last_epoch(world) -> None:  # type: ignore[no-untyped-def]
    w = earning(world)
    epoch = w.chain.step_to_epoch(w.netuid)
    graph = w.chain.metagraph(w.netuid)
    assert (graph.incentive * 65535).round().tolist() == epoch.incentive.tolist()
    assert graph.emission_rao.sum() == pytest.approx(epoch.emission_rao - epoch.owner_cut_rao, abs=20)
