"""Subnets and uids: lock cost, burn price, proof of work, who makes room."""

import hashlib
import time
from fractions import Fraction

import pytest
from Crypto.Hash import keccak

from consensus import TAO, CallRefused, Chain, throwaway_key
from consensus.chain.calls import BurnedRegister, CreateSubnet, Faucet, PowRegister, SetHyperparameters, SetWeights
from consensus.chain.handlers.registration import decay_factor, uid_to_prune
from consensus.chain.pow import meets, seal, solve
from consensus.errors import NotAllowed, Shortage

ALICE, BOB = throwaway_key(1, "alice"), throwaway_key(1, "bob")


def key(name: object) -> str:
    return throwaway_key(2, f"{name}").ss58_address


def test_the_lock_doubles_on_use_and_falls_back_in_an_interval() -> None:
    chain = Chain.development(min_lock_rao=1000 * TAO, lock_reduction_interval=100, emission_per_block_rao=0)
    chain.call(ALICE, Faucet(10_000 * TAO))
    assert chain.lock_cost() == 1000 * TAO
    chain.call(ALICE, CreateSubnet())
    assert chain.lock_cost() == 2000 * TAO
    chain.step(50)
    assert chain.lock_cost() == 1500 * TAO
    chain.call(ALICE, CreateSubnet())
    assert chain.lock_cost() == 3000 * TAO
    chain.step(1000)
    assert chain.lock_cost() == 1000 * TAO
    assert chain.supply()["locked"] == 2500 * TAO


def test_a_subnet_that_cannot_be_paid_names_the_shortage() -> None:
    chain = Chain.create()
    chain.call(ALICE, Faucet())
    with pytest.raises(Shortage) as caught:
        chain.call(ALICE, CreateSubnet())
    assert str(caught.value) == "balance 300 τ, the lock costs 1,000 τ"
    assert chain.netuids == ()


def test_the_decay_factor_is_the_largest_that_halves_in_time() -> None:
    factor = decay_factor(360)
    assert Fraction(factor, 2**32) ** 360 <= Fraction(1, 2) < Fraction(factor + 1, 2**32) ** 360


def test_each_registration_raises_the_burn_by_a_quarter_and_a_bit_and_every_block_lowers_it() -> None:
    chain = Chain.development()
    chain.call(ALICE, Faucet(1000 * TAO))
    netuid = chain.call(ALICE, CreateSubnet(hyperparameters={"max_registrations_per_block": 0})).result
    assert chain.burn_price(netuid) == TAO
    chain.call(ALICE, BurnedRegister(netuid, key(0)))
    assert chain.burn_price(netuid) == 1_260_000_000
    chain.call(ALICE, BurnedRegister(netuid, key(1)))
    assert chain.burn_price(netuid) == 1_587_600_000
    chain.step(360)
    assert chain.burn_price(netuid) == pytest.approx(793_800_000, abs=400)
    chain.step(100_000)
    assert chain.burn_price(netuid) == 500_000
    assert chain.supply()["recycled"] >= 2_260_000_000


