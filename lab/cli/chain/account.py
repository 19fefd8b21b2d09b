"""`subnetlab faucet` and `subnetlab transfer`: the free balance of a coldkey."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import Amount, Amounts, AsJson, ChainPath, WalletName, Wallets
from lab.cli.console.output import show
from lab.local_chain.defaults import CHAIN, MAX_PAYOUTS, WALLETS

from .session import chain_session

app = commands()


@app.command(
    "faucet",
    short_help="Give a wallet new balance (development chains only).",
    epilog=examples("faucet owner --times 4"),
)
def faucet(
    wallet: WalletName,
    times: Annotated[int, typer.Option("--times", min=1, max=MAX_PAYOUTS, help="Number of payouts of 300 τ.")] = 1,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Give a wallet new balance (development chains only); creates a chain if there is none."""
    from consensus.amounts import tao
    from consensus.chain.calls import Faucet

    with chain_session(chain, wallets, wallet) as session:
        receipt = session.confirm(session.keys.coldkey(), Faucet(), create=True, times=times)
    show(
        as_json,
        {"block": receipt.block, "balance_rao": receipt.result},
        f"block {receipt.block}: balance of {wallet} {tao(receipt.result)}",
    )


@app.command("transfer", cls=Amounts, epilog=examples("transfer owner validator 12.5"))
def transfer(
    wallet: WalletName,
    to: Annotated[str, typer.Argument(help="An address, or the name of another wallet.", metavar="TO")],
    amount: Amount,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Move balance to another coldkey."""
    from consensus.chain.calls import Transfer
    from lab.local_chain.parse import rao

    with chain_session(chain, wallets, wallet) as session:
        key = session.keys.coldkey()
        receipt = session.confirm(key, Transfer(session.keys.address(to), rao(amount)))
    show(as_json, {"block": receipt.block}, f"block {receipt.block}: {amount} τ to {to}")
