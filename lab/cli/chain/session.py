"""The chain and the wallet that a command works on, and the advice that its refusals end with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli.console.output import echo
from lab.local_chain.defaults import CHAIN, WALLETS

if TYPE_CHECKING:
    from lab.local_chain.session import ChainSession


@contextlib.contextmanager
def chain_session(
    chain: str = CHAIN,
    wallets: Path = WALLETS,
    wallet: str = "WALLET",
    hotkey: str = "default",
    *,
    netuid: int | None = None,
    delegate: str | None = None,
) -> Iterator[ChainSession]:
    """Work on a chain; a refusal says which command fixes it. The names are those that the command was given."""
    from consensus.chain.keys import WalletFolder
    from consensus.errors import ChainError
    from lab.local_chain.advice import fix_for
    from lab.local_chain.session import ChainSession
    from lab.local_chain.wallets import WalletKeys

    keys = WalletKeys(WalletFolder(wallets), wallet, hotkey)
    session = ChainSession(chain, keys, netuid, delegate, announce=lambda message: echo(message, err=True))
    try:
        yield session
    except ChainError as error:
        if fix := fix_for(error, session):
            error.args = (f"{error}: {fix}",)
        raise
