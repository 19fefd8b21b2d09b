"""The epoch of the 2021 whitepaper, in float64: it is known from the paper alone and never ran as integers.

    R = WᵀS, T = (W > 0)ᵀS, C = 1 / (1 + exp(-rho (T - kappa))), I = R C / Σ R C
    B' = B + S W, D = (B' / column sums) I

The paper gives no permits, masks, storage or rounding. Here everybody weighs everybody, bonds are stored
as u16 proportions of their column, and the integers of a result are the floats floored.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .params import U16_MAX, YumaParams
from .rows import Rows
from .setup import BITS, ONE
from .state import SubnetState

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WhitepaperEpoch:
    """One epoch of the paper; vectors (n,), bonds (n, n) with columns that sum to 1."""

    rank: Floats
    trust: Floats
    consensus: Floats
    incentive: Floats
    bonds: Floats
    dividends: Floats


def whitepaper_epoch(
    stake: Floats, weights: Floats, bonds: Floats, *, rho: float = 10.0, kappa: float = 0.5
) -> WhitepaperEpoch:
    """Run one epoch on stake (n,) and weights (n, n), each normalised, and bonds (n, n)."""
    rank = weights.T @ stake
    trust = (weights > 0).astype(np.float64).T @ stake
    consensus = 1.0 / (1.0 + np.exp(-rho * (trust - kappa)))
    incentive = _normalised(rank * consensus)
    grown = bonds + weights * stake[:, None]
    totals = grown.sum(axis=0)
    shares = grown / np.where(totals > 0, totals, 1.0)
    return WhitepaperEpoch(rank, trust, consensus, incentive, shares, _normalised(shares @ incentive))


@dataclass(frozen=True, slots=True, eq=False)
class StoredEpoch:
    """An epoch without a compiled kernel in the chain's storage: bits as in `setup.BITS`, rao, and u16 bonds."""

    bits: NDArray[np.int64]
    paid: NDArray[np.int64]
    bonds: Rows


def stored_whitepaper(state: SubnetState, params: YumaParams, emission: int) -> StoredEpoch:
    """Run the paper's epoch on a chain's state; permits, activity and registration have no effect."""
    stake = _normalised(state.stake.astype(np.float64))
    weights = _rows_normalised(state.weights.to_dense().astype(np.float64))
    bonds = _rows_normalised(state.bonds.to_dense().astype(np.float64).T).T
    epoch = whitepaper_epoch(stake, weights, bonds, rho=params.rho, kappa=params.kappa / U16_MAX)
    clipped = np.zeros(state.n)
    earned = epoch.incentive + epoch.dividends
    total = earned.sum()
    shares = [epoch.incentive, epoch.dividends, earned] if total > 0 else [clipped, stake, stake]
    bits = np.zeros((BITS, state.n), np.int64)
    vectors = [
        stake,
        stake,
        epoch.consensus,
        clipped,
        epoch.incentive,
        epoch.dividends,
        epoch.rank,
        epoch.trust,
        *(share / (total or 1.0) for share in shares),
    ]
    for row, vector in enumerate(vectors):
        bits[row] = np.minimum(np.floor(vector * ONE), ONE)
    paid = np.array([[int(share) * emission >> 32 for share in row] for row in bits[8:].tolist()], np.int64)
    stored = np.floor(epoch.bonds * U16_MAX).astype(np.int64)
    return StoredEpoch(bits, paid, Rows.from_dense(stored, name="bonds"))


def _normalised(vector: Floats) -> Floats:
    total = vector.sum()
    return vector / total if total > 0 else vector


def _rows_normalised(matrix: Floats) -> Floats:
    totals = matrix.sum(axis=1, keepdims=True)
    return matrix / np.where(totals > 0, totals, 1.0)
