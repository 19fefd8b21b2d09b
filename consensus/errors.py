"""The errors of this room.

ConsensusError
├── ParamsError              a parameter out of its range
├── StateError               a subnet's state that no chain could hold
├── PoolError                a trade or deposit that a pool refuses
└── ChainError               the local chain
    ├── CallRefused          a signed call broke a rule; `check` names the rule; nothing was changed
    │   ├── SignatureRefused the signature is not the signer's, or was made for another chain
    │   ├── NonceRefused     a replay, or a call out of order
    │   ├── NotAllowed       the signer may not do this
    │   ├── Shortage         balance or stake below what the call needs; `have_rao`, `need_rao`
    │   └── WeightsRefused   one of the checks on a row of weights
    ├── StoreError           the state file or database
    │   ├── StoreMissing     there is none
    │   ├── StoreInUse       another process holds it
    │   ├── StoreCorrupt     it is damaged
    │   │   └── NotAChain    it is sound, but holds no chain
    │   └── StoreTooNew      a later version of subnetlab wrote it
    ├── WalletError          a key file is unreadable, or locked by another password
    │   ├── KeyMissing       no such wallet, or no such hotkey in it; `wallet`, `hotkey`
    │   └── KeyExists        a key would replace another one
    └── SnapshotError        a file of a metagraph or a block's emission that can't be read or written

The first three are also `ValueError`: they are raised before anything is computed or changed.
"""

LONGEST_MESSAGE = 2000
"""Maximum characters of a refusal; our longest lists all hyperparameters."""


class ConsensusError(Exception):
    """The root of this room's errors."""


class ParamsError(ConsensusError, ValueError):
    """A parameter is out of its range."""


class StateError(ConsensusError, ValueError):
    """A subnet's state that no chain could hold: a missing uid, a duplicate, a negative weight."""


class PoolError(ConsensusError, ValueError):
    """A pool refuses a trade or a deposit, or its reserves or weights are out of range."""


class ChainError(ConsensusError):
    """Any refusal or failure of the local chain."""


class CallRefused(ChainError):
    """A call broke one of the chain's rules. Nothing was changed.

    `wait_blocks` is the number of blocks after which the same call is accepted; 0 if waiting doesn't help.
    """

    def __init__(self, check: str, message: str, *, wait_blocks: int = 0) -> None:
        super().__init__(_one_line(message))
        self.check = check
        self.wait_blocks = wait_blocks


def _one_line(message: str) -> str:
    """Shorten a message, which may quote a stranger's call, and escape its unprintable characters."""
    half = LONGEST_MESSAGE // 2
    cut = message if len(message) <= LONGEST_MESSAGE else f"{message[:half]}…{message[-half:]}"
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in cut)


def quoted(value: object) -> str:
    """Return a caller's value for a message, however long it is."""
    if isinstance(value, int) and value.bit_length() > 128:  # Python refuses to print integers of many digits
        return f"a number of {value.bit_length():,} bits"
    return repr(value)[:40]


class SignatureRefused(CallRefused):
    """The signature doesn't belong to the signer, the call or this chain."""


class NonceRefused(CallRefused):
    """The nonce isn't the signer's next one."""


class NotAllowed(CallRefused):
    """The signature is good, but its signer may not do this."""


class Shortage(CallRefused):
    """The signer owns less than the call needs."""

    def __init__(self, check: str, message: str, *, have_rao: int, need_rao: int) -> None:
        super().__init__(check, message)
        self.have_rao = have_rao
        self.need_rao = need_rao


class WeightsRefused(CallRefused):
    """A row of weights failed one of the checks, which run in the chain's order."""


class StoreError(ChainError):
    """The state file or database can't be used."""


class StoreMissing(StoreError):
    """There is no chain at this location."""


class StoreInUse(StoreError):
    """Another process has this chain open."""


class StoreCorrupt(StoreError):
    """The state is damaged, or was never a chain."""


class NotAChain(StoreCorrupt):
    """A sound database that holds no chain."""


class StoreTooNew(StoreError):
    """The state was written in a later format."""


class WalletError(ChainError):
    """A key file is missing, unreadable, in the way, or locked by another password."""


class KeyMissing(WalletError):
    """There is no such wallet, or it has no such hotkey; `hotkey` is None where the wallet itself is missing."""

    def __init__(self, message: str, *, wallet: str, hotkey: str | None = None) -> None:
        super().__init__(message)
        self.wallet = wallet
        self.hotkey = hotkey


class KeyExists(WalletError):
    """A key would replace another one."""


class SnapshotError(ChainError):
    """A file of a metagraph or a block's emission can't be read or written."""
