"""`subnetlab stake`: stake on hotkeys, and what a hotkey keeps of its delegators' earnings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.options import Amount, Amounts, AsJson, ChainPath, Hotkey, WalletName, Wallets
from lab.cli.console.output import show
from lab.local_chain.defaults import CHAIN, WALLETS

from .session import chain_session

if TYPE_CHECKING:
    from consensus.chain.calls import AddStake, RemoveStake

app = group("Stake on hotkeys, your own or somebody else's.")


@app.command(
    "add",
    cls=Amounts,
    epilog=examples("stake add validator 100", "stake add me 100 --to validator/default"),
)
def add(
    wallet: WalletName,
    amount: Amount,
    hotkey: Hotkey = "default",
    to: Annotated[
        str | None, typer.Option(help="Delegate to somebody else's hotkey: an address or WALLET/HOTKEY.")
    ] = None,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Move balance into stake on a hotkey."""
    from consensus.chain.calls import AddStake

    _move(AddStake, wallet, amount, hotkey, to, chain=chain, wallets=wallets, as_json=as_json)


@app.command("remove", cls=Amounts, epilog=examples("stake remove validator 50"))
def remove(
    wallet: WalletName,
    amount: Amount,
    hotkey: Hotkey = "default",
    source: Annotated[
        str | None, typer.Option("--from", help="Take it off somebody else's hotkey: an address or WALLET/HOTKEY.")
    ] = None,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Move stake back into balance."""
    from consensus.chain.calls import RemoveStake

    _move(RemoveStake, wallet, amount, hotkey, source, chain=chain, wallets=wallets, as_json=as_json)


@app.command("take", cls=Amounts, epilog=examples("stake take validator 9"))
def take(
    wallet: WalletName,
    percent: Annotated[
        float, typer.Argument(help="The part of its delegators' earnings that it keeps.", metavar="PERCENT")
    ],
    hotkey: Hotkey = "default",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Set what a hotkey keeps of its delegators' earnings."""
    from consensus.chain.calls import SetTake
    from consensus.errors import CallRefused

    with chain_session(chain, wallets, wallet, hotkey) as session:
        if not 0.0 <= percent <= 100.0:  # NaN included
            raise CallRefused("take", f"take {percent:g} percent; allowed: 0 to 100, and what the chain allows")
        call = SetTake(session.keys.hotkey_address(), int(percent * 655.35))
        receipt = session.confirm(session.keys.coldkey(), call)
    show(
        as_json,
        {"block": receipt.block, "take": receipt.result},
        f"block {receipt.block}: {wallet}/{hotkey} keeps {percent:g} percent of what its delegators earn",
    )


def _move(
    kind: type[AddStake] | type[RemoveStake],
    wallet: str,
    amount: str,
    hotkey: str,
    delegate: str | None,
    *,
    chain: str,
    wallets: Path,
    as_json: bool,
) -> None:
    from consensus.amounts import tao
    from lab.local_chain.parse import rao

    with chain_session(chain, wallets, wallet, hotkey, delegate=delegate) as session:
        keys = session.keys
        call = kind(keys.address(delegate) if delegate else keys.hotkey_address(), rao(amount))
        receipt = session.confirm(keys.coldkey(), call)
    show(
        as_json,
        {"block": receipt.block, "stake_rao": receipt.result},
        f"block {receipt.block}: stake of {wallet} on {delegate or hotkey} {tao(receipt.result)}",
    )
