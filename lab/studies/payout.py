"""Payout: what Yuma consensus pays in many equal-sized subnets side by side, epoch by epoch.

    subnets = SimulatedSubnets(stake, params)                    # (cases, neurons) rao, and the rules of each case
    incentive = subnets.pay(stored_weights(rows)).incentive      # (cases, neurons)

Studies simulate thousands of epochs, which a chain with signed calls is too slow for. The uids of each subnet are its
validators', then its miners'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consensus import Batch, Rows, YumaParams
from consensus.yuma.batch import run_batch

EMISSION_RAO = 10**9
U16_MAX = 65_535
SMALLEST = 1e-12
"""Largest weight of a row below which its weights are stored as zeros."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EpochPay:
    """Pay of one epoch, (cases, neurons), in units of 2**-32."""

    incentive: Integers
    dividends: Integers


class SimulatedSubnets:
    """Subnets that differ in stake, weights or rules; bonds and consensus carry over from epoch to epoch."""

    def __init__(self, stake: Integers, params: Sequence[YumaParams]) -> None:
        """Start with `stake` (cases, neurons) in rao and the rules of each case."""
        self._shape = stake.shape
        self._stake = stake
        self._params = params
        validators = params[0].max_allowed_validators
        self._batch = Batch.from_dense(stake=stake, weights=np.zeros((len(stake), validators, stake.shape[1]), "u2"))

    def pay(self, weights: NDArray[Any] | Rows | None = None) -> EpochPay:
        """Set weights, (cases, validators, neurons) u16 or stored rows, and run an epoch.

        In an array a zero is an absent cell. None leaves the weights of the epoch before.
        """
        if weights is not None:
            rows = (
                weights if isinstance(weights, Rows) else Batch.from_dense(stake=self._stake, weights=weights).weights
            )
            self._batch = replace(self._batch, weights=rows)
        raw = run_batch(self._batch, self._params, EMISSION_RAO)
        self._batch = self._batch.after(raw)
        incentive, dividends = raw.bits[4:6].reshape(2, *self._shape)
        return EpochPay(incentive, dividends)

    @property
    def consensus(self) -> Integers:
        """Consensus of the last epoch, (cases, neurons) u16."""
        return self._batch.previous_consensus.reshape(self._shape)


def stored_weights(rows: NDArray[Any]) -> NDArray[np.uint16]:
    """Scale each row (..., miners) as the chain stores it: its largest weight becomes 65535."""
    scale = U16_MAX / np.maximum(rows.max(axis=-1, keepdims=True), SMALLEST)
    return np.asarray(np.rint(rows * scale)).astype(np.uint16)
