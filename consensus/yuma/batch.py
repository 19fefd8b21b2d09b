"""Epochs of many independent subnets in one call: the arrays of all cases laid end to end.

batch = Batch.of([state_a, state_b])
batch = Batch.from_dense(stake=stakes, weights=weights)  # (cases, n) and (cases, validators, n)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.errors import ParamsError, StateError

from .params import U16_MAX, YumaParams
from .rows import Rows, whole_numbers
from .setup import BITS, constants
from .state import NO_COMMIT, SubnetState

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
        """Number of subnets."""
        return len(self.ends) - 1

    @classmethod
    def of(cls, states: Sequence[SubnetState]) -> "Batch":
        """Lay the given states end to end."""
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

    @classmethod
    def from_dense(
        cls, *, stake: ArrayLike, weights: ArrayLike, keep_zeros: bool = False, block: int = 1000
    ) -> "Batch":
        """Build fresh subnets of one size: stake (cases, n) rao, weights (cases, validators, n) u16 of the first uids.

        Those validators are permitted and up to date, nobody is newly registered, and there are no bonds yet.
        A zero weight counts as absent unless `keep_zeros`.
        """
        stakes = np.asarray(stake)
        cells = np.asarray(weights)
        if (
            stakes.ndim != 2
            or cells.ndim != 3
            or cells.shape[0] != stakes.shape[0]
            or cells.shape[2] != stakes.shape[1]
        ):
            raise StateError(
                f"stake {stakes.shape} and weights {cells.shape}: expected (cases, n) and (cases, validators, n)"
            )
        cases, n = stakes.shape
        validators = cells.shape[1]
        if not 0 < n <= 65536 or validators > n:
            raise StateError(f"weights {cells.shape}: {validators} validators among {n} neurons; allowed: 1 to 65536")
        flat = whole_numbers(stakes.reshape(-1), "stake", 0, 2**63 - 1)
        totals = flat.reshape(cases, n).astype(np.float64).sum(axis=1)
        if totals.max() > 2**62:
            raise StateError(f"stake: case {totals.argmax()} holds {totals.max():.0f} rao; keep the sum below 2^62")
        values = cells
        if cells.dtype != np.uint16:
            values = whole_numbers(cells.reshape(-1), "weights", 0, U16_MAX).reshape(cells.shape).astype(np.uint16)
        present = np.ones(values.shape, np.bool_) if keep_zeros else values > 0
        counts = np.zeros((cases, n), np.int64)
        counts[:, :validators] = present.sum(axis=2)
        columns = np.broadcast_to(np.arange(n, dtype=np.uint16), values.shape)
        permit = np.broadcast_to(np.arange(n) < validators, (cases, n)).reshape(-1)
        return cls(
            ends=np.arange(cases + 1, dtype=np.int64) * n,
            stake=flat,
            validator_permit=permit.copy(),
            last_update=np.where(permit, block, 0).astype(np.int64),
            registered_at=np.zeros(cases * n, np.int64),
            commit_block=np.full(cases * n, NO_COMMIT, np.int64),
            previous_consensus=np.zeros(cases * n, np.int64),
            weights=Rows(np.concatenate(([0], np.cumsum(counts))), columns[present], values[present]),
            bonds=Rows.empty(cases * n),
            block=np.full(cases, block, np.int64),
            last_tempo=np.full(cases, block - 1, np.int64),
            owner_uid=np.full(cases, -1, np.int64),
        )

    def after(self, result: "RawResult") -> "Batch":
        """Return the same subnets with the bonds, permits and consensus that an epoch left."""
        return replace(
            self,
            bonds=result.bonds,
            validator_permit=result.validator_permit,
            previous_consensus=np.minimum(result.bits[2] * U16_MAX >> 32, U16_MAX),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RawResult:
    """Output of the kernel for a batch, end to end."""

    bits: NDArray[np.int64]
    """(11, neurons): as in `setup.BITS`"""
    paid: NDArray[np.int64]
    """(3, neurons) rao: server, validator, combined"""
    active: NDArray[np.bool_]
    validator_permit: NDArray[np.bool_]
    bonds: Rows
    cells: NDArray[np.int64]
    per_cell: NDArray[np.int64]
    """Every intermediate cell, for a trace; empty unless recorded."""


def run_batch(batch: Batch, params: Sequence[YumaParams], emission: int, *, record: bool = False) -> RawResult:
    """Run one epoch of every case, with one entry of `params` each, in one compiled call on one thread."""
    from .kernel import epochs

    if len(params) != batch.cases:
        raise ParamsError(f"params: {len(params)} for {batch.cases} cases; give one each")
    for entry in params:
        if entry.version in ("whitepaper", "null"):
            raise ParamsError(f'version: "{entry.version}" can\'t run in a batch; run it alone, with run_epoch')
    table = np.array([constants(entry) for entry in params], np.int64).reshape(batch.cases, -1)
    neurons = int(batch.ends[-1])
    size = len(batch.weights.indices) + len(batch.bonds.indices)
    bits = np.zeros((BITS, neurons), np.int64)
    paid = np.zeros((3, neurons), np.int64)
    active = np.zeros(neurons, np.bool_)
    permit = np.zeros(neurons, np.bool_)
    ptr = np.zeros(neurons + 1, np.int64)
    indices = np.empty(size, np.uint16)
    values = np.empty(size, np.uint16)
    cells = np.zeros((5, size + 2 if record else 0), np.int64)
    per_cell = np.zeros((8, size + 2 if record else 0), np.int64)
    used = epochs(
        np.column_stack([table, batch.block, batch.last_tempo, batch.owner_uid]),
        np.full(batch.cases, whole_emission(emission), np.int64),
        batch.ends,
        (
            batch.stake,
            batch.validator_permit,
            batch.last_update,
            batch.registered_at,
            batch.commit_block,
            (batch.previous_consensus << 32) // U16_MAX,
        ),
        (batch.weights.indptr, batch.weights.indices, batch.weights.values),
        (batch.bonds.indptr, batch.bonds.indices, batch.bonds.values),
        bits,
        paid,
        active,
        permit,
        (ptr, indices, values),
        cells,
        per_cell,
    )
    if used < size:
        indices, values = indices[:used].copy(), values[:used].copy()
    return RawResult(bits, paid, active, permit, Rows(ptr, indices, values), cells, per_cell)


def whole_emission(emission: Any) -> int:
    """Check the rao of one epoch."""
    if isinstance(emission, bool) or not isinstance(emission, int | np.integer):
        raise ParamsError(f"emission: {emission!r} is not a whole number of rao; 1 TAO is 1000000000")
    if not 0 <= emission <= EMISSION_MAX:
        raise ParamsError(f"emission: {emission} rao is outside 0 to {EMISSION_MAX}")
    return int(emission)


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
