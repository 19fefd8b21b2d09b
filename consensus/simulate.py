"""Many epochs, of one subnet through time or of many cases at once.

simulate([state_0, state_1, state_2], YumaParams()).dividends   # (3, n) u16, bonds carried
sweep(state, [YumaParams(kappa=k) for k in range(0, 65536, 4096)]).incentive  # (16, n) u16
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from consensus.errors import ParamsError, StateError, quoted
from consensus.yuma.batch import Batch, RawResult, run_batch
from consensus.yuma.params import YumaParams
from consensus.yuma.rows import Rows
from consensus.yuma.state import SubnetState
from consensus.yuma.yuma import EpochResult, run_epoch, u16_of


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outcomes:
    """Stored results of epochs, one row each: arrays (rows, n), u16 proportions and rao as in `EpochResult`."""

    stake_weight: NDArray[np.uint16]
    consensus: NDArray[np.uint16]
    validator_trust: NDArray[np.uint16]
    incentive: NDArray[np.uint16]
    dividends: NDArray[np.uint16]
    emission: NDArray[np.int64]
    server_emission: NDArray[np.int64]
    validator_emission: NDArray[np.int64]
    active: NDArray[np.bool_]
    validator_permit: NDArray[np.bool_]
    dividend_bits: NDArray[np.int64] = field(repr=False)
    incentive_bits: NDArray[np.int64] = field(repr=False)
    """Raw I32F32 integers, for shares finer than a u16."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Simulation(Outcomes):
    """One subnet through time; rows are epochs."""

    bonds: Rows
    """Bonds after the last epoch."""

    @classmethod
    def of(cls, results: Sequence[EpochResult]) -> Self:
        """Stack the results of successive epochs."""
        bits = {"dividend_bits": "dividends", "incentive_bits": "incentive"}
        arrays: dict[str, Any] = {}
        for entry in fields(Outcomes):
            name = entry.name
            rows = [getattr(r.bits, bits[name]) if name in bits else getattr(r, name) for r in results]
            arrays[name] = np.stack(rows)
        return cls(**arrays, bonds=results[-1].bonds)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sweep(Outcomes):
    """Independent cases of one size; rows are cases."""

    bonds: Rows
    """Bonds of all cases end to end: uid i of case c is row c * n + i."""

    def bonds_rows(self, case: int) -> dict[int, list[tuple[int, int]]]:
        """Return one case's stored bonds, as `{uid: [(uid, u16), ...]}`."""
        n = self.stake_weight.shape[1]
        ptr = self.bonds.indptr[case * n : (case + 1) * n + 1]
        cells = slice(int(ptr[0]), int(ptr[-1]))
        return Rows(ptr - ptr[0], self.bonds.indices[cells], self.bonds.values[cells]).to_mapping()


MAX_EPOCHS = 1_000_000
"""Maximum epochs of one call; more would take hours and fill the memory."""

States = SubnetState | Sequence[SubnetState] | Callable[[int, EpochResult | None], SubnetState]


