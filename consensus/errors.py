"""What this room refuses.

ConsensusError
├── ParamsError              a parameter out of its range
├── StateError               a subnet's state that no chain could hold
└── ChainError               the local chain
    ├── CallRefused          a signed call broke a rule; `check` names the rule; nothing was changed
    │   ├── SignatureRefused the signature is not the signer's, or was made for another chain
    │   ├── NonceRefused     a replay, or a call out of order
    │   ├── NotAllowed       the signer is not the one who may do this
    │   ├── Shortage         balance or stake below what the call takes; `have_rao`, `need_rao`
    │   └── WeightsRefused   one of the checks on a row of weights
    ├── StoreError           the state file or database
    │   ├── StoreInUse       another process holds it
    │   ├── StoreCorrupt     it is damaged, or was never a chain
    │   └── StoreTooNew      a later version of subnetlab wrote it
    ├── WalletError          a key file is missing, unreadable, in the way, or locked by another password
    └── SnapshotError        a metagraph file that can't be read or written

The first two are also `ValueError`: they are raised before anything is computed or changed.
"""


class ConsensusError(Exception):
    """The root of this room's errors."""


class ParamsError(ConsensusError, ValueError):
    """A parameter out of its range."""


class StateError(ConsensusError, ValueError):
    """A subnet's state that no chain could hold: a missing uid, a duplicate, a negative weight."""


class ChainError(ConsensusError):
    """Any refusal or failure of the local chain."""


class CallRefused(ChainError):
    """A call broke one of the chain's rules. Nothing was changed.

    `wait_blocks` says after how many blocks the same call is let in; 0 where waiting doesn't help.
    """

    def __init__(self, check: str, message: str, *, wait_blocks: int = 0) -> None:
        super().__init__(message)
        self.check = check
        self.wait_blocks = wait_blocks


class SignatureRefused(CallRefused):
    """The signature doesn't belong to the signer, the call or this chain."""


class NonceRefused(CallRefused):
    """The nonce isn't the signer's next one."""


class NotAllowed(CallRefused):
    """A good signature of somebody who may not do this."""


class Shortage(CallRefused):
    """The signer owns less than the call takes."""

    def __init__(self, check: str, message: str, *, have_rao: int, need_rao: int) -> None:
        super().__init__(check, message)
        self.have_rao = have_rao
        self.need_rao = need_rao


class WeightsRefused(CallRefused):
    """A row of weights failed one of the checks; they run in the chain's order."""


class StoreError(ChainError):
    """The state file or database can't be used."""


class StoreInUse(StoreError):
    """Another process has this chain open."""


class StoreCorrupt(StoreError):
    """The state is damaged, or was never a chain."""


class StoreTooNew(StoreError):
    """The state was written in a later format."""


class WalletError(ChainError):
    """A key file is missing, unreadable, in the way, or locked by another password."""


class SnapshotError(ChainError):
    """A metagraph file that can't be read or written."""
