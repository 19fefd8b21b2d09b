"""Epochs in a row and side by side."""

from typing import Any

import numpy as np
import pytest

from consensus import Batch, EpochResult, SubnetState, YumaParams, run_epoch, simulate, sweep


def small(seed: int, n: int = 6) -> SubnetState:
    rng = np.random.default_rng(seed)
    weights = {i: [(j, int(rng.integers(1, 65536))) for j in range(3, n)] for i in range(3)}
    return SubnetState.from_rows(
        stake=[*rng.integers(1, 10**9, 3).tolist(), *[0] * (n - 3)],
        validator_permit=[True] * 3 + [False] * (n - 3),
        last_update=[990] * n,
        registered_at=[0] * n,
        weights=weights,
        block=1000,
        last_tempo=640,
    )


@pytest.mark.parametrize("version", ["nakamoto", "yuma1", "liquid_alpha_v1", "yuma3"])
def test_a_sweep_gives_every_case_the_same_result_as_alone(version: Any) -> None:
    states = [small(seed) for seed in range(8)]
    table = [YumaParams(version=version, kappa=4096 * k, liquid_alpha=True) for k in range(8)]
    together = sweep(states, table, emission=10**6)
    for case, (state, params) in enumerate(zip(states, table, strict=True)):
        alone = run_epoch(state, params, 10**6)
        for name in ("consensus", "incentive", "dividends", "emission", "server_emission", "validator_permit"):
            assert getattr(together, name)[case].tolist() == getattr(alone, name).tolist(), name
        assert together.bonds_rows(case) == alone.bonds_rows()


def test_one_state_goes_with_many_parameters_and_many_states_with_one() -> None:
    assert sweep(small(0), [YumaParams(kappa=k) for k in (0, 32767, 65535)]).incentive.shape == (3, 6)
    assert sweep([small(s) for s in range(4)], YumaParams()).incentive.shape == (4, 6)


def test_epochs_of_a_sweep_carry_bonds_as_a_simulation_does() -> None:
    params = YumaParams(max_allowed_validators=3)
    alone = simulate(small(1), params, epochs=5)
    together = sweep([small(1), small(2)], params, epochs=5)
    assert together.dividends[0].tolist() == alone.dividends[-1].tolist()
    assert together.bonds_rows(0) == alone.bonds.to_mapping()


def test_a_dense_batch_equals_its_states() -> None:
    rng = np.random.default_rng(5)
    stake = np.zeros((4, 5), np.int64)
    stake[:, :2] = rng.integers(1, 10**12, (4, 2))
    weights = rng.integers(0, 3, (4, 2, 5)) * 21845
    for keep_zeros in (False, True):
        together = sweep(Batch.from_dense(stake=stake, weights=weights, keep_zeros=keep_zeros), YumaParams())
        for case in range(4):
            rows = {
                i: [(j, int(weights[case, i, j])) for j in range(5) if keep_zeros or weights[case, i, j]]
                for i in range(2)
            }
            state = SubnetState.from_rows(
                stake=stake[case],
                validator_permit=[True, True, False, False, False],
                last_update=[1000, 1000, 0, 0, 0],
                registered_at=[0] * 5,
                weights=rows,
                block=1000,
                last_tempo=999,
            )
            assert together.dividends[case].tolist() == run_epoch(state, YumaParams()).dividends.tolist()


def test_a_simulation_passes_each_result_to_the_maker_of_the_next_state() -> None:
    base = small(3)
    seen: list[list[int]] = []

    def copier(epoch: int, before: EpochResult | None) -> SubnetState:
        if before is None:
            return base
        seen.append(before.consensus.tolist())
        rows = base.weights.to_mapping() | {2: [(j, int(before.consensus[j])) for j in range(3, 6)]}
        return base.replace(weights=type(base.weights).from_mapping(rows, base.n))

    result = simulate(copier, YumaParams(), epochs=4)
    assert seen == result.consensus[:3].tolist()


def test_a_newly_registered_neuron_starts_without_permit_and_bonds() -> None:
    base = small(4)
    replaced = base.replace(registered_at=np.array([950, 0, 0, 0, 950, 0]), last_tempo=900)
    result = simulate([base, base, replaced], YumaParams())
    assert result.validator_permit[1, 0]
    assert result.dividends[2, 0] == 0
    assert result.dividends[1, 0] > 0
    untouched = simulate([base, base, base], YumaParams())
    for uid in (1, 2):
        on_new, on_old = (dict(run.bonds.to_mapping()[uid])[4] for run in (result, untouched))
        assert 0 < on_new < on_old


def test_a_trace_names_what_the_epoch_saw() -> None:
    state = small(6)
    result = run_epoch(state, YumaParams(version="yuma3", liquid_alpha=True))
    trace = result.trace()
    assert trace.bits("consensus").tolist() == result.bits.consensus.tolist()
    assert np.allclose(trace["weights"].sum(axis=1)[:3], 1)
    assert (trace["clipped_weights"] <= trace["weights"]).all()
    alphas = trace.cells("alpha").bits / 2**32
    assert ((alphas > 0.6999) & (alphas < 0.9001)).all()
    stored = (trace.bits("bonds") * 65535 >> 32)[:3, 3:]
    assert stored.tolist() == result.bonds.to_dense()[:3, 3:].tolist()
    with pytest.raises(KeyError, match="alfa: not part of an epoch; known: stake, "):
        trace.bits("alfa")


def test_every_way_in_shares_one_compiled_epoch() -> None:
    from consensus.yuma.kernel import epochs

    run_epoch(small(7), YumaParams(), 5).trace()
    sweep([small(8), small(9)], YumaParams(), epochs=2)
    sweep(Batch.from_dense(stake=[[1, 1, 0]], weights=np.ones((1, 2, 3), np.uint16)), YumaParams())
    simulate(small(7).replace(owner_uid=0), YumaParams(), epochs=2, reset_bonds={1: [4]})
    assert len(epochs.signatures) == 1
