"""Yuma consensus as the chain computes it."""

from consensus.amounts import TAO
from consensus.batch import Batch
from consensus.chain import Chain, Receipt
from consensus.concentration import Concentration, concentration
from consensus.emission import Epoch, Payout
from consensus.errors import CallRefused, ChainError, ConsensusError, ParamsError, StateError
from consensus.genesis import Genesis
from consensus.hyperparameters import Hyperparameters
from consensus.keys import throwaway_key
from consensus.metagraph import Metagraph
from consensus.params import YumaParams
from consensus.rows import Rows
from consensus.simulate import Simulation, Sweep, simulate, sweep
from consensus.state import SubnetState
from consensus.trace import Trace
from consensus.whitepaper import WhitepaperEpoch, whitepaper_epoch
from consensus.yuma import EpochResult, run_epoch

__all__ = [
    "Batch",
    "CallRefused",
    "Chain",
    "ChainError",
    "Concentration",
    "ConsensusError",
    "Epoch",
    "EpochResult",
    "Genesis",
    "Hyperparameters",
    "Metagraph",
    "ParamsError",
    "Payout",
    "Receipt",
    "Rows",
    "Simulation",
    "StateError",
    "SubnetState",
    "Sweep",
    "TAO",
    "Trace",
    "WhitepaperEpoch",
    "YumaParams",
    "concentration",
    "run_epoch",
    "simulate",
    "sweep",
    "throwaway_key",
    "whitepaper_epoch",
]
