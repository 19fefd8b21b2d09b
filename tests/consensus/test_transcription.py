"""The compiled epoch against the slow one."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus import SubnetState, YumaParams, run_epoch
from tests.consensus.transcription import U16, slow_epoch


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.integers(1, 7))
    per_uid = lambda entry: st.lists(entry, min_size=n, max_size=n)  # noqa: E731
    cell = st.sampled_from([0, 0, 1, 2, 32767, 32768, 65534, 65535]) | st.integers(0, U16)
    row = st.dictionaries(st.integers(0, n - 1), cell, max_size=n).map(lambda d: list(d.items()))
    rows = st.dictionaries(st.integers(0, n - 1), row, max_size=n)
    blocks = st.sampled_from([0, 1, 4999, 5000, 9639, 9640, 9641, 9800, 9990, 10000])
    largest = draw(st.sampled_from([0, 1, 3, 10**6, 10**15, (2**63 - 1) // 7]))
    return {
        "stake": draw(per_uid(st.integers(0, largest))),
        "validator_permit": draw(per_uid(st.booleans())) if draw(st.booleans()) else [True] * n,
        "last_update": draw(per_uid(blocks)) if draw(st.booleans()) else [9990] * n,
        "registered_at": draw(per_uid(blocks)) if draw(st.booleans()) else [0] * n,
        "weights": draw(rows),
        "bonds": draw(rows),
        "block": 10000,
        "last_tempo": 9640,
        "owner_uid": draw(st.none() | st.integers(0, n - 1)),
        "commit_block": draw(st.none() | per_uid(st.sampled_from([9700, 9800, 2**63 - 1]))),
        "previous_consensus": draw(st.none() | per_uid(cell)),
    }


def parameters(version: str) -> st.SearchStrategy[YumaParams]:
    u16 = st.sampled_from([0, 32767, 32768, U16]) | st.integers(0, U16)
    alpha = st.sampled_from([1638, 58982, U16]) | st.integers(1638, U16)
    alphas = st.tuples(alpha, alpha).map(sorted)
    fields = st.fixed_dictionaries(
        {
            "version": st.just(version),
            "semantics": st.sampled_from(["chain", "dense"]),
            "kappa": u16,
            "bonds_penalty": u16,
            "bonds_moving_average": st.sampled_from([0, 900_000, 975_000, 1_000_000]),
            "liquid_alpha": st.booleans(),
            "alpha_sigmoid_steepness": st.sampled_from([1000, 0, -1000, 32767, -32768, 4000]),
            "liquid_alpha_consensus": st.sampled_from(["current", "previous", "auto"]),
            "max_allowed_validators": st.integers(0, 8),
            "stake_threshold": st.sampled_from([0, 2, 1000]),
        }
    )
    pairs = st.tuples(fields, alphas)
    return pairs.map(lambda pair: YumaParams(**pair[0], alpha_low=pair[1][0], alpha_high=pair[1][1]))


@pytest.mark.parametrize("version", ["nakamoto", "yuma1", "liquid_alpha_v1", "yuma3"])
@settings(max_examples=75)
@given(data=st.data())
def test_every_bit_equals_the_slow_transcription(version: str, data: st.DataObject) -> None:
    case = data.draw(cases())
    params = data.draw(parameters(version))
    rao = data.draw(st.sampled_from([0, 1, 10**9, 123456789012, 2**63 - 1]))
    slow = slow_epoch(case, params, rao)
    result = run_epoch(SubnetState.from_rows(**case), params, rao)
    trace = result.trace()
    for name, expected in slow.bits.items():
        assert trace.bits(name).tolist() == expected, name
    for name, expected in slow.paid.items():
        assert getattr(result, name).tolist() == expected, name
    assert result.validator_permit.tolist() == slow.permits
    assert result.bonds_rows() == slow.bonds
    assert sum(result.server_emission.tolist()) + sum(result.validator_emission.tolist()) <= rao
