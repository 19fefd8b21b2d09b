"""What a state and its parameters refuse, and the words of the refusal."""

from typing import Any

import numpy as np
import pytest

from consensus import Batch, ParamsError, Rows, StateError, SubnetState, YumaParams, run_epoch, simulate, sweep

GOOD: dict[str, Any] = {
    "stake": [3, 1, 0],
    "validator_permit": [True, True, False],
    "last_update": [990, 990, 0],
    "registered_at": [0, 0, 0],
    "weights": {0: [(2, 65535)], 1: [(2, 100), (1, 0)]},
    "bonds": {0: [(2, 7)]},
    "block": 1000,
    "last_tempo": 640,
}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("stake", [3, -1, 0], r"stake\[1\]: -1 is outside 0 to"),
        ("stake", [3, float("nan"), 0], r"stake\[1\]: nan is not a whole number"),
        ("stake", [3, 0.5, 0], r"stake\[1\]: 0.5 is not a whole number"),
        ("stake", [3, 2**63, 0], r"stake\[1\]: 9223372036854775808 is outside 0 to 9223372036854775807"),
        ("stake", [2**62, 2**62, 0], "stake: the sum 9223372036854775808 rao overflows"),
        ("stake", [], "stake: 0 neurons; a subnet has 1 to 65536"),
        ("stake", ["3", 1, 0], r"stake\[0\]: '3' is not a whole number"),
        ("validator_permit", [True, True], "validator_permit: 2 entries for 3 uids"),
        ("validator_permit", [2, 0, 0], r"validator_permit\[0\]: 2 is outside 0 to 1"),
        ("last_update", [-1, 0, 0], r"last_update\[0\]: -1 is outside"),
        ("registered_at", [0, 0, 0, 0], "registered_at: 4 entries for 3 uids"),
        ("weights", {3: [(0, 1)]}, r"weights\[3\]: no such uid; this subnet has uids 0 to 2"),
        ("weights", {0: [(3, 1)]}, r"weights\[0\] uids\[0\]: 3 is outside 0 to 2"),
        ("weights", {0: [(-1, 1)]}, r"weights\[0\] uids\[0\]: -1 is outside 0 to 2"),
        ("weights", {0: [(1, 5), (1, 6)]}, r"weights\[0\]: uid 1 is named twice"),
        ("weights", {0: [(1, 65536)]}, r"weights\[0\] values\[0\]: 65536 is outside 0 to 65535"),
        ("weights", {0: [(1, -5)]}, r"weights\[0\] values\[0\]: -5 is outside"),
        ("weights", {0: [(1, float("nan"))]}, r"weights\[0\] values\[0\]: nan is not a whole number"),
        ("weights", {0: [(1, 0.25)]}, r"0.25 is not a whole number"),
        ("weights", {0: [1, 2, 3]}, r"weights\[0\]: shape \(3,\) is not a list of \(uid, value\) pairs"),
        ("bonds", {9: [(0, 1)]}, r"bonds\[9\]: no such uid"),
        ("owner_uid", 3, r"owner_uid\[0\]: 3 is outside 0 to 2"),
        ("block", -1, r"block\[0\]: -1 is outside"),
        ("previous_consensus", [0, 0, 65536], r"previous_consensus\[2\]: 65536 is outside 0 to 65535"),
        ("commit_block", [0], "commit_block: 1 entries for 3 uids"),
    ],
)
def test_a_state_that_no_chain_could_hold_is_refused_with_the_reason(field: str, value: Any, words: str) -> None:
    with pytest.raises(StateError, match=words):
        SubnetState.from_rows(**(GOOD | {field: value}))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("version", "yuma4", "version: unknown value 'yuma4'; known: whitepaper, nakamoto, yuma1"),
        ("semantics", "sparse", "semantics: unknown value 'sparse'; known: chain, dense"),
        ("kappa", 65536, "kappa: 65536 is outside 0 to 65535; it is a u16 proportion, one half is 32767"),
        ("kappa", 0.5, "kappa: 0.5 is not a whole number; give the chain's integer, 0 to 65535"),
        ("bonds_penalty", -1, "bonds_penalty: -1 is outside"),
        ("bonds_moving_average", 1_000_001, "it is in millionths, 0.9 is 900000"),
        ("alpha_low", 1637, "alpha_low: 1637 is outside 1638 to 65535"),
        ("alpha_low", 60000, "alpha_low: 60000 is above alpha_high 58982"),
        ("alpha_sigmoid_steepness", 40000, "outside -32768 to 32767"),
        ("liquid_alpha", 1, "liquid_alpha: 1 is not True or False"),
        ("max_allowed_validators", -1, "max_allowed_validators: -1"),
    ],
)
def test_a_parameter_out_of_range_is_refused_with_its_range(field: str, value: Any, words: str) -> None:
    with pytest.raises(ParamsError, match=words):
        YumaParams(**{field: value})


