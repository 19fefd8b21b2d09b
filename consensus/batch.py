"""Many epochs of independent subnets in one call: the arrays of all cases laid end to end.

    batch = Batch.of([state_a, state_b])
    result = run_batch(batch, [YumaParams(), YumaParams(kappa=40000)], emission=10**9)
    result.dividends  # (cases, n) u16 where all cases have the same n
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus.errors import ParamsError, StateError
from consensus.params import U16_MAX, YumaParams
from consensus.rows import Rows
from consensus.state import NO_COMMIT, SubnetState

ONE = 1 << 32
_LOG2_E = 12102203 << 9
"""log2(e) as the chain's library holds it, with 23 fractional bits."""
EMISSION_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """States end to end; case c owns neurons `ends[c]:ends[c + 1]` of every per-neuron array."""

    ends: NDArray[np.int64]
    """(cases + 1,)"""
    stake: NDArray[np.int64]
    validator_permit: NDArray[np.bool_]
    last_update: NDArray[np.int64]
    registered_at: NDArray[np.int64]
    commit_block: NDArray[np.int64]
    previous_consensus: NDArray[np.int64]
    """u16 values; (neurons,) like the others"""
    weights: Rows
    bonds: Rows
    """One row per neuron; cells name uids within their own case."""
    block: NDArray[np.int64]
    last_tempo: NDArray[np.int64]
    owner_uid: NDArray[np.int64]
    """(cases,), -1 for none"""

    @property
    def cases(self) -> int:
        return len(self.ends) - 1

    @classmethod
    def of(cls, states: Sequence[SubnetState]) -> "Batch":
        """The states of a batch, in order."""
        if not states:
            raise StateError("states: none given; a batch holds at least one")
        sizes = np.array([state.n for state in states], np.int64)
        return cls(
            ends=np.concatenate(([0], np.cumsum(sizes))),
            stake=np.concatenate([state.stake for state in states]),
            validator_permit=np.concatenate([state.validator_permit for state in states]),
            last_update=np.concatenate([state.last_update for state in states]),
            registered_at=np.concatenate([state.registered_at for state in states]),
            commit_block=_joined([state.commit_block for state in states], sizes, NO_COMMIT),
            previous_consensus=_joined([state.previous_consensus for state in states], sizes, 0),
            weights=_stacked([state.weights for state in states]),
            bonds=_stacked([state.bonds for state in states]),
            block=np.array([state.block for state in states], np.int64),
            last_tempo=np.array([state.last_tempo for state in states], np.int64),
            owner_uid=np.array([-1 if s.owner_uid is None else s.owner_uid for s in states], np.int64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RawResult:
    """What the kernel returns for a batch, end to end."""

    bits: NDArray[np.int64]
    """(11, neurons): the rows named by `kernel.BITS`"""
    paid: NDArray[np.int64]
    """(3, neurons) rao: server, validator, combined"""
    active: NDArray[np.bool_]
    validator_permit: NDArray[np.bool_]
    bonds: Rows
    cells: NDArray[np.int64]
    record: NDArray[np.int64]
    """Per-cell intermediates, for a trace."""


def run_raw(batch: Batch, setup: NDArray[np.int64], emission: NDArray[np.int64], *, record: bool = False) -> RawResult:
    """Run the kernel over a batch; `setup` is (cases, parameters), `emission` (cases,) rao."""
    from consensus import kernel

    neurons = int(batch.ends[-1])
    size = len(batch.weights.indices) + len(batch.bonds.indices)
    bits = np.zeros((len(kernel.BITS), neurons), np.int64)
    paid = np.zeros((3, neurons), np.int64)
    active = np.zeros(neurons, np.bool_)
    permit = np.zeros(neurons, np.bool_)
    ptr = np.zeros(neurons + 1, np.int64)
    indices = np.empty(size, np.uint16)
    values = np.empty(size, np.uint16)
    cells = np.zeros((5, size + 2 if record else 0), np.int64)
    record_cells = np.zeros((8, size + 2 if record else 0), np.int64)
    previous = (batch.previous_consensus << 32) // U16_MAX
    used = kernel.epochs(
        setup, emission, batch.ends, batch.stake, batch.validator_permit, batch.last_update, batch.registered_at,
        batch.commit_block, previous, batch.weights.indptr, batch.weights.indices, batch.weights.values,
        batch.bonds.indptr, batch.bonds.indices, batch.bonds.values, bits, paid, active, permit,
        ptr, indices, values, cells, record_cells,
    )  # fmt: skip
    if used < size:
        indices, values = indices[:used].copy(), values[:used].copy()
    return RawResult(bits, paid, active, permit, Rows(ptr, indices, values), cells, record_cells)


def setup_of(batch: Batch, params: Sequence[YumaParams]) -> NDArray[np.int64]:
    """(cases, parameters) for the kernel, one entry of `params` per case."""
    table = np.array([_constants(entry) for entry in params], np.int64).reshape(len(params), -1)
    return np.column_stack([table, batch.block, batch.last_tempo, batch.owner_uid])


def whole_emission(emission: Any) -> int:
    """Rao of one epoch, checked."""
    if isinstance(emission, bool) or not isinstance(emission, int | np.integer):
        raise ParamsError(f"emission: {emission!r} is not a whole number of rao; 1 TAO is 1000000000")
    if not 0 <= emission <= EMISSION_MAX:
        raise ParamsError(f"emission: {emission} rao is outside 0 to {EMISSION_MAX}")
    return int(emission)


@lru_cache(maxsize=4096)
def _constants(params: YumaParams) -> tuple[int, ...]:
    versions = {"whitepaper": 0, "nakamoto": 1, "yuma1": 2, "liquid_alpha_v1": 3, "yuma3": 4}
    penalty = {"nakamoto": 0, "liquid_alpha_v1": U16_MAX}.get(params.version, params.bonds_penalty)
    average = 900_000 if params.version == "nakamoto" else params.bonds_moving_average
    mode = params.liquid_alpha_consensus
    stored = mode == "previous" or (mode == "auto" and params.bonds_penalty == U16_MAX)
    steepness = params.alpha_sigmoid_steepness
    slope = (abs(steepness) << 32) // 100
    # nakamoto's rate is written 0.1 in the source, the others are 1 - average
    alpha = 429496730 if params.version == "nakamoto" else ONE - ((average << 64) // 1_000_000 >> 32)
    return (
        versions[params.version],
        int(params.semantics == "dense"),
        _proportion(params.kappa),
        _proportion(penalty),
        alpha,
        int(params.liquid_alpha),
        _proportion(params.alpha_low),
        _proportion(params.alpha_high),
        -slope if steepness > 0 else slope,
        _log_odds(_proportion(params.alpha_low)),
        _log_odds(_proportion(params.alpha_high)),
        int(stored),
        params.rho,
        params.activity_cutoff,
        params.max_allowed_validators,
        params.stake_threshold,
    )


def _proportion(u16: int) -> int:
    return (u16 << 32) // U16_MAX


def _log_odds(alpha: int) -> int:
    """ln(1/alpha - 1) by the chain's bitwise logarithm; 0 where it has none."""
    x = (1 << 64) // alpha - ONE
    if x <= 0:
        return 0
    negative = x < ONE
    if negative:
        x = (1 << 64) // x
    bits = 0
    while x >= 2 * ONE:
        bits += 1
        x = (x >> 1) + (x & 1)
    if x == ONE:
        bits <<= 32
    else:
        for _ in range(32):
            x = x * x >> 32
            bits <<= 1
            if x >= 2 * ONE:
                bits |= 1
                x = (x >> 1) + (x & 1)
    quotient = (bits << 32) // _LOG2_E
    return -quotient if negative else quotient


def _joined(arrays: list[NDArray[np.int64] | None], sizes: NDArray[np.int64], fill: int) -> NDArray[np.int64]:
    if all(array is None for array in arrays):
        return np.full(int(sizes.sum()), fill, np.int64)
    return np.concatenate(
        [np.full(n, fill, np.int64) if array is None else array for array, n in zip(arrays, sizes, strict=True)]
    )


def _stacked(rows: list[Rows]) -> Rows:
    if len(rows) == 1:
        return rows[0]
    offsets = np.cumsum([0] + [len(entry.indices) for entry in rows])
    ptr = [entry.indptr[:-1] + offset for entry, offset in zip(rows, offsets[:-1], strict=True)]
    return Rows(
        np.concatenate([*ptr, offsets[-1:]]),
        np.concatenate([entry.indices for entry in rows]),
        np.concatenate([entry.values for entry in rows]),
    )
