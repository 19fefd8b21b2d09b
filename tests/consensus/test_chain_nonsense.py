"""Nonsense in any field of any call is refused at once, in one line, and changes nothing."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from consensus import (
    TAO,
    CallRefused,
    Chain,
    ChainError,
    ParamsError,
    SubnetState,
    YumaParams,
    simulate,
    sweep,
    throwaway_key,
)
from consensus.chain.calls import CALLS, Call, Faucet, SetWeights, Transfer
from consensus.chain.handlers.registration import decay_factor
from consensus.chain.hyperparameters import Hyperparameters
from consensus.chain.keys import is_address
from consensus.errors import WeightsRefused

ALICE = throwaway_key(1, "alice")


def deep(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


NONSENSE = {
    "deep": deep(100_000),
    "huge number": 10**400,
    "number too long for text": 10**5000,
    "negative": -(10**30),
    "NaN": float("nan"),
    "infinity": float("inf"),
    "lone surrogate": "\ud800",
    "line ends": "a\r\n\x1b[31mb",
    "long text": "5" * 200_000,
    "long row": (10**400,) * 1000,
    "text": "one",
    "bytes": b"\xff",
    "none": None,
    "true": True,
    "object": object(),
    "set": {1, 2},
    "mapping": {"\ud800": {"a": 10**400}},
    "keys of two types": {1: 2, "a": 3},
}
HONEST: dict[str, Any] = {
    "to": ALICE.ss58_address,
    "hotkey": throwaway_key(1, "hotkey-0").ss58_address,
    "amount_rao": 1,
    "netuid": 1,
    "hyperparameters": {},
    "changes": {},
    "block": 1,
    "work_nonce": 1,
    "take": 0,
    "uids": (0,),
    "values": (1,),
    "version": 0,
    "mechanism": 0,
    "commit_hash": "0" * 64,
    "salt": "salt",
    "ip": "10.0.0.1",
    "port": 8091,
    "protocol": 4,
}


def calls(kind: type[Call], value: object) -> Iterator[Call]:
    """The call with this value in each of its fields, and in one hyperparameter after the other."""
    names = [entry.name for entry in dataclasses.fields(kind)]
    honest = {name: HONEST[name] for name in names}
    for name in names:
        yield kind(**honest | {name: value})
        if name in ("uids", "values"):
            yield kind(**honest | {name: (value,)})
        if name in ("hyperparameters", "changes"):
            for rule in Hyperparameters().as_dict():
                yield kind(**honest | {name: {rule: value}})


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", CALLS.values(), ids=CALLS)
def test_nonsense_in_a_call_is_refused_in_one_line(kind: type[Call], world: Any) -> None:
    w = world(permits=False)
    keys = [w.owner, w.bank, *w.hotkeys[:1]]
    for value in NONSENSE.values():
        for call in calls(kind, value):
            for key in keys if kind in (SetWeights, Transfer) else keys[:1]:
                before = w.chain.supply(), w.chain.nonce(key.ss58_address)
                try:
                    w.chain.call(key, call)
                except CallRefused as refusal:
                    assert str(refusal).isprintable() and len(str(refusal)) < 2100
                    assert (w.chain.supply(), w.chain.nonce(key.ss58_address)) == before
    w.chain.step()


@pytest.mark.parametrize("field", ["signer", "nonce", "genesis_hash", "signature", "call"])
def test_nonsense_around_a_call_is_refused_in_one_line(field: str) -> None:
    chain = Chain.development(balances={ALICE.ss58_address: TAO})
    signed = chain.sign(ALICE, Faucet())
    for value in NONSENSE.values():
        with pytest.raises(CallRefused) as caught:
            chain.submit(dataclasses.replace(signed, **{field: value}))
        assert str(caught.value).isprintable() and len(str(caught.value)) < 2100


@pytest.mark.parametrize("name", NONSENSE)
def test_weights_of_no_numbers_are_refused(name: str) -> None:
    for weights in (NONSENSE[name], [NONSENSE[name]]):
        if weights != [True]:
            with pytest.raises(CallRefused) as caught:
                SetWeights.of(1, [0], weights)
            assert str(caught.value).isprintable()


def test_a_long_text_is_refused_as_an_address_at_once() -> None:
    assert not is_address("5" * 10_000_000)


@pytest.mark.parametrize("half_life", [1, 2, 3, 7, 64, 359, 360, 361, 1000])
def test_the_decay_factor_is_the_largest_that_halves_in_time(half_life: int) -> None:
    factor, half = decay_factor(half_life), 1 << 32 * half_life
    assert 2 * factor**half_life <= half < 2 * (factor + 1) ** half_life


def test_the_longest_half_life_takes_no_time() -> None:
    assert decay_factor(1_000_000) == 4294964318


TOO_MANY: dict[str, Any] = {
    **{"18 digits": 10**18, "400 digits": 10**400, "5000 digits": 10**5000, "zero": 0, "negative": -(10**30)},
    **{"float": 1e300, "NaN": float("nan"), "text": "9" * 5000},
}


@pytest.mark.parametrize("name", TOO_MANY)
def test_more_blocks_or_epochs_than_anybody_waits_for_are_refused_at_once(name: str) -> None:
    with Chain.development() as chain, pytest.raises(ChainError, match="allowed: 1 to 10,000,000 at once"):
        chain.step(TOO_MANY[name])
    state = SubnetState.from_rows(
        stake=[1000, 0],
        validator_permit=[True, False],
        last_update=[990, 990],
        registered_at=[0, 0],
        weights={0: [(1, 65535)]},
        bonds={},
        block=1000,
        last_tempo=640,
        owner_uid=None,
    )
    for compute in (simulate, sweep):
        with pytest.raises(ParamsError, match="is not a whole number from 1 to 1,000,000"):
            compute(state, YumaParams(), epochs=TOO_MANY[name])


@pytest.mark.parametrize("uid", [float("nan"), float("inf"), None, "one"])
def test_a_uid_that_is_no_number_is_refused_with_the_row(uid: Any) -> None:
    with pytest.raises(WeightsRefused, match="not sequences of numbers"):
        SetWeights.of(1, [uid], [1.0])
