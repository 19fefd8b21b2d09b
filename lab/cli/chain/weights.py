"""`subnetlab weights`: set a validator's weights, openly or by commit and reveal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cli.console.command import examples, group
from lab.cli.console.options import Amounts, AsJson, ChainPath, Hotkey, Netuid, Row, Version, WalletName, Wallets
from lab.cli.console.output import show
from lab.local_chain.defaults import CHAIN, WALLETS

from .session import chain_session

if TYPE_CHECKING:
    from consensus.chain.calls import SetWeights

app = group("Set a validator's weights, openly or by commit and reveal.")


@app.command("set", cls=Amounts, epilog=examples("weights set validator --netuid 1 2=0.7 3=0.3"))
def set_weights(
    wallet: WalletName,
    weights: Row,
    netuid: Netuid,
    hotkey: Hotkey = "default",
    version: Version = 0,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Set a validator's weights openly."""
    from lab.results.words import counted

    with chain_session(chain, wallets, wallet, hotkey, netuid=netuid) as session:
        call = _call(weights, netuid, version)
        receipt = session.confirm(session.keys.hotkey_pair(), call)
    show(
        as_json,
        {"block": receipt.block, "uid": receipt.result, "uids": call.uids, "values": call.values},
        f"block {receipt.block}: uid {receipt.result} set weights on {counted(len(call.uids), 'uid')}",
    )


@app.command("commit", cls=Amounts, epilog=examples("weights commit validator --netuid 1 2=0.7 3=0.3"))
def commit(
    wallet: WalletName,
    weights: Row,
    netuid: Netuid,
    hotkey: Hotkey = "default",
    version: Version = 0,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Commit hidden weights.

    Only their hash is on the chain until `subnetlab weights reveal`.
    """
    with chain_session(chain, wallets, wallet, hotkey, netuid=netuid) as session:
        committed = session.commit(_call(weights, netuid, version))
    show(
        as_json,
        {"block": committed.block, "commit": committed.digest, "reveal_epoch": committed.reveal_epoch},
        f"block {committed.block}: committed {committed.digest[:12]}…; "
        f"reveal it in epoch {committed.reveal_epoch} of subnet {netuid}",
    )


@app.command("reveal", epilog=examples("weights reveal validator --netuid 1"))
def reveal(
    wallet: WalletName,
    netuid: Netuid,
    hotkey: Hotkey = "default",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Reveal the oldest committed weights whose epoch has come."""
    with chain_session(chain, wallets, wallet, hotkey, netuid=netuid) as session:
        receipt = session.reveal(netuid)
    show(
        as_json,
        {"block": receipt.block, "uid": receipt.result},
        f"block {receipt.block}: uid {receipt.result} revealed its weights",
    )


def _call(weights: list[str], netuid: int, version: int) -> SetWeights:
    from consensus.chain.calls import SetWeights
    from lab.local_chain.parse import row

    shares = row(weights)
    return SetWeights.of(netuid, list(shares), list(shares.values()), version)
