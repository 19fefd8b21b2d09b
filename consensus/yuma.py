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

from consensus.batch import Batch, RawResult, run_raw, setup_of, whole_emission
from consensus.params import YumaParams
from consensus.rows import Rows
from consensus.state import SubnetState


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
    """What the epoch stores; arrays of shape (n,), u16 proportions over 65535 where nothing else is said."""

    stake_weight: NDArray[np.uint16]
    consensus: NDArray[np.uint16]
    incentive: NDArray[np.uint16]
    dividends: NDArray[np.uint16]
    validator_trust: NDArray[np.uint16]
    rank: NDArray[np.uint16]
    trust: NDArray[np.uint16]
    """The share of a miner's rank that clipping left; the chain stored it until 2025-10, like rank and pruning_score."""
    pruning_score: NDArray[np.uint16]
    emission: NDArray[np.int64]
    """Rao: incentive and dividends together."""
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
    """Rao that the epoch had to give."""

    def bonds_rows(self) -> dict[int, list[tuple[int, int]]]:
        """The stored bonds, as `{uid: [(uid, u16), ...]}`."""
        return self.bonds.to_mapping()


def run_epoch(state: SubnetState, params: YumaParams, emission: int = 1_000_000_000) -> EpochResult:
    """Run one epoch over `emission` rao; the state is left as it is.

    Raises `ParamsError` for an emission that is no whole number of rao in 0..2^63-1.
    """
    batch = Batch.of([state])
    rao = np.array([whole_emission(emission)], np.int64)
    raw = run_raw(batch, setup_of(batch, [params]), rao)
    return result_of(raw, state, params, int(rao[0]))


def result_of(raw: RawResult, state: SubnetState, params: YumaParams, emission: int) -> EpochResult:
    """The stored values of a batch of one."""
    shares = u16_of(raw.bits[:8])
    stake, _, consensus, trust_v, incentive, dividends, rank, trust = shares
    return EpochResult(
        stake_weight=stake,
        consensus=consensus,
        incentive=incentive,
        dividends=dividends,
        validator_trust=trust_v,
        rank=rank,
        trust=trust,
        pruning_score=max_upscaled(raw.bits[10]),
        emission=raw.paid[2],
        server_emission=raw.paid[0],
        validator_emission=raw.paid[1],
        active=raw.active,
        validator_permit=raw.validator_permit,
        bonds=raw.bonds,
        bits=Bits(*raw.bits[:6]),
        state=state,
        params=params,
        epoch_emission=emission,
    )


def u16_of(bits: NDArray[np.int64]) -> NDArray[np.uint16]:
    """floor(bits * 65535 / 2^32), at most 65535."""
    return np.minimum((bits * 65535) >> 32, 65535).astype(np.uint16)


def max_upscaled(bits: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Proportions scaled so that the largest is 65535, rounded half up."""
    largest = bits.max()
    if largest == 0:
        return np.zeros(len(bits), np.uint16)
    return ((2 * 65535 * bits + largest) // (2 * largest)).astype(np.uint16)
