"""Yuma consensus as the chain computes it."""

from consensus.errors import ConsensusError, ParamsError, StateError
from consensus.params import YumaParams
from consensus.rows import Rows
from consensus.state import SubnetState
from consensus.yuma import EpochResult, run_epoch

__all__ = [
    "ConsensusError",
    "EpochResult",
    "ParamsError",
    "Rows",
    "StateError",
    "SubnetState",
    "YumaParams",
    "run_epoch",
]
