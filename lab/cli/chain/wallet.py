"""`subnetlab wallet`: create and list wallets."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.options import AsJson, ChainPath, Hotkey, WalletName, Wallets
from lab.cli.console.output import echo, show
from lab.local_chain.defaults import CHAIN, WALLETS

from .session import chain_session

if TYPE_CHECKING:
    from consensus.chain.chain import Chain
    from consensus.chain.keys import WalletEntry

app = group(
    "Create and list wallets: a coldkey and its hotkeys, in the files of bittensor-wallet.",
    short="Create and list wallets.",
)


@app.command("new", epilog=examples("wallet new miner", "wallet new miner --hotkey second"))
def new(
    wallet: WalletName,
    hotkey: Hotkey = "default",
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Ask for a password for the coldkey.")] = False,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Create a wallet, or another hotkey in one.

    A new wallet gets a coldkey and a hotkey.
    """
    with chain_session("", wallets, wallet, hotkey) as session:
        entry = session.keys.create(encrypt=encrypt)
    secret = "encrypted" if entry.encrypted else "not encrypted: for experiments only"
    show(
        as_json,
        asdict(entry),
        f"wallet {wallet} in {wallets} ({secret})\ncoldkey {entry.coldkey}\nhotkey {hotkey} {entry.hotkeys[hotkey]}",
    )


@app.command("list", epilog=examples("wallet list"))
def list_wallets(chain: ChainPath = CHAIN, wallets: Wallets = WALLETS, as_json: AsJson = False) -> None:
    """List the wallets.

    If there is a chain, their balances and stakes are shown too.
    """
    from consensus.errors import StoreMissing

    with chain_session(chain, wallets) as session:
        listing = session.keys.folder.listing()
        try:
            with session.open() as opened:
                rows = [asdict(entry) | _holdings(opened, entry) for entry in listing.entries]
        except StoreMissing:
            rows = [asdict(entry) for entry in listing.entries]
    for note in listing.notes:
        echo(note, err=True)
    lines = [line for row in rows for line in _lines(row)]
    show(as_json, rows, "\n".join(lines) or "no wallet yet: `subnetlab wallet new owner`")


def _holdings(chain: Chain, entry: WalletEntry) -> dict[str, object]:
    return {
        "balance_rao": chain.balance(entry.coldkey),
        "stake_rao": {name: chain.stake(hotkey, entry.coldkey) for name, hotkey in entry.hotkeys.items()},
    }


def _lines(row: dict[str, Any]) -> list[str]:
    from consensus.amounts import tao

    balance = f"  balance {tao(row['balance_rao'])}" if "balance_rao" in row else ""
    lines = [f"{row['name']}  coldkey {row['coldkey']}{balance}"]
    for name, hotkey in row["hotkeys"].items():
        stake = f"  stake {tao(row['stake_rao'][name])}" if "stake_rao" in row else ""
        lines.append(f"  {name}  hotkey {hotkey}{stake}")
    return lines
