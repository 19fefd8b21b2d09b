"""Signed calls: who may, in which order, and that a refusal changes nothing."""

import dataclasses

import pytest
from bittensor_wallet import Keypair

from consensus import TAO, CallRefused, Chain, Genesis, throwaway_key
from consensus.chain.calls import (
    CALLS,
    AddStake,
    Call,
    CreateSubnet,
    Faucet,
    RemoveStake,
    ServeAxon,
    SetHyperparameters,
    SetTake,
    SignedCall,
    Transfer,
    sign_call,
)
from consensus.chain.chain import HANDLERS
from consensus.errors import ChainError, NonceRefused, NotAllowed, Shortage, SignatureRefused

ALICE, BOB = throwaway_key(1, "alice"), throwaway_key(1, "bob")


def funded(**genesis: object) -> Chain:
    return Chain.development(balances={ALICE.ss58_address: 1000 * TAO}, **genesis)


def test_every_call_has_its_handler() -> None:
    assert set(HANDLERS) == set(CALLS.values())


def test_a_transfer_moves_the_balance() -> None:
    chain = funded()
    assert chain.call(ALICE, Transfer(BOB.ss58_address, 300 * TAO)).result == 300 * TAO
    assert (chain.balance(ALICE.ss58_address), chain.balance(BOB.ss58_address)) == (700 * TAO, 300 * TAO)


def test_a_changed_call_has_no_valid_signature() -> None:
    chain = funded()
    signed = chain.sign(ALICE, Transfer(BOB.ss58_address, 1))
    with pytest.raises(SignatureRefused, match="signature is not"):
        chain.submit(dataclasses.replace(signed, call=Transfer(BOB.ss58_address, 2)))


def test_a_foreign_key_cannot_sign_for_another() -> None:
    chain = funded()
    signed = chain.sign(BOB, Transfer(BOB.ss58_address, 1))
    with pytest.raises(SignatureRefused):
        chain.submit(dataclasses.replace(signed, signer=ALICE.ss58_address))


def test_a_replay_is_refused() -> None:
    chain = funded()
    signed = chain.sign(ALICE, Transfer(BOB.ss58_address, 1))
    chain.submit(signed)
    chain.step()
    with pytest.raises(NonceRefused, match="already used; the next one is 1"):
        chain.submit(signed)
    assert chain.balance(BOB.ss58_address) == 1


def test_a_call_ahead_of_its_turn_is_refused() -> None:
    chain = funded()
    signed = sign_call(ALICE, Transfer(BOB.ss58_address, 1), nonce=5, genesis_hash=chain.genesis_hash)
    with pytest.raises(NonceRefused, match="ahead of its turn"):
        chain.submit(signed)


def test_a_call_for_another_chain_is_refused() -> None:
    chain, other = funded(), funded(name="other")
    with pytest.raises(SignatureRefused, match="signed for another chain"):
        chain.submit(other.sign(ALICE, Transfer(BOB.ss58_address, 1)))


def test_a_refused_call_changes_nothing_and_keeps_its_nonce() -> None:
    chain = funded()
    before = chain.supply(), chain.nonce(ALICE.ss58_address)
    with pytest.raises(Shortage) as caught:
        chain.call(ALICE, Transfer(BOB.ss58_address, 1001 * TAO))
    assert str(caught.value) == "balance 1,000 τ, the transfer takes 1,001 τ"
    assert (caught.value.have_rao, caught.value.need_rao) == (1000 * TAO, 1001 * TAO)
    assert (chain.supply(), chain.nonce(ALICE.ss58_address)) == before


@pytest.mark.parametrize("amount", [0, -1, 1.5, True, None, "1", 2**63, 2**70, float("nan")])
def test_an_amount_that_is_not_a_positive_number_of_rao_is_refused(amount: object) -> None:
    chain = funded()
    with pytest.raises(CallRefused):
        chain.call(ALICE, Transfer(BOB.ss58_address, amount))  # type: ignore[arg-type]
    assert chain.balance(ALICE.ss58_address) == 1000 * TAO


def test_minting_past_the_largest_issuance_is_refused() -> None:
    chain = funded()
    with pytest.raises(CallRefused, match="overflow"):
        chain.call(ALICE, Faucet(2**63 - 1))
    chain.call(ALICE, Faucet(2**63 - 1 - 1000 * TAO))
    with pytest.raises(CallRefused, match="at most 0 τ can be added"):
        chain.call(BOB, Faucet(1))


def test_emission_stops_at_the_largest_issuance() -> None:
    chain = funded()
    chain.call(ALICE, Faucet(2**63 - 1 - 1000 * TAO))
    chain.call(ALICE, CreateSubnet())
    chain.step(1000)
    assert chain.issuance_rao <= 2**63 - 1


def test_only_the_owner_sets_hyperparameters() -> None:
    chain = funded()
    netuid = chain.call(ALICE, CreateSubnet()).result
    with pytest.raises(NotAllowed, match="can't change its rules"):
        chain.call(BOB, SetHyperparameters(netuid, {"tempo": 20}))
    chain.call(ALICE, SetHyperparameters(netuid, {"tempo": 20}))
    assert chain.hyperparameters(netuid).tempo == 20


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tempo": 0}, "tempo: 0; allowed: 1 to 50400"),
        ({"tempp": 10}, "unknown hyperparameter 'tempp'; known: activity_cutoff"),
        ({"tempo": "10"}, "tempo: '10' is not of type int"),
        ({"liquid_alpha": 1}, "liquid_alpha: 1 is not of type bool"),
        ({"alpha_low": 60000}, "alpha_low: 60000; allowed: 1638 to 58982"),
        ({"kappa": 70000}, "kappa: 70000; allowed: 0 to 65535"),
        ({"yuma_version": "yuma9"}, "allowed: whitepaper"),
        ({"registration_rule": "free"}, "allowed: decay, interval"),
    ],
)
def test_a_hyperparameter_out_of_range_is_refused(changes: dict[str, object], says: str) -> None:
    chain = funded()
    netuid = chain.call(ALICE, CreateSubnet()).result
    before = chain.hyperparameters(netuid)
    with pytest.raises(CallRefused, match=says):
        chain.call(ALICE, SetHyperparameters(netuid, changes))
    assert chain.hyperparameters(netuid) == before