def test_the_decay_does_not_depend_on_how_the_blocks_are_stepped() -> None:
    prices = []
    for stride in (1, 7, 210):
        chain = Chain.development()
        chain.call(ALICE, Faucet(1000 * TAO))
        netuid = chain.call(ALICE, CreateSubnet()).result
        for _ in range(210 // stride):
            chain.step(stride)
        chain.call(ALICE, BurnedRegister(netuid, key(0)))
        prices.append((chain.burn_price(netuid), chain.block_hash, chain.supply()["pending"]))
    assert len({price for price, _, _ in prices}) == len({pending for *_, pending in prices}) == 1


def test_one_registration_a_block() -> None:
    chain = Chain.development()
    chain.call(ALICE, Faucet(1000 * TAO))
    netuid = chain.call(ALICE, CreateSubnet()).result
    chain.call(ALICE, BurnedRegister(netuid, key(0)))
    with pytest.raises(CallRefused, match="the next block takes more"):
        chain.call(ALICE, BurnedRegister(netuid, key(1)))
    chain.step()
    assert chain.call(ALICE, BurnedRegister(netuid, key(1))).result == 1


def test_a_hotkey_registers_once_and_for_its_own_coldkey() -> None:
    chain = Chain.development()
    first, second = (
        chain.call(ALICE, CreateSubnet(hyperparameters={"min_burn_rao": 0, "max_burn_rao": 0})).result for _ in "12"
    )
    chain.call(ALICE, BurnedRegister(first, key(0)))
    chain.step()
    with pytest.raises(CallRefused, match="is uid 0 of subnet 1"):
        chain.call(ALICE, BurnedRegister(first, key(0)))
    with pytest.raises(NotAllowed, match="belongs to coldkey"):
        chain.call(BOB, BurnedRegister(second, key(0)))
    with pytest.raises(CallRefused, match="no subnet 9; there are: 1, 2"):
        chain.call(ALICE, BurnedRegister(9, key(1)))
    assert chain.call(ALICE, BurnedRegister(second, key(0))).result == 0


def interval_chain(**rules: object) -> tuple[Chain, int]:
    chain = Chain.development()
    chain.call(ALICE, Faucet(10_000 * TAO))
    defaults = {
        "registration_rule": "interval", "adjustment_interval": 100, "max_registrations_per_block": 0,
        "registrations_per_interval": 2, "min_difficulty": 8, "max_difficulty": 1000,
    }  # fmt: skip
    netuid = chain.call(ALICE, CreateSubnet(hyperparameters=defaults | rules)).result
    return chain, netuid


def work(chain: Chain, netuid: int, hotkey: str) -> PowRegister:
    order = chain.hyperparameters(netuid).pow_byte_order
    nonce = solve(chain.block_hash, hotkey, chain.difficulty(netuid), order=order)
    assert nonce is not None
    return PowRegister(netuid, hotkey, chain.block, nonce)


def test_too_many_burns_raise_the_burn_alone() -> None:
    chain, netuid = interval_chain()
    for number in range(4):
        chain.call(ALICE, BurnedRegister(netuid, key(number)))
    assert chain.burn_price(netuid) == TAO
    chain.step(100)
    assert (chain.burn_price(netuid), chain.difficulty(netuid)) == (1_500_000_000, 8)


def test_too_many_proofs_raise_the_difficulty_alone() -> None:
    chain, netuid = interval_chain()
    for number in range(4):
        chain.call(BOB, work(chain, netuid, key(number)))
    chain.step(100)
    assert (chain.burn_price(netuid), chain.difficulty(netuid)) == (TAO, 12)


def test_too_few_burns_lower_the_difficulty_and_too_few_proofs_the_burn() -> None:
    chain, netuid = interval_chain(min_difficulty=1)
    chain.subnet(netuid).difficulty = 40
    chain.call(ALICE, BurnedRegister(netuid, key(0)))
    chain.step(100)
    assert (chain.burn_price(netuid), chain.difficulty(netuid)) == (TAO, 30)
    chain.call(BOB, work(chain, netuid, key(1)))
    chain.step(100)
    assert (chain.burn_price(netuid), chain.difficulty(netuid)) == (750_000_000, 30)
    chain.step(100)
    assert (chain.burn_price(netuid), chain.difficulty(netuid)) == (375_000_000, 15)


def test_adjustment_alpha_slows_the_move() -> None:
    chain, netuid = interval_chain(adjustment_alpha=2**63)
    chain.step(100)
    assert chain.burn_price(netuid) == 750_000_000


def test_an_interval_takes_three_times_its_target() -> None:
    chain, netuid = interval_chain()
    for number in range(6):
        chain.call(ALICE, BurnedRegister(netuid, key(number)))
    with pytest.raises(CallRefused, match="the next one starts at block 101"):
        chain.call(ALICE, BurnedRegister(netuid, key(6)))


def test_a_change_of_rule_keeps_the_price_and_starts_a_new_interval() -> None:
    chain, netuid = interval_chain(registration_rule="decay")
    for number in range(3):
        chain.call(ALICE, BurnedRegister(netuid, key(number)))
    chain.step(50)
    price = chain.burn_price(netuid)
    chain.call(ALICE, SetHyperparameters(netuid, {"registration_rule": "interval"}))
    chain.step(99)
    assert chain.burn_price(netuid) == price
    chain.step(1)
    assert chain.burn_price(netuid) == price // 2


def test_the_seal_is_the_chains() -> None:
    def keccak256(data: bytes) -> bytes:
        return bytes(keccak.new(digest_bits=256, data=data).digest())

    assert keccak256(b"").hex().startswith("c5d2460186f7233c927e7db2dcc703c0")
    block_hash, public_key = bytes(range(32)), throwaway_key(2, "0").public_key
    assert public_key is not None
    inner = (7).to_bytes(8, "little") + keccak256(block_hash + public_key)
    assert seal(block_hash, key(0), 7) == keccak256(hashlib.sha256(inner).digest())


@pytest.mark.parametrize(("difficulty", "nonce"), [(1000, 223), (100_000, 21_801)])
def test_bittensors_own_miner_finds_the_same_work(difficulty: int, nonce: int) -> None:
    """Nonces that `_solve_for_nonce_block` of bittensor 9.9.0 returned, for Alice's key on a block of bytes 0 to 31."""
    alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    assert solve(bytes(range(32)), alice, difficulty, order="big") == nonce
    assert meets(seal(bytes(range(32)), alice, nonce), difficulty, "big")
    assert not meets(seal(bytes(range(32)), alice, nonce), difficulty, "little")


def test_a_subnet_can_read_seals_as_that_miner_makes_them() -> None:
    chain, netuid = interval_chain(pow_byte_order="big", min_difficulty=500)
    assert chain.call(ALICE, work(chain, netuid, key(1))).result == 0


def test_a_seal_meets_a_difficulty_up_to_the_overflow() -> None:
    half = (2**255).to_bytes(32, "little")
    assert meets(half, 1) and not meets(half, 2)
    assert meets((2**255 - 1).to_bytes(32, "little"), 2)
    assert solve(bytes(32), key(0), 2**200, nonces=range(10)) is None


def test_work_is_refused_when_wrong_stale_or_not_asked_for() -> None:
    chain, netuid = interval_chain(min_difficulty=1000)
    good = work(chain, netuid, key(0))
    with pytest.raises(CallRefused, match="doesn't meet difficulty 1,000"):
        chain.call(BOB, PowRegister(netuid, key(1), good.block, good.work_nonce))
    chain.step(4)
    with pytest.raises(CallRefused, match="is stale; allowed: 2 to 5"):
        chain.call(BOB, good)
    chain.call(ALICE, SetHyperparameters(netuid, {"registration_rule": "decay"}))
    with pytest.raises(CallRefused, match="by burn alone"):
        chain.call(BOB, work(chain, netuid, key(0)))


def full(world, **rules: object):  # type: ignore[no-untyped-def]
    return world(validators=1, miners=3, max_allowed_uids=4, min_non_immune_uids=0, permits=False, **rules)


def test_the_lowest_emission_goes_first_then_the_oldest_then_the_lowest_uid(world) -> None:  # type: ignore[no-untyped-def]
    subnet = full(world, immunity_period=0).chain.subnet(1)
    assert uid_to_prune(subnet, 100) == 0
    subnet.registered_at[:] = [5, 4, 4, 6]
    assert uid_to_prune(subnet, 100) == 1
    subnet.emission[:] = [9, 8, 7, 7]
    assert uid_to_prune(subnet, 100) == 2


def test_immune_neurons_go_only_when_few_others_are_left(world) -> None:  # type: ignore[no-untyped-def]
    subnet = full(world, immunity_period=50).chain.subnet(1)
    subnet.registered_at[:] = [1, 1, 60, 60]
    subnet.emission[:] = [5, 6, 1, 0]
    assert uid_to_prune(subnet, 100) == 0
    w = world(validators=1, miners=3, max_allowed_uids=4, min_non_immune_uids=2, immunity_period=50, permits=False)
    subnet = w.chain.subnet(1)
    subnet.registered_at[:] = [1, 1, 60, 60]
    subnet.emission[:] = [5, 6, 1, 0]
    assert uid_to_prune(subnet, 100) == 3
    subnet.registered_at[:] = [1, 1, 1, 1]
    assert uid_to_prune(subnet, 100) == 3


def test_the_owners_hotkey_is_never_pruned() -> None:
    chain = Chain.development()
    rules = {"max_allowed_uids": 2, "min_burn_rao": 0, "max_burn_rao": 0, "immunity_period": 0}
    netuid = chain.call(ALICE, CreateSubnet(key("owner"), rules)).result
    for number in range(5):
        chain.step()
        assert chain.call(BOB, BurnedRegister(netuid, key(number))).result == 1
    chain.call(ALICE, SetHyperparameters(netuid, {"tempo": 7}))
    assert chain.metagraph(netuid).hotkeys == (key("owner"), key(4))


def test_a_subnet_full_of_its_owner_is_full() -> None:
    chain = Chain.development()
    netuid = chain.call(ALICE, CreateSubnet(key("owner"), {"max_allowed_uids": 1, "min_burn_rao": 0})).result
    chain.call(BOB, Faucet())
    with pytest.raises(CallRefused, match="is full"):
        chain.call(BOB, BurnedRegister(netuid, key(0)))


def after_replacement(world, blocks_after_the_epoch: int):  # type: ignore[no-untyped-def]
    """A subnet in which uid 3 has earned, has bonds and is then replaced; its state and the epoch that follows."""
    w = world(validators=2, miners=2, max_allowed_uids=4, immunity_period=0, min_non_immune_uids=0)
    for validator in w.validators:
        w.chain.call(validator, SetWeights.of(w.netuid, [2, 3], [0.9, 0.1]))
    w.chain.step_to_epoch(w.netuid)
    subnet = w.chain.subnet(w.netuid)
    assert subnet.incentive[3] > 0 and subnet.bonds.to_dense()[0, 3] > 0
    if blocks_after_the_epoch:
        w.chain.step(blocks_after_the_epoch)
    assert w.chain.call(w.bank, BurnedRegister(w.netuid, key("new"))).result == 3
    assert w.miners[1].ss58_address not in subnet.uids
    return subnet, w.chain


def test_a_replaced_neuron_leaves_nothing_behind(world) -> None:  # type: ignore[no-untyped-def]
    subnet, chain = after_replacement(world, blocks_after_the_epoch=1)
    assert (subnet.incentive[3], subnet.emission[3], subnet.consensus[3]) == (0, 0, 0)
    assert subnet.weights[0].values.tolist() == [65535, 0]
    epoch = chain.step_to_epoch(1)
    assert epoch.incentive.tolist() == [0, 0, 65535, 0]
    assert epoch.result.bonds.to_dense()[:, 3].tolist() == [0, 0, 0, 0]


def test_a_neuron_of_the_epochs_own_block_inherits_the_bonds_by_the_letter_of_the_mask(world) -> None:  # type: ignore[no-untyped-def]
    _, chain = after_replacement(world, blocks_after_the_epoch=0)
    assert chain.step_to_epoch(1).result.bonds.to_dense()[0, 3] > 0


def test_four_thousand_hotkeys_register_by_signed_calls_in_seconds(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=0, miners=0, permits=False, max_allowed_validators=64)
    addresses = [key(number) for number in range(4096)]
    start = time.perf_counter()
    assert w.chain.register(w.bank, w.netuid, addresses) == tuple(range(4096))
    assert time.perf_counter() - start < 10
