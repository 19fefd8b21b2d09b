"""Keys: sr25519 pairs, throw-away or in wallet folders.

    key = throwaway_key(seed=7, name="validator-0")     # the same key every time, in memory only
    key.ss58_address, key.sign(b"...")

A wallet is `<folder>/<name>/coldkey`, `coldkeypub.txt` and `hotkeys/<hotkey>`, in the format of bittensor-wallet.
Secrets leave this module only in those files: nothing here logs, prints or raises one. Never put a
bittensor_wallet Keyfile into a message: its text is the whole content of the file.
"""

import contextlib
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bittensor_wallet import Keyfile, Keypair, Wallet
from bittensor_wallet.errors import KeyFileError, PasswordError
from bittensor_wallet.errors import WalletError as ForeignWalletError
from bittensor_wallet.utils import is_valid_ss58_address

from consensus.errors import KeyExists, KeyMissing, WalletError


def throwaway_key(seed: int | str, name: str) -> Keypair:
    """Derive a key from a seed and a name. Anyone who knows both can sign with it: for experiments only."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=32, person=b"subnetlab-key").hexdigest()
    return Keypair.create_from_seed(digest)  # type: ignore[arg-type]  # its stub says bytes; it takes hexadecimal


def is_address(text: object) -> bool:
    """True for an SS58 address."""
    return isinstance(text, str) and bool(is_valid_ss58_address(text))


def verify(address: str, message: bytes, signature: bytes) -> bool:
    """True if the address signed this message."""
    try:
        return bool(Keypair(ss58_address=address).verify(message, signature))
    except (ValueError, TypeError):
        return False


@dataclass(frozen=True, slots=True)
class WalletEntry:
    """The public part of a wallet: names and addresses."""

    name: str
    coldkey: str
    encrypted: bool
    hotkeys: dict[str, str]
    """Addresses by name."""


@dataclass(frozen=True, slots=True)
class WalletFolder:
    """A folder of wallets."""

    path: Path

    def new_coldkey(self, name: str, password: str | None = None) -> str:
        """Create a coldkey, encrypted if a password is given, and return its address. Never replaces one."""
        wallet, key = self._wallet(name), Keypair.create_from_mnemonic(Keypair.generate_mnemonic(12))
        _refuse_existing(wallet.coldkey_file, f"coldkey of wallet {name!r}")
        if password == "":
            raise WalletError("the password is empty; give one, or none at all")
        with _quiet(f"wallet {name!r}"):
            wallet.set_coldkey(key, encrypt=password is not None, coldkey_password=password)
            wallet.set_coldkeypub(key)
        return key.ss58_address

    def new_hotkey(self, name: str, hotkey: str) -> str:
        """Create a hotkey, unencrypted as is usual, and return its address. Never replaces one."""
        wallet, key = self._wallet(name, hotkey), Keypair.create_from_mnemonic(Keypair.generate_mnemonic(12))
        _refuse_existing(wallet.hotkey_file, f"hotkey {hotkey!r} of wallet {name!r}")
        with _quiet(f"wallet {name!r}"):
            wallet.set_hotkey(key)
            wallet.set_hotkeypub(key)
        return key.ss58_address

    def entries(self) -> tuple[WalletEntry, ...]:
        """Return all wallets with a coldkey here, by name."""
        if not self.path.is_dir():
            return ()
        names = sorted(folder.name for folder in self.path.iterdir() if (folder / "coldkeypub.txt").is_file())
        return tuple(self.entry(name) for name in names)

    def entry(self, name: str) -> WalletEntry:
        """Return one wallet; no secret is opened."""
        wallet, folder = self._wallet(name), self.path / name
        address = _public_address(folder / "coldkeypub.txt", name)
        hotkeys = {}
        if (folder / "hotkeys").is_dir():
            for file in sorted((folder / "hotkeys").iterdir()):
                if not file.name.endswith("pub.txt"):
                    public = file.with_name(f"{file.name}pub.txt")
                    hotkeys[file.name] = _public_address(public if public.is_file() else file, name)
        with _quiet(f"wallet {name!r}"):
            encrypted = wallet.coldkey_file.exists_on_device() and wallet.coldkey_file.is_encrypted()
        return WalletEntry(name, address, encrypted, hotkeys)

    def coldkey(self, name: str, password: str | None = None) -> Keypair:
        """Open the key that signs for a wallet's money; an encrypted one needs its password."""
        wallet = self._wallet(name)
        entry = self.entry(name)
        if entry.encrypted and password is None:
            raise WalletError(f"the coldkey of wallet {name!r} is encrypted: its password is needed")
        with _quiet(f"coldkey of wallet {name!r}"):
            return wallet.get_coldkey(password)

    def hotkey(self, name: str, hotkey: str) -> Keypair:
        """Open the key that signs for a neuron."""
        wallet = self._wallet(name, hotkey)
        if not wallet.hotkey_file.exists_on_device():
            known = ", ".join(self.entry(name).hotkeys) or "none"
            raise KeyMissing(f"wallet {name!r} has no hotkey {hotkey!r}; known: {known}", wallet=name, hotkey=hotkey)
        with _quiet(f"hotkey {hotkey!r} of wallet {name!r}"):
            return wallet.get_hotkey()

    def _wallet(self, name: str, hotkey: str = "default") -> Wallet:
        for text in (name, hotkey):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
                raise WalletError(f"{text!r} is no name for a key; allowed: letters, digits, dot, dash, underscore")
        return Wallet(name=name, hotkey=hotkey, path=str(self.path))


def _refuse_existing(file: Keyfile, what: str) -> None:
    if file.exists_on_device():  # set_keypair would ask on the terminal
        raise KeyExists(f"the {what} already exists; nothing replaces a key")


def _public_address(file: Path, wallet: str) -> str:
    """Read the address in a key file; nothing else of it may get into a message."""
    try:
        address = json.loads(file.read_bytes())["ss58Address"]
    except FileNotFoundError:
        raise KeyMissing(f"no wallet {wallet!r} in {file.parent.parent}", wallet=wallet) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise WalletError(f"{file} can't be read as a key file") from None
    if not is_address(address):
        raise WalletError(f"{file} holds no address")
    return str(address)


@contextlib.contextmanager
def _quiet(what: str) -> Iterator[None]:
    """Name the key in an error, and keep the library's output out of what commands print."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except (KeyFileError, PasswordError, ForeignWalletError, ValueError) as error:
        raise WalletError(f"{what}: {error}") from None
