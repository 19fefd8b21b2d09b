"""The commands of those who hold a uid: register, serve, stake, set weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.options import (
    CHAIN,
    WALLETS,
    Amount,
    Amounts,
    AsJson,
    ChainPath,
    Hotkey,
    Netuid,
    Row,
    Version,
    WalletName,
    Wallets,
    group,
    place_of,
    show,
)

if TYPE_CHECKING:
    from lab.local_chain.session import ChainSession

stake_app = group("Stake on hotkeys, one's own or others'.")
weights_app = group("Set a validator's weights, openly or by commit and reveal.")


def register(
    wallet: WalletName,
    netuid: Netuid,
    hotkey: Hotkey = "default",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Register a hotkey on a subnet by burning its current price."""
    from consensus.chain.calls import BurnedRegister

    place = place_of(chain, wallets, wallet, hotkey, netuid)
    receipt = place.confirm(place.coldkey(), BurnedRegister(netuid, place.hotkey_address()))
    _registered(as_json, receipt.block, netuid, receipt.result, f"{wallet}/{hotkey}")


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

    place = place_of(chain, wallets, wallet, hotkey, netuid)
    key, address = place.coldkey(), place.hotkey_address()
    with place.open() as opened:
        rules = opened.hyperparameters(netuid)
        nonce = 0
        if rules.registration_rule == "interval":
            nonce = solve(opened.block_hash, address, opened.difficulty(netuid), order=rules.pow_byte_order) or 0
        receipt = opened.call(key, PowRegister(netuid, address, opened.block, nonce))
        opened.step()
    _registered(as_json, receipt.block, netuid, receipt.result, f"{wallet}/{hotkey}")


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
    """Publish where a neuron answers."""
    from consensus.chain.calls import ServeAxon

    place = place_of(chain, wallets, wallet, hotkey, netuid)
    receipt = place.confirm(place.hotkey_pair(), ServeAxon(netuid, ip, port))
    show(
        as_json, {"block": receipt.block, "uid": receipt.result},
        f"block {receipt.block}: uid {receipt.result} answers at {ip}:{port}",
    )  # fmt: skip


@stake_app.command(
    "add",
    cls=Amounts,
    epilog="Examples:  subnetlab stake add validator 100   |   subnetlab stake add me 100 --to validator/default",
)
def stake_add(
    wallet: WalletName,
    amount: Amount,
    hotkey: Hotkey = "default",
    to: Annotated[str | None, typer.Option(help="Delegate: another's hotkey, an address or WALLET/HOTKEY.")] = None,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Move balance into stake on a hotkey."""
    from consensus.chain.calls import AddStake

    _stake(AddStake, wallet, amount, hotkey, to, chain, wallets, as_json)


@stake_app.command("remove", cls=Amounts, epilog="Example:  subnetlab stake remove validator 50")
def stake_remove(
    wallet: WalletName,
    amount: Amount,
    hotkey: Hotkey = "default",
    to: Annotated[str | None, typer.Option("--from", help="Another's hotkey, an address or WALLET/HOTKEY.")] = None,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Move stake back into balance."""
    from consensus.chain.calls import RemoveStake

    _stake(RemoveStake, wallet, amount, hotkey, to, chain, wallets, as_json)


@stake_app.command("take", cls=Amounts, epilog="Example:  subnetlab stake take validator 9")
def stake_take(
    wallet: WalletName,
    percent: Annotated[float, typer.Argument(help="Of what delegators earn, in percent.", metavar="PERCENT")],
    hotkey: Hotkey = "default",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Set what a hotkey keeps of its delegators' earnings."""
    from consensus.chain.calls import SetTake
    from consensus.errors import CallRefused

    place = place_of(chain, wallets, wallet, hotkey)
    with place.advice():
        if not 0.0 <= percent <= 100.0:  # NaN included
            raise CallRefused("take", f"take {percent:g} percent; allowed: 0 to 100, and what the chain allows")
    receipt = place.confirm(place.coldkey(), SetTake(place.hotkey_address(), int(percent * 655.35)))
    show(
        as_json, {"block": receipt.block, "take": receipt.result},
        f"block {receipt.block}: {wallet}/{hotkey} keeps {percent:g} percent of what its delegators earn",
    )  # fmt: skip


@weights_app.command("set", cls=Amounts, epilog="Example:  subnetlab weights set validator --netuid 1 2=0.7 3=0.3")
def weights_set(
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
    place, call = _weights(wallet, weights, netuid, hotkey, version, chain, wallets)
    receipt = place.confirm(place.hotkey_pair(), call)
    show(
        as_json, {"block": receipt.block, "uid": receipt.result, "uids": call.uids, "values": call.values},
        f"block {receipt.block}: uid {receipt.result} set weights on {len(call.uids)} uids",
    )  # fmt: skip


@weights_app.command(
    "commit", cls=Amounts, epilog="Example:  subnetlab weights commit validator --netuid 1 2=0.7 3=0.3"
)
def weights_commit(
    wallet: WalletName,
    weights: Row,
    netuid: Netuid,
    hotkey: Hotkey = "default",
    version: Version = 0,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Set weights hidden: only their hash goes on the chain, until `weights reveal`."""
    place, call = _weights(wallet, weights, netuid, hotkey, version, chain, wallets)
    receipt, digest = place.commit(call)
    show(
        as_json, {"block": receipt.block, "commit": digest, "reveal_epoch": receipt.result},
        f"block {receipt.block}: committed {digest[:12]}…; reveal it in epoch {receipt.result} of subnet {netuid}",
    )  # fmt: skip


@weights_app.command("reveal", epilog="Example:  subnetlab weights reveal validator --netuid 1")
def weights_reveal(
    wallet: WalletName,
    netuid: Netuid,
    hotkey: Hotkey = "default",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Show the oldest committed weights that may be shown."""
    receipt = place_of(chain, wallets, wallet, hotkey, netuid).reveal(netuid)
    show(
        as_json, {"block": receipt.block, "uid": receipt.result},
        f"block {receipt.block}: uid {receipt.result} revealed its weights",
    )  # fmt: skip


def _registered(as_json: bool, block: int, netuid: int, uid: int, who: str) -> None:
    show(
        as_json, {"block": block, "netuid": netuid, "uid": uid}, f"block {block}: {who} is uid {uid} of subnet {netuid}"
    )


def _stake(
    kind: Any, wallet: str, amount: str, hotkey: str, to: str | None, chain: str, wallets: Path, as_json: bool
) -> None:
    from consensus.amounts import tao
    from lab.local_chain.session import rao

    place = place_of(chain, wallets, wallet, hotkey)
    place.delegate = to
    with place.advice():
        call = kind(place.address(to) if to else place.hotkey_address(), rao(amount))
    receipt = place.confirm(place.coldkey(), call)
    show(
        as_json, {"block": receipt.block, "stake_rao": receipt.result},
        f"block {receipt.block}: stake of {wallet} on {to or hotkey} {tao(receipt.result)}",
    )  # fmt: skip


def _weights(
    wallet: str, weights: list[str], netuid: int, hotkey: str, version: int, chain: str, wallets: Path
) -> tuple[ChainSession, Any]:
    from consensus.chain.calls import SetWeights
    from lab.local_chain.session import row

    place = place_of(chain, wallets, wallet, hotkey, netuid)
    with place.advice():
        read = row(weights)
        return place, SetWeights.of(netuid, list(read), list(read.values()), version)
