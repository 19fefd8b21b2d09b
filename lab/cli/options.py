"""What the local chain's commands share: their options, where they work, how they print."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from lab.local_chain.session import ChainSession

ChainPath = Annotated[
    str, typer.Option("--chain", envvar="SUBNETLAB_CHAIN", help="The chain's file, or an SQLAlchemy URL.")
]
Wallets = Annotated[Path, typer.Option("--wallets", envvar="SUBNETLAB_WALLETS", help="The folder of wallets.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
WalletName = Annotated[str, typer.Argument(help="Name of the wallet.", metavar="WALLET")]
Netuid = Annotated[int, typer.Option("--netuid", help="Number of the subnet.")]
Hotkey = Annotated[str, typer.Option("--hotkey", help="Name of the wallet's hotkey.")]
NetuidArgument = Annotated[int, typer.Argument(help="Number of the subnet.", metavar="NETUID")]
Amount = Annotated[str, typer.Argument(help="In τ, as in 12.5.", metavar="AMOUNT")]
Row = Annotated[list[str], typer.Argument(help="UID=WEIGHT ..., of any scale.", metavar="UID=WEIGHT")]
Version = Annotated[int, typer.Option("--version", help="Version of the weights, if the subnet asks for one.")]

MAX_PORTIONS = 70_000
"""That the faucet gives at once: of 300 τ each, the 21 million that the real chain will ever have issued."""

CHAIN, WALLETS = ".subnetlab/chain.db", Path(".subnetlab/wallets")


class Amounts(TyperCommand):
    """A command that takes numbers: one below zero is refused as such, not as an option that nobody knows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse a negative number; everything else is read as always."""
        for argument in args:
            if re.match(r"-[.\d]", argument):
                raise typer.BadParameter(f"{argument!r} is below zero; amounts, uids and weights start there")
        return super().parse_args(ctx, args)


def group(text: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)


def place_of(
    chain: str, wallets: Path = WALLETS, wallet: str = "WALLET", hotkey: str = "default", netuid: int | None = None
) -> ChainSession:
    """The chain, the wallets, and whose they are."""
    from lab.local_chain.session import ChainSession

    return ChainSession(chain, wallets, wallet, hotkey, netuid)


def show(as_json: bool, value: Any, text: str) -> None:
    """One JSON document, or text for people."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False) if as_json else text)
