"""The chain and the wallet keys of one command."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consensus.chain.calls import CommitWeights, SetWeights, commit_hash
from consensus.chain.chain import Chain
from consensus.chain.genesis import Genesis
from consensus.errors import CallRefused, NotAChain, StoreMissing

from .commits import Committed, CommittedRow, waiting
from .wallets import WalletKeys

if TYPE_CHECKING:
    from bittensor_wallet import Keypair

    from consensus.chain.calls import Call
    from consensus.chain.receipt import Receipt


@dataclass
class ChainSession:
    """One command's chain and keys, under the names that its user gave."""

    where: str
    """The chain's file, or an SQLAlchemy URL."""
    keys: WalletKeys
    netuid: int | None = None
    delegate: str | None = None
    """Somebody else's hotkey that stake goes to or comes from, as typed."""
    announce: Callable[[str], None] = lambda message: None
    """Called when a chain is created."""
    chain: Chain | None = None
    """The chain that was opened last; its state can still be read after it is closed."""

    @contextlib.contextmanager
    def open(self, *, create: bool = False) -> Iterator[Chain]:
        """Open the chain and close it afterwards; `create` makes a development chain if there is none."""
        try:
            self.chain = Chain.open(self.where)
        except (StoreMissing, NotAChain) as error:
            if not create or (isinstance(error, NotAChain) and not self._shared):
                raise
            self.chain = Chain.create(self.where, Genesis(name=f"local-{secrets.token_hex(8)}"))
            self.announce(f"a new development chain: {self.where}")
        with self.chain:
            yield self.chain

    def confirm(self, key: "Keypair", call: "Call", *, create: bool = False, times: int = 1) -> "Receipt":
        """Sign and submit a call, and let one block confirm it."""
        with self.open(create=create) as chain:
            for _ in range(times):
                receipt = chain.call(key, call)
            chain.step()
        return receipt

    def commit(self, call: SetWeights) -> Committed:
        """Commit weights by their hash, and store the row and its salt next to the wallet."""
        key, salt = self.keys.hotkey_pair(), secrets.token_hex(16)
        digest = commit_hash(key.ss58_address, call, salt)
        with self.open() as chain:
            # the salt first: a commit whose salt is lost can't be revealed
            file = CommittedRow.of(call, salt).save(self.keys.commits, call.netuid, chain.block, digest)
            try:
                receipt = chain.call(key, CommitWeights(call.netuid, digest))
            except CallRefused:
                file.unlink()
                raise
            chain.step()
        return Committed(receipt.block, digest, receipt.result)

    def reveal(self, netuid: int) -> "Receipt":
        """Reveal the oldest committed weights of a subnet whose epoch has come; expired ones are deleted."""
        key = self.keys.hotkey_pair()
        refusal = CallRefused("commit", f"wallet {self.keys.wallet!r} has no committed weights for subnet {netuid}")
        with self.open() as chain:
            for file in waiting(self.keys.commits, netuid):
                try:
                    receipt = chain.call(key, CommittedRow.load(file).call(netuid))
                except CallRefused as error:
                    refusal = error
                    if error.check == "commit":
                        file.unlink()
                    continue
                chain.step()
                file.unlink()
                return receipt
            raise refusal

    @property
    def _shared(self) -> bool:
        """True for a database in which a chain may share space with others' tables."""
        return "://" in self.where and not self.where.startswith("sqlite")
