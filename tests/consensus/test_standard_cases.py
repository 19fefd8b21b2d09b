"""The public simulator's 22 standard cases through the exact epoch.

Of the odd-numbered ones the chain's own results are at hand; the even-numbered ones go against the slow epoch.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consensus import SubnetState, YumaParams, simulate
from tests.consensus.transcription import slow_epoch

VECTORS = Path(__file__).parent / "vectors"
ODD: dict[str, Any] = json.loads((VECTORS / "yuma_cases.json").read_text())
INPUTS = {case["case"]: case for case in ODD["inputs"]}
EVEN = {case["case"]: case for case in json.loads((VECTORS / "simulator_cases.json").read_text())["cases"]}
VERSIONS: dict[str, dict[str, Any]] = {
    "YUMA2_ema09": {"version": "yuma1", "bonds_moving_average": 900_000},
    "YUMA3": {"version": "yuma3", "bonds_moving_average": 975_000},
    "YUMA3_LIQUID": {
        "version": "yuma3", "bonds_moving_average": 975_000, "liquid_alpha": True, "alpha_low": 6553,
        "alpha_high": 19660,
    },
}  # fmt: skip


def stored(weights: list[float]) -> list[int]:
    whole = [int(w * 65535) for w in weights]
    largest = max(whole)
    return [(2 * w * 65535 + largest) // (2 * largest) if largest else 0 for w in whole]


def epoch_of(epoch: int, stakes: list[float], weights: list[list[float]]) -> dict[str, Any]:
    """One epoch's state: validators first, then miners; explicit zeros are stored."""
    validators, miners = len(weights), len(weights[0])
    n, block = validators + miners, 10 + epoch
    return {
        "stake": [round(s * 10**9) for s in stakes] + [0] * miners,
        "validator_permit": [True] * validators + [False] * miners,
        "last_update": [block] * n,
        "registered_at": [0] * n,
        "weights": {i: list(zip(range(validators, n), stored(w), strict=True)) for i, w in enumerate(weights)},
        "block": block,
        "last_tempo": block - 1,
    }


def test_there_are_22() -> None:
    numbers = sorted(int(name.split()[1]) for name in [*INPUTS, *EVEN])
    assert numbers == list(range(1, 23))


@pytest.mark.parametrize("name", list(INPUTS))
def test_an_odd_case_equals_the_chains_for_forty_epochs(name: str) -> None:
    case = INPUTS[name]
    schedule = zip(case["stakes"], case["weights"], strict=True)
    states = [SubnetState.from_rows(**epoch_of(at, *both)) for at, both in enumerate(schedule)]
    validators = len(case["validators"])
    for expected in (entry for entry in ODD["chain_exact"] if entry["case"] == name):
        reset = None
        if case["reset_bonds"] and expected["chain_variant"] != "YUMA2_ema09":
            reset = {case["reset_bonds_epoch"]: [validators + case["reset_bonds_index"]]}
        params = YumaParams(
            **VERSIONS[expected["chain_variant"]],
            bonds_penalty=int(expected["bond_penalty"] * 65535 + 0.5),
            max_allowed_validators=validators,
        )
        assert params.bonds_moving_average == expected["bonds_moving_average"]
        result = simulate(states, params, carry_permits=False, reset_bonds=reset)
        # printed to 7 decimals
        dividends = result.dividend_bits[:, :validators] / 2**32
        assert np.abs(dividends - np.array(expected["dividends"])).max() < 1e-7, expected["chain_variant"]
        incentive = result.incentive_bits[:, validators:] / 2**32
        assert np.abs(incentive - np.array(expected["incentive"])).max() < 1e-7
        bonds = result.bonds.to_dense()[:validators, validators:] / 65535
        assert np.abs(bonds - np.array(expected["final_bonds"])).max() < 1e-7


@pytest.mark.parametrize("variant", list(VERSIONS))
@pytest.mark.parametrize("name", list(EVEN))
def test_an_even_case_equals_the_slow_epoch_for_forty_epochs(name: str, variant: str) -> None:
    case = EVEN[name]
    weights = [matrix for count, matrix in case["weights"] for _ in range(count)]
    epochs = [epoch_of(at, case["stake"], matrix) for at, matrix in enumerate(weights)]
    reset = case["reset_bonds"] if variant != "YUMA2_ema09" else None
    for penalty in (0, 32768, 65535):
        params = YumaParams(**VERSIONS[variant], bonds_penalty=penalty, max_allowed_validators=3)
        result = simulate(
            [SubnetState.from_rows(**epoch) for epoch in epochs], params, carry_permits=False,
            reset_bonds={reset[0]: [3 + reset[1]]} if reset else None,
        )  # fmt: skip
        bonds: dict[int, list[tuple[int, int]]] = {}
        absent = {"owner_uid": None, "commit_block": None, "previous_consensus": None}
        for at, epoch in enumerate(epochs):
            if reset and at == reset[0]:
                bonds = {i: [(j, x) for j, x in row if j != 3 + reset[1]] for i, row in bonds.items()}
            slow = slow_epoch({**absent, **epoch, "bonds": bonds}, params, 10**9)
            bonds = slow.bonds
            assert result.dividend_bits[at].tolist() == slow.bits["dividends"], at
            assert result.incentive_bits[at].tolist() == slow.bits["incentive"], at
        assert result.bonds.to_mapping() == bonds


@pytest.mark.parametrize(
    ("variant", "shares"),
    [
        ("YUMA2_ema09", (0.8221, 0.1025, 0.0754)),
        ("YUMA3", (0.8091, 0.0998, 0.0911)),
        ("YUMA3_LIQUID", (0.8074, 0.0995, 0.0931)),
    ],
)
def test_the_second_case_pays_what_the_chains_arithmetic_paid(variant: str, shares: tuple[float, ...]) -> None:
    case = EVEN["Case 2 - kappa moves second"]
    weights = [matrix for count, matrix in case["weights"] for _ in range(count)]
    states = [SubnetState.from_rows(**epoch_of(at, case["stake"], matrix)) for at, matrix in enumerate(weights)]
    result = simulate(states, YumaParams(**VERSIONS[variant], max_allowed_validators=3), carry_permits=False)
    means = result.dividend_bits[:, :3].mean(axis=0) / 2**32
    assert means == pytest.approx(shares, abs=6e-5)
