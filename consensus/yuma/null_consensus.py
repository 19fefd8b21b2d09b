"""The epoch without a vote: every neuron has the same incentive, and dividends follow stake.

A subnet can choose it since the autumn of 2026. Weights, bonds, permits and activity have no effect. Known from the
chain's documents alone.
"""

import numpy as np

from .rows import Rows
from .setup import BITS, ONE
from .state import SubnetState
from .whitepaper import StoredEpoch


def stored_null(state: SubnetState, emission: int) -> StoredEpoch:
    """Run the epoch on a chain's state; half of the emission goes to each side, all to miners if there is no stake."""
    stakes = [int(rao) for rao in state.stake]
    total = sum(stakes)
    stake = [(rao << 32) // total if total else 0 for rao in stakes]
    incentive = [ONE // state.n] * state.n
    miners = [share // 2 if total else share for share in incentive]
    validators = [share // 2 for share in stake]
    both = [miner + validator for miner, validator in zip(miners, validators, strict=True)]
    none = [0] * state.n
    bits = np.array([stake, stake, none, none, incentive, stake, incentive, none, miners, validators, both], np.int64)
    assert len(bits) == BITS
    paid = np.array([[share * emission >> 32 for share in row] for row in (miners, validators, both)], np.int64)
    return StoredEpoch(bits, paid, Rows.empty(state.n))
