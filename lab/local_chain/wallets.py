"""The keys of one command: a wallet's coldkey and one of its hotkeys."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from consensus.chain.keys import WalletEntry, WalletFolder, is_address
from consensus.errors import KeyMissing, WalletError

if TYPE_CHECKING:
    from bittensor_wallet import Keypair


@dataclass(frozen=True, slots=True)
class WalletKeys:
    """One wallet in a folder of wallets, and one of its hotkeys; neither needs to exist yet."""

    folder: WalletFolder
    wallet: str
    hotkey: str

    @property
    def commits(self) -> Path:
        """Folder of the hotkey's committed weights."""
        return self.folder.path / self.wallet / "commits" / self.hotkey

    def create(self, *, encrypt: bool = False) -> WalletEntry:
        """Create the hotkey, and before it the coldkey if the wallet is new; `encrypt` asks for its password."""
        if not (self.folder.path / self.wallet / "coldkeypub.txt").exists():
            self.folder.new_coldkey(self.wallet, new_password(self.wallet) if encrypt else None)
        elif encrypt:
            raise WalletError(f"wallet {self.wallet!r} has its coldkey already; --encrypt is for a new one")
        self.folder.new_hotkey(self.wallet, self.hotkey)
        return self.folder.entry(self.wallet)

    def coldkey(self) -> "Keypair":
        """Open the coldkey; read the password of an encrypted one from the terminal or a pipe."""
        encrypted = self.folder.entry(self.wallet).encrypted
        return self.folder.coldkey(self.wallet, read_password(self.wallet) if encrypted else None)

    def hotkey_pair(self) -> "Keypair":
        """Open the hotkey."""
        return self.folder.hotkey(self.wallet, self.hotkey)

    def hotkey_address(self) -> str:
        """Return the hotkey's address; no secret is read."""
        return self._hotkey_of(self.folder.entry(self.wallet), self.hotkey)

    def address(self, text: str) -> str:
        """Return the address behind an address, a wallet's name (its coldkey) or WALLET/HOTKEY."""
        if is_address(text):
            return text
        wallet, _, hotkey = text.partition("/")
        if wallet not in {entry.name for entry in self.folder.entries()}:
            message = f"{text!r} is not an address, and there is no wallet {wallet!r} in {self.folder.path}"
            raise KeyMissing(message, wallet=wallet)
        entry = self.folder.entry(wallet)
        return self._hotkey_of(entry, hotkey) if hotkey else entry.coldkey

    @staticmethod
    def _hotkey_of(entry: WalletEntry, hotkey: str) -> str:
        if hotkey not in entry.hotkeys:
            known = ", ".join(entry.hotkeys) or "none"
            message = f"wallet {entry.name!r} has no hotkey {hotkey!r}; known: {known}"
            raise KeyMissing(message, wallet=entry.name, hotkey=hotkey)
        return entry.hotkeys[hotkey]


def new_password(wallet: str) -> str:
    """Read the password of a new key, twice at a terminal: a typing error there would lose the key."""
    password = read_password(wallet)
    if sys.stdin.isatty() and read_password(wallet, "again") != password:
        raise WalletError("the two passwords differ; nothing was created")
    return password


def read_password(wallet: str, note: str = "") -> str:
    """Read a password from the terminal without echo, or the first line of a pipe.

    It is never an argument: any process could list those.
    """
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(f"password of wallet {wallet}{note and f' ({note})'}: ")
    return sys.stdin.readline().rstrip("\r\n")
