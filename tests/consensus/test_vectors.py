"""The chain's own results and the values that upstream's tests assert, in vectors/yuma.json."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consensus import Rows, SubnetState, YumaParams, run_epoch, whitepaper_epoch
from consensus.yuma.yuma import EpochResult, max_upscaled

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "yuma.json").read_text())
ONE = 1 << 32
RENAMED = {"vtrust": "validator_trust", "pruning_legacy": "pruning_score", "combined": "emission"}


def rows(mapping: dict[str, Any]) -> dict[int, list[tuple[int, int]]]:
    return {int(uid): [(j, value) for j, value in row] for uid, row in mapping.items()}


def epoch(given: dict[str, Any], **changes: Any) -> EpochResult:
    version = {"la1": "liquid_alpha_v1", "sig": "nakamoto", "y3": "yuma3"}.get(given.get("era", ""), "yuma1")
    keys = {
        "kappa": "kappa",
        "bp": "bonds_penalty",
        "bma": "bonds_moving_average",
        "alo": "alpha_low",
        "ahi": "alpha_high",
        "steep": "alpha_sigmoid_steepness",
        "cutoff": "activity_cutoff",
        "maxval": "max_allowed_validators",
        "minstake": "stake_threshold",
    }
    params: dict[str, Any] = {ours: given[theirs] for theirs, ours in keys.items() if theirs in given}
    params |= {"version": "yuma3" if given.get("y3") else version, "liquid_alpha": bool(given.get("liquid"))}
    state = SubnetState.from_rows(
        stake=given["stake"],
        validator_permit=given["permits"],
        last_update=given["lu"],
        registered_at=given["reg"],
        weights=rows(given["w"]),
        bonds=rows(given["b"]),
        block=given["block"],
        last_tempo=given["last_tempo"],
        owner_uid=None if given.get("owner", -1) == -1 else given["owner"],
    )
    return run_epoch(state, YumaParams(**(params | changes)), given.get("em", 1_000_000_000))


def assert_equals(result: EpochResult, oracle: dict[str, Any]) -> None:
    for name, expected in oracle.get("u16", {}).items():
        assert getattr(result, RENAMED.get(name, name)).tolist() == expected, name
    for name, expected in oracle.get("i32f32_bits", {}).items():
        assert getattr(result.bits, RENAMED.get(name, name)).tolist() == expected, name
    for name, expected in oracle.get("emission", {}).items():
        assert getattr(result, RENAMED.get(name, f"{name}_emission")).tolist() == expected, name
    if "permits" in oracle:
        assert result.validator_permit.tolist() == [bool(permit) for permit in oracle["permits"]]
    if "bonds_u16" in oracle:
        assert result.bonds_rows() == rows(oracle["bonds_u16"])
    for name in ("dividends", "consensus", "incentive"):
        if f"{name}_u16" in oracle:
            assert getattr(result, name).tolist() == oracle[f"{name}_u16"], name
    if "dividends_bits" in oracle:
        assert result.bits.dividends.tolist() == oracle["dividends_bits"]


def steps() -> list[Any]:
    steps = []
    for group, content in VECTORS.items():
        if group == "sigmoid_era_oracle":
            continue
        listed = content if isinstance(content, list) else content.get("steps", [content])
        for number, step in enumerate(listed):
            if step.get("input") and step.get("oracle"):
                steps.append(pytest.param(step, id=f"{group}-{number}"))
    return steps


@pytest.mark.parametrize("step", steps())
def test_an_epoch_equals_the_chains_to_the_bit(step: dict[str, Any]) -> None:
    result = epoch(step["input"])
    assert_equals(result, step["oracle"])
    asserted = step.get("asserted")
    if isinstance(asserted, dict) and "bond_column" in asserted:
        stored = {uid: dict(row)[asserted["bond_column"]] for uid, row in result.bonds_rows().items()}
        assert [stored[uid] for uid in sorted(stored)] == asserted["bonds"]


@pytest.mark.parametrize("group", [name for name in VECTORS if name.startswith("test_yuma_3")])
def test_yuma3_runs_six_epochs_to_the_chains_bits_and_upstreams_targets(group: str) -> None:
    steps = VECTORS[group]["steps"]
    given = dict(steps[0]["input"])
    n = given["n"]
    for step in steps:
        given["w"] = {str(uid): list(zip(range(3, n), row, strict=True)) for uid, row in enumerate(step["weights"])}
        result = epoch(given)
        assert_equals(result, step["oracle"])
        bonds = result.bonds.to_dense()[:3, 3:] / 65535
        assert np.abs(bonds - np.array(step["target"]["bonds"])).max() < 1e-3
        assert np.abs(result.dividends / 65535 - np.array(step["target"]["dividends"])).max() < 1e-3
        given["b"] = {str(uid): row for uid, row in result.bonds_rows().items()}


@pytest.mark.parametrize("case", VECTORS["sparse_vs_dense_liquid_alpha_divergence_oracle"])
def test_a_bond_without_a_weight_vanishes_in_the_sparse_epoch_and_decays_in_the_dense_one(case: dict[str, Any]) -> None:
    assert_equals(epoch(case["input"]), case["sparse"])
    dense = epoch(case["input"], semantics="dense")
    expected = case["dense"]
    assert dense.dividends.tolist() == expected["dividends_u16"]
    listed = {uid: [cell for cell in row if cell[1]] for uid, row in rows(expected["bonds_u16"]).items()}
    assert dense.bonds_rows() == listed


def test_the_sigmoid_era_is_reproduced_to_the_bit() -> None:
    case = VECTORS["sigmoid_era_oracle"]
    result = epoch(case["input"])
    for name in ("consensus", "incentive", "dividends"):
        assert (getattr(result.bits, name) / ONE).tolist() == case["oracle"][name], name
    assert result.trace()["trust"].tolist() == case["oracle"]["trust"]
    assert result.emission.tolist() == case["oracle"]["emission"]
    assert result.bonds_rows() == rows(case["oracle"]["bonds_u16"])


@pytest.mark.parametrize(
    ("group", "n", "validators", "epochs"),
    [("test_512_graph", 512, 64, 3), ("test_4096_graph_commented_out_upstream", 4096, 256, 1)],
)
def test_a_uniform_graph_pays_everyone_alike(group: str, n: int, validators: int, epochs: int) -> None:
    case = VECTORS[group]
    is_validator = np.arange(n) < validators
    weights = np.zeros((validators, n), np.int64)
    weights[:, validators:] = 65535
    state = SubnetState(
        stake=np.where(is_validator, case["stake_each"], 0),
        validator_permit=is_validator,
        last_update=is_validator.astype(np.int64),
        registered_at=np.zeros(n, np.int64),
        weights=Rows.from_dense(weights),
        bonds=Rows.empty(n),
        block=1,
        last_tempo=1,
    )
    params = YumaParams(version="yuma1", max_allowed_validators=validators)
    for _ in range(epochs):
        result = run_epoch(state, params, case["emission"])
        state = state.replace(bonds=result.bonds)
    for kind, uids in (("validator", is_validator), ("server", ~is_validator)):
        asserted = case["asserted"][kind]
        for name in ("consensus", "incentive", "dividends", "emission"):
            assert set(getattr(result, name)[uids].tolist()) == {asserted[name]}, (kind, name)
    if "bond_on_server" in case["asserted"]["validator"]:
        assert set(result.bonds.values.tolist()) == {case["asserted"]["validator"]["bond_on_server"]}


def test_active_stake_moves_dividends_as_upstream_asserts() -> None:
    for step in VECTORS["test_active_stake"]["steps"]:
        result = epoch(step["input"])
        assert result.dividends.tolist()[:2] == step["asserted"]["dividends"]
        assert result.emission.tolist() == step["asserted"]["emission"]


def test_without_a_valid_weight_stake_is_paid() -> None:
    for step in VECTORS["test_zero_weights"]["steps"]:
        assert epoch(step["input"]).emission.tolist() == step["asserted"]


def test_the_owner_may_weigh_itself() -> None:
    server = epoch(VECTORS["test_can_set_self_weight_as_subnet_owner"]["input"]).server_emission
    assert server[0] == server[1] > 0


@pytest.mark.parametrize("case", VECTORS["test_validator_permits"])
def test_permits_go_to_the_largest_stakes_over_the_threshold(case: dict[str, Any]) -> None:
    for stake, expected in ((case["stake1"], case["permits1"]), (case["stake2"], case["permits2"])):
        n = case["n"]
        state = SubnetState.from_rows(
            stake=stake,
            validator_permit=[False] * n,
            last_update=[1] * n,
            registered_at=[0] * n,
            weights={},
            block=1,
            last_tempo=1,
        )
        params = YumaParams(stake_threshold=case["min_stake"], max_allowed_validators=case["max_validators"])
        assert run_epoch(state, params).validator_permit.tolist() == [bool(permit) for permit in expected]


def test_at_the_edge_of_a_tie_the_higher_uid_keeps_the_permit() -> None:
    state = SubnetState.from_rows(
        stake=[5, 5, 5, 5],
        validator_permit=[False] * 4,
        last_update=[1] * 4,
        registered_at=[0] * 4,
        weights={},
        block=1,
        last_tempo=1,
    )
    permits = run_epoch(state, YumaParams(max_allowed_validators=2)).validator_permit
    assert permits.tolist() == [False, False, True, True]


def test_proportions_are_max_upscaled_as_upstream_asserts() -> None:
    for values, expected in VECTORS["math"]["vec_max_upscale_to_u16"]:
        if max(values) <= 1:
            bits = np.array([round(value * ONE) for value in values], np.int64)
            assert max_upscaled(bits).tolist() == expected


def test_the_whitepapers_printed_cabal_loop_is_reproduced() -> None:
    case = VECTORS["whitepaper_cabal_loop"]
    given = case["params"]
    stake = np.array([given["stake_A"], given["stake_B"]])
    cabal = []
    for _ in range(given["blocks"]):
        result = whitepaper_epoch(stake, np.eye(2), np.zeros((2, 2)), rho=given["temp"], kappa=0.5)
        stake = stake + given["tau"] * result.incentive
        stake = stake / stake.sum()
        cabal.append(stake[1])
    assert np.abs(np.array(cabal[:5]) - case["printed_in_paper"]).max() < 1e-12
    assert np.abs(np.array(cabal) - case["computed"][: len(cabal)]).max() < 1e-12


def test_the_whitepaper_runs_on_a_chains_state() -> None:
    state = SubnetState.from_rows(
        stake=[51, 49, 0, 0],
        validator_permit=[False] * 4,
        last_update=[0] * 4,
        registered_at=[0] * 4,
        weights={0: [(2, 65535)], 1: [(3, 65535)]},
        block=10**6,
        last_tempo=0,
    )
    result = run_epoch(state, YumaParams(version="whitepaper", kappa=32767))
    expected = whitepaper_epoch(
        np.array([0.51, 0.49, 0, 0]),
        np.eye(4)[[2, 3, 0, 1]] * [[1], [1], [0], [0]],
        np.zeros((4, 4)),
        kappa=32767 / 65535,
    )
    assert np.abs(result.bits.incentive / ONE - expected.incentive).max() < 1e-9
    assert np.abs(result.bits.dividends / ONE - expected.dividends).max() < 1e-9
    assert result.bonds_rows() == {0: [(2, 65535)], 1: [(3, 65535)]}
    assert result.emission.sum() <= 10**9
