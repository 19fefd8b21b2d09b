"""Yuma consensus as the chain computes it, and a local chain around it."""

from consensus.amounts import TAO
from consensus.chain.chain import Chain
from consensus.chain.concentration import Concentration, concentration
from consensus.chain.emission import Epoch, Payout
from consensus.chain.genesis import Genesis
from consensus.chain.hyperparameters import Hyperparameters
from consensus.chain.keys import throwaway_key
from consensus.chain.metagraph import Metagraph
from consensus.chain.receipt import Receipt
from consensus.errors import CallRefused, ChainError, ConsensusError, ParamsError, StateError
from consensus.simulate import Simulation, Sweep, simulate, sweep
from consensus.yuma.batch import Batch
from consensus.yuma.params import YumaParams
from consensus.yuma.rows import Rows
from consensus.yuma.state import SubnetState
from consensus.yuma.trace import Trace
from consensus.yuma.whitepaper import WhitepaperEpoch, whitepaper_epoch
from consensus.yuma.yuma import EpochResult, run_epoch

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
