"""Where the chain's commands work: the chain's file, the folder of wallets, and hidden rows that wait to be shown.

A refusal that leaves here says in one line what is short and which command mends it.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consensus.amounts import TAO
from consensus.chain.calls import CommitWeights, RevealWeights, SetWeights, commit_hash
from consensus.errors import CallRefused, ChainError, StoreError, WalletError

from .advice import mend

if TYPE_CHECKING:
    from bittensor_wallet import Keypair

    from consensus.chain.calls import Call
    from consensus.chain.chain import Chain
    from consensus.chain.keys import WalletFolder
    from consensus.chain.receipt import Receipt


@dataclass
class ChainSession:
    """One command's chain and wallets. The names are those that the command was told, for the advice in a refusal."""

    where: str
    wallets_path: Path
    wallet: str = "WALLET"
    hotkey: str = "default"
    netuid: int | None = None
    delegate: str | None = None
    """Another's hotkey, where stake goes to or comes from one."""

    @property
    def wallets(self) -> WalletFolder:
        """The folder of wallets."""
        from consensus.chain.keys import WalletFolder

        return WalletFolder(self.wallets_path)

    @contextlib.contextmanager
    def open(self, *, create: bool = False) -> Iterator[Chain]:
        """The chain, closed again afterwards; with `create`, a new development chain if there is none."""
        from consensus.chain.chain import Chain

        with self.advice():
            if create and not self._exists():
                from consensus.chain.genesis import Genesis

                chain = Chain.create(self.where, Genesis(name=f"local-{secrets.token_hex(8)}"))
                print(f"a new development chain: {self.where}", file=sys.stderr)
            else:
                chain = Chain.open(self.where)
            with chain, self.advice(chain):
                yield chain

    def confirm(self, key: Keypair, call: Call, *, create: bool = False, times: int = 1) -> Receipt:
        """Sign, submit and let one block confirm it."""
        with self.open(create=create) as chain:
            for _ in range(times):
                receipt = chain.call(key, call)
            chain.step()
        return receipt

    def coldkey(self) -> Keypair:
        """The wallet's coldkey; asks for the password of an encrypted one, or reads it from a pipe."""
        with self.advice():
            encrypted = self.wallets.entry(self.wallet).encrypted
            return self.wallets.coldkey(self.wallet, read_password(self.wallet) if encrypted else None)

    def hotkey_pair(self) -> Keypair:
        """The wallet's hotkey."""
        with self.advice():
            return self.wallets.hotkey(self.wallet, self.hotkey)

    def hotkey_address(self, hotkey: str | None = None) -> str:
        """Address of one of the wallet's hotkeys."""
        name = hotkey or self.hotkey
        with self.advice():
            known = self.wallets.entry(self.wallet).hotkeys
            if name not in known:
                raise WalletError(f"wallet {self.wallet!r} has no hotkey {name!r}; known: {', '.join(known) or 'none'}")
            return known[name]

    def address(self, text: str) -> str:
        """An address given as such, as a wallet's name (its coldkey), or as WALLET/HOTKEY."""
        from consensus.chain.keys import is_address

        if is_address(text):
            return text
        wallet, _, hotkey = text.partition("/")
        with replace(self, wallet=wallet, hotkey=hotkey or "default").advice():
            if wallet not in {entry.name for entry in self.wallets.entries()}:
                raise WalletError(f"{text!r} is no address, and there is no wallet {wallet!r} in {self.wallets_path}")
            entry = self.wallets.entry(wallet)
            if hotkey and hotkey not in entry.hotkeys:
                raise WalletError(f"wallet {wallet!r} has no hotkey {hotkey!r}; known: {', '.join(entry.hotkeys)}")
            return entry.hotkeys[hotkey] if hotkey else entry.coldkey

    def commit(self, call: SetWeights) -> tuple[Receipt, str]:
        """Hide a row on the chain, and keep what shows it beside the wallet, readable by its owner alone."""
        key, salt = self.hotkey_pair(), secrets.token_hex(16)
        digest = commit_hash(key.ss58_address, call, salt)
        receipt = self.confirm(key, CommitWeights(call.netuid, digest))
        folder = self._commits()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = {"uids": call.uids, "values": call.values, "salt": salt, "version": call.version}
        file = folder / f"{receipt.block:012d}-{call.netuid}-{digest[:12]}.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(secret), encoding="utf-8")
        return receipt, digest

    def reveal(self, netuid: int) -> Receipt:
        """Show the oldest hidden row of this subnet that can be shown; forgets those that have expired."""
        key = self.hotkey_pair()
        waiting = sorted(self._commits().glob(f"*-{netuid}-*.json")) if self._commits().is_dir() else []
        refusal: CallRefused = CallRefused("commit", f"wallet {self.wallet!r} hides no weights for subnet {netuid}")
        with self.open() as chain:
            for file in waiting:
                try:
                    secret = json.loads(file.read_text(encoding="utf-8"))
                    row = (tuple(secret["uids"]), tuple(secret["values"]))
                except (OSError, ValueError, KeyError, TypeError) as error:
                    raise WalletError(f"{file} can't be read, so its row can't be shown: {error}") from error
                try:
                    receipt = chain.call(key, RevealWeights(netuid, *row, secret["salt"], secret["version"]))
                except CallRefused as error:
                    refusal = error
                    if error.check == "commit":
                        file.unlink()
                    continue
                chain.step()
                file.unlink()
                return receipt
            raise refusal

    @contextlib.contextmanager
    def advice(self, chain: Chain | None = None) -> Iterator[None]:
        """Add the command that mends it to a refusal."""
        try:
            yield
        except ChainError as error:
            if "`subnetlab" not in str(error) and (advice := mend(self, error, chain)):
                error.args = (f"{error}: {advice}",)
            raise

    def _commits(self) -> Path:
        return self.wallets_path / self.wallet / "commits" / self.hotkey

    def _exists(self) -> bool:
        if "://" not in self.where:
            return Path(self.where).exists()
        from consensus.chain.chain import Chain

        try:
            Chain.open(self.where).close()
        except StoreError as error:
            return "no chain" not in str(error)
        return True


def read_password(wallet: str) -> str:
    """From the terminal without echo, or a pipe's first line; never an argument, which any process could list."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(f"password of wallet {wallet}: ")
    return sys.stdin.readline().rstrip("\r\n")


def rao(text: str) -> int:
    """An amount in τ as typed, exact to the rao."""
    try:
        amount = Decimal(text.replace(",", "").replace("_", "")) * TAO
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise CallRefused("amount", f"amount {text!r}; allowed: a number of τ with up to 9 decimals")
    return int(amount)


def row(entries: list[str]) -> Mapping[int, float]:
    """`UID=WEIGHT ...` as typed; a uid named twice is refused here, before anything is signed."""
    found: dict[int, float] = {}
    for entry in entries:
        uid, equals, weight = entry.partition("=")
        try:
            if not equals or int(uid) in found:
                raise ValueError
            found[int(uid)] = float(weight)
        except ValueError:
            raise CallRefused("weights", f"{entry!r}; allowed: UID=WEIGHT, each uid once, as in 3=0.25") from None
    return found


def values(entries: list[str]) -> dict[str, Any]:
    """`NAME=VALUE ...` as typed: numbers, true, false, null and words."""
    found = {}
    for entry in entries:
        name, equals, text = entry.partition("=")
        if not equals:
            raise CallRefused("hyperparameter", f"{entry!r}; allowed: NAME=VALUE, as in tempo=100")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found