def test_development_comforts_are_refused_on_a_strict_chain() -> None:
    chain = Chain.create(genesis=Genesis(development=False, balances={ALICE.ss58_address: 5000 * TAO}))
    with pytest.raises(CallRefused, match="faucet"):
        chain.call(ALICE, Faucet())
    with pytest.raises(CallRefused, match="hyperparameters set"):
        chain.call(ALICE, CreateSubnet(BOB.ss58_address, {"tempo": 10}))
    with pytest.raises(CallRefused, match="needs its owner's hotkey"):
        chain.call(ALICE, CreateSubnet())
    netuid = chain.call(ALICE, CreateSubnet(BOB.ss58_address)).result
    with pytest.raises(CallRefused, match="360 to 50400; shorter tempos need a development chain"):
        chain.call(ALICE, SetHyperparameters(netuid, {"tempo": 10}))
    assert chain.metagraph(netuid).hotkeys == (BOB.ss58_address,)


def test_stake_and_take_follow_their_owners(world) -> None:  # type: ignore[no-untyped-def]
    w = world()
    hotkey = w.validators[0].ss58_address
    with pytest.raises(Shortage, match="stake 0 τ on"):
        w.chain.call(ALICE, RemoveStake(hotkey, 1))
    with pytest.raises(NotAllowed):
        w.chain.call(ALICE, SetTake(hotkey, 100))
    with pytest.raises(CallRefused, match="allowed: 0 to 11796"):
        w.chain.call(w.bank, SetTake(hotkey, 11797))
    assert w.chain.take(hotkey) == 11796
    w.chain.call(w.bank, SetTake(hotkey, 100))
    assert w.chain.take(hotkey) == 100
    with pytest.raises(CallRefused, match="was never registered"):
        w.chain.call(w.bank, AddStake(BOB.ss58_address, 1))


@pytest.mark.parametrize(
    ("call", "check"),
    [
        (ServeAxon(1, "nowhere", 80), "ip"),
        (ServeAxon(1, "0.0.0.0", 80), "ip"),
        (ServeAxon(1, "10.0.0.1", 0), "port"),
        (ServeAxon(1, "10.0.0.1", 65536), "port"),
        (ServeAxon(2, "10.0.0.1", 80), "subnet"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(world, call: ServeAxon, check: str) -> None:  # type: ignore[no-untyped-def]
    w = world(permits=False)
    with pytest.raises(CallRefused) as caught:
        w.chain.call(w.miners[0], call)
    assert caught.value.check == check


def test_an_endpoint_shows_in_the_metagraph(world) -> None:  # type: ignore[no-untyped-def]
    w = world(validators=1, miners=1, serving_rate_limit=50)
    w.chain.call(w.miners[0], ServeAxon(w.netuid, "2001:db8::1", 8091))
    assert w.chain.metagraph(w.netuid).axons == ("", "2001:db8::1:8091")
    with pytest.raises(CallRefused, match="allowed: every 50 blocks"):
        w.chain.call(w.miners[0], ServeAxon(w.netuid, "2001:db8::1", 8092))
    with pytest.raises(NotAllowed):
        w.chain.call(BOB, ServeAxon(w.netuid, "10.0.0.1", 80))


NONSENSE = (None, True, -1, 2**70, 1.5, "x", "", [], [1], {}, ALICE.ss58_address)


@pytest.mark.parametrize("kind", CALLS.values(), ids=CALLS)
def test_a_call_of_nonsense_is_refused_and_changes_nothing(world, kind: type[Call]) -> None:  # type: ignore[no-untyped-def]
    w = world(permits=False)
    sound = {field.name for field in dataclasses.fields(kind)}
    for key in (w.bank, w.validators[0]):
        for value in NONSENSE:
            before = w.chain.supply()
            try:
                w.chain.call(key, kind(**dict.fromkeys(sound, value)))  # type: ignore[arg-type]
            except CallRefused:
                assert w.chain.supply() == before
    w.chain.step(20)


@pytest.mark.parametrize("broken", [{"signature": "0x00"}, {"nonce": "0"}, {"signer": None}, {"genesis_hash": None}])
def test_a_malformed_signed_call_is_refused(broken: dict[str, object]) -> None:
    chain = funded()
    good = chain.sign(ALICE, Faucet())
    with pytest.raises(SignatureRefused):
        chain.submit(dataclasses.replace(good, **broken))  # type: ignore[arg-type]
    assert isinstance(good, SignedCall) and isinstance(ALICE, Keypair)


def test_a_step_of_no_blocks_is_refused() -> None:
    chain = funded()
    for blocks in (0, -1, 1.5, True):
        with pytest.raises(ChainError, match="allowed: 1 to 10,000,000 at once"):
            chain.step(blocks)  # type: ignore[arg-type]
