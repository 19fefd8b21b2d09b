"""Keys: sr25519 pairs, throw-away or in wallet folders.

    key = throwaway_key(seed=7, name="validator-0")     # the same key every time, in memory only
    key.ss58_address, key.sign(b"...")

A wallet is `<folder>/<name>/coldkey`, `coldkeypub.txt` and `hotkeys/<hotkey>`, in the format of bittensor-wallet.
Secrets leave this module only in those files: nothing here logs, prints or raises one. Never put a bittensor_wallet
Keyfile into a message: its text is the whole content of the file.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bittensor_wallet import Keyfile, Keypair, Wallet
from bittensor_wallet.errors import KeyFileError, PasswordError
from bittensor_wallet.errors import WalletError as ForeignWalletError
from bittensor_wallet.utils import is_valid_ss58_address
from filelock import FileLock

from consensus.errors import KeyExists, KeyMissing, WalletError

LONGEST_ADDRESS = 64
"""Maximum characters of an address; decoding takes quadratic time."""

Scheme = Literal["sr25519", "ed25519"]
"""How a key signs. Keys that are made here are sr25519; other tools make both."""
_CRYPTO_TYPES: dict[Scheme, int] = {"ed25519": 0, "sr25519": 1}
"""The numbers that bittensor-wallet has for them."""


def throwaway_key(seed: int | str, name: str) -> Keypair:
    """Derive a key from a seed and a name. Anyone who knows both can sign with it: for experiments only."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=32, person=b"subnetlab-key").hexdigest()
    return Keypair.create_from_seed(digest)  # type: ignore[arg-type]  # its stub says bytes; it takes hexadecimal


def is_address(text: object) -> bool:
    """Return whether a text is an SS58 address."""
    if not isinstance(text, str) or not text.isascii() or len(text) > LONGEST_ADDRESS:
        return False
    return bool(is_valid_ss58_address(text))


def scheme_of(key: Keypair) -> Scheme:
    """Return how a key signs."""
    return next(scheme for scheme, number in _CRYPTO_TYPES.items() if number == key.crypto_type)


