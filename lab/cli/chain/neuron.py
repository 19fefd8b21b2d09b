"""`subnetlab register`, `pow-register` and `serve`: how a hotkey gets its uid and says where it answers."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import AsJson, ChainPath, Hotkey, Netuid, WalletName, Wallets
from lab.cli.console.output import show
from lab.local_chain.defaults import CHAIN, WALLETS

from .session import chain_session

app = commands()


@app.command("register", epilog=examples("register miner --netuid 1 --hotkey default"))
@app.command("recycle_register", hidden=True)
def register(
    wallet: WalletName,
    netuid: Netuid,
    hotkey: Hotkey = "default",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Register a hotkey by burning a subnet's current price."""
    from consensus.chain.calls import BurnedRegister

    with chain_session(chain, wallets, wallet, hotkey, netuid=netuid) as session:
        receipt = session.confirm(session.keys.coldkey(), BurnedRegister(netuid, session.keys.hotkey_address()))
    _show_uid(as_json, receipt.block, netuid, receipt.result, f"{wallet}/{hotkey}")


@app.command(
    "pow-register",
    short_help="Register a hotkey by proof of work.",
    epilog=examples("pow-register miner --netuid 1"),
)
def pow_register(
    wallet: WalletName,
    netuid: Netuid,
    hotkey: Hotkey = "default",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Register a hotkey by proof of work (subnets with registration_rule=interval)."""
    from consensus.chain.calls import PowRegister
    from consensus.chain.pow import solve

    with chain_session(chain, wallets, wallet, hotkey, netuid=netuid) as session:
        key, address = session.keys.coldkey(), session.keys.hotkey_address()
        with session.open() as opened:
            rules = opened.hyperparameters(netuid)
            nonce = 0
            if rules.registration_rule == "interval":
                nonce = solve(opened.block_hash, address, opened.difficulty(netuid), order=rules.pow_byte_order) or 0
            receipt = opened.call(key, PowRegister(netuid, address, opened.block, nonce))
            opened.step()
    _show_uid(as_json, receipt.block, netuid, receipt.result, f"{wallet}/{hotkey}")


@app.command("serve", epilog=examples("serve miner 10.0.0.5 8091 --netuid 1"))
def serve(
    wallet: WalletName,
    ip: Annotated[str, typer.Argument(help="Address at which the neuron answers.", metavar="IP")],
    port: Annotated[int, typer.Argument(help="Port at which it answers.", metavar="PORT")],
    netuid: Netuid,
    hotkey: Hotkey = "default",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Publish the address at which a neuron answers."""
    from consensus.chain.calls import ServeAxon

    with chain_session(chain, wallets, wallet, hotkey, netuid=netuid) as session:
        receipt = session.confirm(session.keys.hotkey_pair(), ServeAxon(netuid, ip, port))
    show(
        as_json,
        {"block": receipt.block, "uid": receipt.result},
        f"block {receipt.block}: uid {receipt.result} answers at {ip}:{port}",
    )


def _show_uid(as_json: bool, block: int, netuid: int, uid: int, hotkey: str) -> None:
    text = f"block {block}: {hotkey} is uid {uid} of subnet {netuid}"
    show(as_json, {"block": block, "netuid": netuid, "uid": uid}, text)
