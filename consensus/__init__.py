"""Yuma consensus as the chain computes it."""

from consensus.amounts import TAO
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
from consensus.state import SubnetState
from consensus.yuma import EpochResult, run_epoch

__all__ = [
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
    "StateError",
    "SubnetState",
    "TAO",
    "YumaParams",
    "concentration",
    "run_epoch",
    "throwaway_key",
]