def verify(address: str, message: bytes, signature: bytes, scheme: Scheme = "sr25519") -> bool:
    """Return whether the address signed this message."""
    if len(address) > LONGEST_ADDRESS:
        return False
    try:
        key = Keypair(ss58_address=address, crypto_type=_CRYPTO_TYPES[scheme])
        return bool(key.verify(message, signature))
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
class WalletListing:
    """The wallets of a folder, and notes on what was skipped there."""

    entries: tuple[WalletEntry, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WalletFolder:
    """A folder of wallets; `~` is the user's home."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", self.path.expanduser())

    def new_coldkey(self, name: str, password: str | None = None) -> str:
        """Create a coldkey, encrypted if a password is given, and return its address. Never replaces one.

        A coldkey without its public file, left by a process that was killed, gets this file instead.
        """
        _check_new(name)
        if password == "":
            raise WalletError("the password is empty; give one, or none at all")
        with self._creating() as draft, _quiet(f"wallet {name!r}"):
            wallet, public = self._wallet(name), self.path / name / "coldkeypub.txt"
            if wallet.coldkey_file.exists_on_device() and not public.exists():
                key = wallet.get_coldkey(password)
            else:
                _refuse_existing(wallet.coldkey_file, f"coldkey of wallet {name!r}")
                key = Keypair.create_from_mnemonic(Keypair.generate_mnemonic(12))
                draft.set_coldkey(key, encrypt=password is not None, coldkey_password=password)
                _move(draft.coldkey_file, self.path / name / "coldkey")
            draft.set_coldkeypub(key)
            _move(draft.coldkeypub_file, public)
        return key.ss58_address

    def new_hotkey(self, name: str, hotkey: str) -> str:
        """Create a hotkey, unencrypted as is usual, and return its address. Never replaces one."""
        _check_new(name)
        _check_new(hotkey)
        with self._creating() as draft, _quiet(f"wallet {name!r}"):
            _refuse_existing(self._wallet(name, hotkey).hotkey_file, f"hotkey {hotkey!r} of wallet {name!r}")
            key = Keypair.create_from_mnemonic(Keypair.generate_mnemonic(12))
            draft.set_hotkey(key)
            draft.set_hotkeypub(key)
            folder = self.path / name / "hotkeys"
            _move(draft.hotkey_file, folder / hotkey)
            _move(draft.hotkeypub_file, folder / f"{hotkey}pub.txt")
        return key.ss58_address

    def listing(self) -> WalletListing:
        """Return all wallets with a coldkey in the folder, by name, skipping those that can't be read."""
        entries, notes = [], []
        for name in sorted(folder.name for folder in _children(self.path) if (folder / "coldkeypub.txt").is_file()):
            try:
                entries.append(self.entry(name))
            except WalletError as error:
                notes.append(f"skipped wallet {name!r}: {error}")
                continue
            known = entries[-1].hotkeys
            files = _hotkey_files(self.path / name)
            notes += [f"skipped {file}: not a key file" for file in files if file.name not in known]
        return WalletListing(tuple(entries), tuple(notes))

    def entries(self) -> tuple[WalletEntry, ...]:
        """Return all wallets that can be read, by name."""
        return self.listing().entries

    def entry(self, name: str) -> WalletEntry:
        """Return one wallet without opening a secret. Files that are not hotkeys are left out."""
        wallet, folder = self._wallet(name), self.path / name
        address = _public_address(folder / "coldkeypub.txt", name)
        hotkeys = {}
        for file in _hotkey_files(folder):
            public = file.with_name(f"{file.name}pub.txt")
            with contextlib.suppress(WalletError):
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
            if text in ("", ".", "..") or re.search(r"[/\\\0]", text):
                raise WalletError(f"{text!r} is not a name for a key: it must name one file")
        return Wallet(name=name, hotkey=hotkey, path=str(self.path))

    @contextlib.contextmanager
    def _creating(self) -> Iterator[Wallet]:
        """Lock the folder and yield a draft wallet in it, so that a key appears whole or not at all."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / ".lock", mode=0o600):
                for leftover in self.path.glob(".draft-*"):
                    shutil.rmtree(leftover)
                with tempfile.TemporaryDirectory(prefix=".draft-", dir=self.path) as draft:
                    yield Wallet(name=Path(draft).name, hotkey="default", path=str(self.path))
        except OSError as error:
            raise WalletError(f"{self.path} can't be written: {error.strerror or error}") from None


def _check_new(name: str) -> None:
    """Refuse a name that other tools or shells may stumble over."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise WalletError(f"{name!r} is not a name for a new key; allowed: letters, digits, dot, dash, underscore")


def _move(source: Keyfile, target: Path) -> None:
    """Put a finished key file in its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(source.path, "rb") as file:
        os.fsync(file.fileno())
    os.replace(source.path, target)


def _children(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []


def _hotkey_files(wallet: Path) -> list[Path]:
    """Return the files that may be hotkeys: no hidden files, folders or public halves."""
    files = (path for path in _children(wallet / "hotkeys") if path.is_file() and not path.name.endswith("pub.txt"))
    return sorted(files)


def _refuse_existing(file: Keyfile, what: str) -> None:
    if file.exists_on_device():  # set_keypair would ask on the terminal
        raise KeyExists(f"the {what} already exists; keys are never replaced")


def _public_address(file: Path, wallet: str) -> str:
    """Read the address in a key file; nothing else from the file may appear in a message."""
    try:
        address = json.loads(file.read_bytes())["ss58Address"]
    except FileNotFoundError:
        raise KeyMissing(f"no wallet {wallet!r} in {file.parent.parent}", wallet=wallet) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise WalletError(f"{file} can't be read as a key file") from None
    if not is_address(address):
        raise WalletError(f"{file} contains no address")
    return str(address)


@contextlib.contextmanager
def _quiet(what: str) -> Iterator[None]:
    """Name the key in an error, and hide the library's own output."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except (KeyFileError, PasswordError, ForeignWalletError, ValueError) as error:
        raise WalletError(f"{what}: {error}") from None