@pytest.mark.parametrize("emission", [-1, 2**63, 1.5, True])
def test_an_emission_that_is_not_an_amount_of_rao_is_refused(emission: Any) -> None:
    with pytest.raises(ParamsError, match="emission"):
        run_epoch(SubnetState.from_rows(**GOOD), YumaParams(), emission)


def test_rows_come_back_as_they_went_in_sorted_with_explicit_zeros() -> None:
    state = SubnetState.from_rows(**GOOD)
    assert state.weights.to_mapping() == {0: [(2, 65535)], 1: [(1, 0), (2, 100)]}
    assert Rows.from_dense(state.weights.to_dense()).to_mapping() == {0: [(2, 65535)], 1: [(2, 100)]}
    assert state.weights.without(rows=[0], columns=[1]).to_mapping() == {1: [(2, 100)]}


def test_an_epoch_leaves_its_state_untouched_and_a_state_cannot_be_written() -> None:
    state = SubnetState.from_rows(**GOOD)
    before = (state.stake.tolist(), state.weights.to_mapping(), state.bonds.to_mapping())
    run_epoch(state, YumaParams(), 10)
    assert (state.stake.tolist(), state.weights.to_mapping(), state.bonds.to_mapping()) == before
    for array in (state.stake, state.validator_permit, state.weights.values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_callers_array_is_copied_not_frozen() -> None:
    stake = np.array([3, 1, 0])
    state = SubnetState.from_rows(**(GOOD | {"stake": stake}))
    stake[0] = 99
    assert state.stake.tolist() == [3, 1, 0]


def test_importing_the_room_does_not_import_numba_or_matplotlib() -> None:
    import subprocess
    import sys

    code = "import consensus, sys; assert not {'numba', 'matplotlib', 'scipy', 'ray', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_sweep_refuses_cases_of_different_shapes() -> None:
    state = SubnetState.from_rows(**GOOD)
    small = SubnetState.from_rows(
        stake=[1], validator_permit=[True], last_update=[0], registered_at=[0], weights={}, block=1, last_tempo=0
    )
    with pytest.raises(StateError, match="1 to 3 neurons; give cases of one size"):
        sweep([state, small], YumaParams())
    with pytest.raises(ParamsError, match="params: 2 for 3 cases"):
        sweep([state] * 3, [YumaParams()] * 2)
    with pytest.raises(ParamsError, match="run it alone, with run_epoch"):
        sweep(state, YumaParams(version="whitepaper"))
    with pytest.raises(ParamsError, match="epochs: missing"):
        simulate(state, YumaParams())
    with pytest.raises(StateError, match=r"expected \(cases, n\) and \(cases, validators, n\)"):
        Batch.from_dense(stake=[[1, 2]], weights=[[[1, 2, 3]]])


def test_the_compiled_epoch_goes_without_a_cache_where_nothing_can_be_written() -> None:
    import os
    import subprocess
    import sys

    code = "import consensus.yuma.kernel"
    locators = os.environ | {"NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator"}  # which finds no place for a plain file
    subprocess.run([sys.executable, "-c", code], env=locators, check=True)
