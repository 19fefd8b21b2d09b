"""One Yuma epoch: from stake, weights and bonds to consensus, incentive, dividends, emission and new bonds.

    result = run_epoch(state, YumaParams(version="yuma3"), emission=1_000_000_000)
    result.emission        # rao per uid
    result.bits.consensus  # the raw I32F32 integers behind the u16 values
    result.trace()         # every intermediate, by name

Integers only, equal to the chain's to the bit; docs/yuma.md walks through an epoch by hand.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consensus.errors import ParamsError

from .batch import Batch, run_batch, whole_emission
from .null_consensus import stored_null
from .params import U16_MAX, YumaParams
from .rows import Rows
from .state import SubnetState
from .trace import Trace, trace_of
from .whitepaper import stored_whitepaper


@dataclass(frozen=True, slots=True, eq=False)
class Bits:
    """Raw I32F32 integers, value * 2^32; each (n,)."""

    stake: NDArray[np.int64]
    active_stake: NDArray[np.int64]
    consensus: NDArray[np.int64]
    validator_trust: NDArray[np.int64]
    incentive: NDArray[np.int64]
    dividends: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EpochResult:
    """What the epoch stores: arrays of shape (n,), u16 proportions over 65535 unless stated otherwise."""

    stake_weight: NDArray[np.uint16]
    consensus: NDArray[np.uint16]
    incentive: NDArray[np.uint16]
    dividends: NDArray[np.uint16]
    validator_trust: NDArray[np.uint16]
    rank: NDArray[np.uint16]
    trust: NDArray[np.uint16]
    """The part of a miner's rank that clipping left; like rank and pruning_score, stored by the chain until 2025-10."""
    pruning_score: NDArray[np.uint16]
    emission: NDArray[np.int64]
    """Incentive and dividends together, rao."""
    server_emission: NDArray[np.int64]
    validator_emission: NDArray[np.int64]
    active: NDArray[np.bool_]
    validator_permit: NDArray[np.bool_]
    """Permits of the next epoch; this one ran on the state's."""
    bonds: Rows
    bits: Bits
    state: SubnetState
    params: YumaParams
    epoch_emission: int
    """Rao that the epoch had to distribute."""

    def bonds_rows(self) -> dict[int, list[tuple[int, int]]]:
        """Return the stored bonds, as `{uid: [(uid, u16), ...]}`."""
        return self.bonds.to_mapping()

    def trace(self) -> Trace:
        """Run the epoch once more and record every intermediate by name."""
        if self.params.version in ("whitepaper", "null"):
            raise ParamsError(f'version: "{self.params.version}" has no intermediates to trace')
        batch = Batch.of([self.state])
        raw = run_batch(batch, [self.params], self.epoch_emission, record=True)
        return trace_of(raw.bits, raw.cells, raw.per_cell, int(raw.cells[4, 0]), int(raw.cells[4, 1]))


def run_epoch(state: SubnetState, params: YumaParams, emission: int = 1_000_000_000) -> EpochResult:
    """Run one epoch over `emission` rao; the state stays as it is.

    Raises `ParamsError` for an emission that is not a whole number of rao in 0..2^63-1.
    """
    rao = whole_emission(emission)
    if params.version in ("whitepaper", "null"):
        stored = stored_null(state, rao) if params.version == "null" else stored_whitepaper(state, params, rao)
        everyone = np.ones(state.n, np.bool_)
        return result_of(stored.bits, stored.paid, everyone, everyone, stored.bonds, state, params, rao)
    raw = run_batch(Batch.of([state]), [params], rao)
    return result_of(raw.bits, raw.paid, raw.active, raw.validator_permit, raw.bonds, state, params, rao)


def result_of(
    bits: NDArray[np.int64],
    paid: NDArray[np.int64],
    active: NDArray[np.bool_],
    permit: NDArray[np.bool_],
    bonds: Rows,
    state: SubnetState,
    params: YumaParams,
    emission: int,
) -> EpochResult:
    """Convert one subnet's bits (11, n) and rao (3, n) to the stored values."""
    stake, _, consensus, validator_trust, incentive, dividends, rank, trust = u16_of(bits[:8])
    return EpochResult(
        stake_weight=stake,
        consensus=consensus,
        incentive=incentive,
        dividends=dividends,
        validator_trust=validator_trust,
        rank=rank,
        trust=trust,
        pruning_score=max_upscaled(bits[10]),
        emission=paid[2],
        server_emission=paid[0],
        validator_emission=paid[1],
        active=active,
        validator_permit=permit,
        bonds=bonds,
        bits=Bits(*bits[:6]),
        state=state,
        params=params,
        epoch_emission=emission,
    )


def u16_of(bits: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Compute floor(bits * 65535 / 2^32), at most 65535."""
    stored: NDArray[np.uint16] = np.minimum((bits * U16_MAX) >> 32, U16_MAX).astype(np.uint16)
    return stored


def max_upscaled(bits: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Scale proportions so that the largest is 65535, rounding half up."""
    largest = bits.max()
    if largest == 0:
        return np.zeros(len(bits), np.uint16)
    scaled: NDArray[np.uint16] = ((2 * U16_MAX * bits + largest) // (2 * largest)).astype(np.uint16)
    return scaled