def simulate(
    states: States,
    params: YumaParams,
    *,
    epochs: int | None = None,
    emission: int = 1_000_000_000,
    carry_permits: bool = True,
    reset_bonds: Mapping[int, Sequence[int]] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Simulation:
    """Run epochs one after the other, each on the bonds, consensus and permits that the previous one stored.

    `states` is one state for each epoch, one state for all `epochs`, or a function of the epoch's number and the
    previous result. A state's bonds, previous consensus and permits count in the first epoch only; with
    `carry_permits` off every state keeps its own permits. A uid whose `registered_at` differs from the previous epoch
    is a new neuron: it starts without a permit or bonds. `reset_bonds` removes all bonds on some uids before an epoch.
    """
    results: list[EpochResult] = []
    previous: SubnetState | None = None
    for epoch in _numbers(states, epochs):
        own = _state_of(states, epoch, results[-1] if results else None)
        state = own if previous is None else _carried(own, previous, results[-1], carry_permits)
        if reset_bonds and epoch in reset_bonds:
            state = state.replace(bonds=state.bonds.without(columns=reset_bonds[epoch]))
        results.append(run_epoch(state, params, emission))
        previous = own
        if progress is not None:
            progress(epoch + 1)
    return Simulation.of(results)


def sweep(
    states: SubnetState | Sequence[SubnetState] | Batch,
    params: YumaParams | Sequence[YumaParams],
    *,
    emission: int = 1_000_000_000,
    epochs: int = 1,
) -> Sweep:
    """Run one epoch per case. States and parameters pair up; a single one of either goes with all of the other.

    The cases run in one compiled call, on one thread. With `epochs` above 1 every case continues from its own bonds,
    permits and consensus with the same weights, and the last epoch is returned. All cases need equally many neurons.
    """
    table = [params] if isinstance(params, YumaParams) else list(params)
    if isinstance(states, SubnetState):
        states = [states] * len(table)
    batch = states if isinstance(states, Batch) else Batch.of(states)
    if len(table) == 1:
        table = table * batch.cases
    sizes = np.diff(batch.ends)
    if sizes.min() != sizes.max():
        raise StateError(f"states: {sizes.min()} to {sizes.max()} neurons; give cases of one size to one sweep")
    _check_epochs(epochs, MAX_EPOCHS)
    raw = run_batch(batch, table, emission)
    for _ in range(epochs - 1):
        raw = run_batch(batch := batch.after(raw), table, emission)
    return _sweep_of(raw, batch.cases)


def _sweep_of(raw: RawResult, cases: int) -> Sweep:
    stake, _, consensus, validator_trust, incentive, dividends = (
        u16_of(row).reshape(cases, -1) for row in raw.bits[:6]
    )
    return Sweep(
        stake_weight=stake,
        consensus=consensus,
        validator_trust=validator_trust,
        incentive=incentive,
        dividends=dividends,
        emission=raw.paid[2].reshape(cases, -1),
        server_emission=raw.paid[0].reshape(cases, -1),
        validator_emission=raw.paid[1].reshape(cases, -1),
        active=raw.active.reshape(cases, -1),
        validator_permit=raw.validator_permit.reshape(cases, -1),
        dividend_bits=raw.bits[5].reshape(cases, -1),
        incentive_bits=raw.bits[4].reshape(cases, -1),
        bonds=raw.bonds,
    )


def _numbers(states: States, epochs: int | None) -> range:
    length = len(states) if isinstance(states, Sequence) else None
    count = epochs if epochs is not None else length
    if count is None:
        raise ParamsError("epochs: missing; say how many when states is one state or a function")
    _check_epochs(count, MAX_EPOCHS if length is None else length)
    return range(count)


def _check_epochs(epochs: int, most: int) -> None:
    if not isinstance(epochs, int | np.integer) or not 1 <= epochs <= most:
        raise ParamsError(f"epochs: {quoted(epochs)} is not a whole number from 1 to {most:,}")


def _state_of(states: States, epoch: int, result: EpochResult | None) -> SubnetState:
    if isinstance(states, SubnetState):
        return states
    return states[epoch] if isinstance(states, Sequence) else states(epoch, result)


def _carried(state: SubnetState, previous: SubnetState, result: EpochResult, permits: bool) -> SubnetState:
    if state.n != previous.n:
        raise StateError(f"states: {state.n} neurons after {previous.n}; a simulation keeps its uids")
    fresh = state.registered_at != previous.registered_at
    bonds = result.bonds.without(rows=np.flatnonzero(fresh).tolist()) if fresh.any() else result.bonds
    return state.replace(
        bonds=bonds,
        previous_consensus=np.where(fresh, 0, result.consensus).astype(np.int64),
        validator_permit=result.validator_permit & ~fresh if permits else state.validator_permit,
    )
