"""The local chain's commands: wallets, faucet, subnets, metagraph, blocks; `neuron_cli` has the rest.

`mount(app)` adds them to the command line. Each command that changes something signs a call, submits it and lets one
block confirm it; blocks pass otherwise only by `chain step` and `chain run`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.options import (
    CHAIN,
    MAX_PORTIONS,
    WALLETS,
    Amount,
    Amounts,
    AsJson,
    ChainPath,
    Hotkey,
    NetuidArgument,
    WalletName,
    Wallets,
    group,
    place_of,
    show,
)
from lab.cli.options import (
    commands as top_level,
)

from .neuron import pow_register, register, serve, stake_app, weights_app

if TYPE_CHECKING:
    from consensus.chain.chain import Chain
    from consensus.chain.emission import Epoch
    from consensus.chain.metagraph import Metagraph

LOCAL_RULES = {
    "commit_reveal": False, "weights_set_rate_limit": 0, "max_registrations_per_block": 0, "serving_rate_limit": 0,
    "min_difficulty": 10_000,
}  # fmt: skip
"""What `subnet create` relaxes: nobody should have to wait for a chain that stands still between commands."""

wallet_app = group("Coldkeys and hotkeys, in the field's own key files.")
subnet_app = group("Create subnets and set their rules.")
chain_app = group("The chain itself: its state and its blocks.")


def mount(app: typer.Typer) -> None:
    """Add all commands of the local chain to a command line."""
    for name, commands in {
        "wallet": wallet_app, "subnet": subnet_app, "stake": stake_app, "weights": weights_app, "chain": chain_app,
    }.items():  # fmt: skip
        app.add_typer(commands, name=name)
    app.command("faucet", epilog="Example:  subnetlab faucet owner --times 4")(faucet)
    app.command("transfer", cls=Amounts, epilog="Example:  subnetlab transfer owner validator 12.5")(transfer)
    app.command("register", epilog="Example:  subnetlab register miner --netuid 1 --hotkey default")(register)
    app.command("recycle_register", hidden=True)(register)
    app.command("pow-register", epilog="Example:  subnetlab pow-register miner --netuid 1")(pow_register)
    app.command("serve", epilog="Example:  subnetlab serve miner 10.0.0.5 8091 --netuid 1")(serve)
    app.command("metagraph", epilog="Examples:  subnetlab metagraph 1   |   subnetlab metagraph 1 --save sn1.csv   |   "
                "subnetlab metagraph --load sn1.csv --concentration")(metagraph)  # fmt: skip


@wallet_app.command(
    "new", epilog="Examples:  subnetlab wallet new miner   |   subnetlab wallet new miner --hotkey second"
)
def wallet_new(
    wallet: WalletName,
    hotkey: Hotkey = "default",
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Ask for a password for the coldkey.")] = False,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Create a wallet with its coldkey and a hotkey, or another hotkey in it."""
    from consensus.errors import WalletError
    from lab.local_chain.session import read_password

    place = place_of("", wallets, wallet)
    with place.advice():
        if not (wallets / wallet / "coldkeypub.txt").exists():
            place.wallets.new_coldkey(wallet, read_password(wallet) if encrypt else None)
        elif encrypt:
            raise WalletError(f"wallet {wallet!r} has its coldkey already; --encrypt is for a new one")
        place.wallets.new_hotkey(wallet, hotkey)
        entry = place.wallets.entry(wallet)
    secret = "encrypted" if entry.encrypted else "not encrypted: for experiments only"
    show(
        as_json, asdict(entry),
        f"wallet {wallet} in {wallets} ({secret})\ncoldkey {entry.coldkey}\nhotkey {hotkey} {entry.hotkeys[hotkey]}",
    )  # fmt: skip


@wallet_app.command("list", epilog="Example:  subnetlab wallet list")
def wallet_list(chain: ChainPath = CHAIN, wallets: Wallets = WALLETS, as_json: AsJson = False) -> None:
    """List wallets, with what they own where there is a chain."""
    from consensus.amounts import tao
    from consensus.errors import ChainError

    place = place_of(chain, wallets)
    with place.advice():
        found = [asdict(entry) for entry in place.wallets.entries()]
    try:
        with place.open() as opened:
            for entry in found:
                entry["balance_rao"] = opened.balance(entry["coldkey"])
                entry["stake_rao"] = {
                    name: opened.stake(hotkey, entry["coldkey"]) for name, hotkey in entry["hotkeys"].items()
                }
    except ChainError as error:
        if not str(error).startswith("no chain"):
            raise
    lines = []
    for entry in found:
        balance = f"  balance {tao(entry['balance_rao'])}" if "balance_rao" in entry else ""
        lines.append(f"{entry['name']}  coldkey {entry['coldkey']}{balance}")
        for name, hotkey in entry["hotkeys"].items():
            stake = f"  stake {tao(entry['stake_rao'][name])}" if "stake_rao" in entry else ""
            lines.append(f"  {name}  hotkey {hotkey}{stake}")
    show(as_json, found, "\n".join(lines) or "no wallet yet: `subnetlab wallet new owner`")


def faucet(
    wallet: WalletName,
    times: Annotated[int, typer.Option("--times", min=1, max=MAX_PORTIONS, help="Portions of 300 τ.")] = 1,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Give a wallet new balance (development chains only); starts a chain if there is none."""
    from consensus.amounts import tao
    from consensus.chain.calls import Faucet

    place = place_of(chain, wallets, wallet)
    receipt = place.confirm(place.coldkey(), Faucet(), create=True, times=times)
    show(
        as_json, {"block": receipt.block, "balance_rao": receipt.result},
        f"block {receipt.block}: balance of {wallet} {tao(receipt.result)}",
    )  # fmt: skip


def transfer(
    wallet: WalletName,
    to: Annotated[str, typer.Argument(help="An address, or another wallet.", metavar="TO")],
    amount: Amount,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Move balance to another coldkey."""
    from consensus.chain.calls import Transfer
    from lab.local_chain.session import rao

    place = place_of(chain, wallets, wallet)
    receipt = place.confirm(place.coldkey(), Transfer(place.address(to), rao(amount)))
    show(as_json, {"block": receipt.block}, f"block {receipt.block}: {amount} τ to {to}")


@subnet_app.command(
    "create", epilog="Examples:  subnetlab subnet create owner   |   subnetlab subnet create owner --set tempo=20"
)
def subnet_create(
    wallet: WalletName,
    hotkey: Hotkey = "default",
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set a rule.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Keep the real chain's limits and commit-reveal.")] = False,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Lock the cost of a subnet and own it; the hotkey becomes its uid 0."""
    from consensus.chain.calls import CreateSubnet
    from lab.local_chain.session import values

    place = place_of(chain, wallets, wallet, hotkey)
    with place.advice():
        rules = ({} if strict else LOCAL_RULES) | values(sets or [])
    receipt = place.confirm(place.coldkey(), CreateSubnet(place.hotkey_address(), rules))
    show(
        as_json, {"block": receipt.block, "netuid": receipt.result},
        f"block {receipt.block}: subnet {receipt.result} belongs to {wallet}",
    )  # fmt: skip


@subnet_app.command("list", epilog="Example:  subnetlab subnet list")
def subnet_list(chain: ChainPath = CHAIN, as_json: AsJson = False) -> None:
    """List the subnets."""
    from consensus.amounts import tao

    with place_of(chain).open() as opened:
        found = [_subnet(opened, netuid) for netuid in opened.netuids]
    lines = [
        f"subnet {one['netuid']}  {one['neurons']} of {one['max_allowed_uids']} uids  tempo {one['tempo']}  "
        f"epochs {one['epochs']}  next at block {one['next_epoch']}  burn {tao(one['burn_rao'])}  owner {one['owner']}"
        for one in found
    ]
    show(as_json, found, "\n".join(lines) or "no subnet yet: `subnetlab subnet create WALLET`")


@subnet_app.command(
    "hyperparameters",
    epilog="Examples:  subnetlab subnet hyperparameters 1   |   "
    "subnetlab subnet hyperparameters 1 --wallet owner --set tempo=100 --set liquid_alpha=true",
)
def subnet_hyperparameters(
    netuid: NetuidArgument,
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a rule.")] = None,
    wallet: Annotated[str, typer.Option("--wallet", help="The owner's wallet, to change a rule.")] = "owner",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Show a subnet's rules, or change some."""
    from consensus.chain.calls import SetHyperparameters
    from lab.local_chain.session import values

    place = place_of(chain, wallets, wallet, netuid=netuid)
    if sets:
        with place.advice():
            changes = values(sets)
        place.confirm(place.coldkey(), SetHyperparameters(netuid, changes))
    with place.open() as opened:
        rules = opened.hyperparameters(netuid).as_dict()
    show(as_json, rules, "\n".join(f"{name:<28} {value}" for name, value in rules.items()))


@subnet_app.command("lock-cost", epilog="Example:  subnetlab subnet lock-cost")
def subnet_lock_cost(chain: ChainPath = CHAIN, as_json: AsJson = False) -> None:
    """Show what the next subnet locks: it doubles with each one and falls with time."""
    from consensus.amounts import tao

    with place_of(chain).open() as opened:
        cost = opened.lock_cost()
    show(as_json, {"lock_cost_rao": cost}, f"the next subnet locks {tao(cost)}")


def metagraph(
    netuid: Annotated[int | None, typer.Argument(help="Number of the subnet.", metavar="NETUID")] = None,
    load: Annotated[Path | None, typer.Option(help="Read a snapshot (.csv, .json) instead of a chain.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write a snapshot (.csv, .json).")] = None,
    concentrated: Annotated[
        bool, typer.Option("--concentration", help="Who holds the stake, who earns: Gini, top shares, Nakamoto.")
    ] = False,
    chain: ChainPath = CHAIN,
    as_json: AsJson = False,
) -> None:
    """Show a subnet's neurons, or how concentrated it is; of the chain or of a snapshot."""
    from consensus.chain.concentration import concentration
    from consensus.chain.metagraph import Metagraph

    if (netuid is None) == (load is None):
        raise typer.BadParameter("give NETUID, or --load FILE")
    if load is not None:
        graph = Metagraph.load(load)
    else:
        assert netuid is not None
        with place_of(chain, netuid=netuid).open() as opened:
            graph = opened.metagraph(netuid)
    if save is not None:
        graph.save(save)
    if concentrated:
        found = asdict(concentration(graph))
        lines = [f"subnet {graph.netuid} at block {graph.block}: {graph.n} neurons, {found['coldkeys']} coldkeys"]
        for name in ("stake", "incentive"):
            top = ", ".join(f"top {k} {share:.1%}" for k, share in found[name]["top_share"].items())
            lines.append(
                f"{name:<10} {found[name]['holders']} coldkeys, Gini {found[name]['gini']:.3f}, {top}, "
                f"Nakamoto {found[name]['nakamoto']}, as {found[name]['effective']:.1f} equal ones"
            )
        spread = ", ".join(f"{name} {value:.4g}" for name, value in found["miner_incentive"].items())
        show(as_json, found, "\n".join([*lines, f"incentive by uid: {spread or 'none'}"]))
    elif as_json:
        show(True, {"netuid": graph.netuid, "block": graph.block, "neurons": graph.rows()}, "")
    else:
        _print_graph(graph)


@chain_app.command("status", epilog="Example:  subnetlab chain status")
def chain_status(chain: ChainPath = CHAIN, as_json: AsJson = False) -> None:
    """Show the open block, where all the money is, and the subnets."""
    from consensus.amounts import tao

    with place_of(chain).open() as opened:
        supply = opened.supply()
        found: dict[str, Any] = {
            "chain": chain, "name": opened.genesis.name, "development": opened.genesis.development,
            "block": opened.block, "genesis_hash": opened.genesis_hash, "supply_rao": supply,
            "lock_cost_rao": opened.lock_cost(), "subnets": [_subnet(opened, netuid) for netuid in opened.netuids],
        }  # fmt: skip
    kind = "development chain" if found["development"] else "chain"
    lines = [f"{kind} {found['name']} in {chain}, block {found['block']}, {len(found['subnets'])} subnets"]
    lines += [f"{part:<10} {tao(amount)}" for part, amount in supply.items()]
    show(as_json, found, "\n".join(lines))


@chain_app.command("step", epilog="Example:  subnetlab chain step 100")
def chain_step(
    blocks: Annotated[int, typer.Argument(help="How many.", min=1, metavar="BLOCKS")] = 1,
    chain: ChainPath = CHAIN,
    as_json: AsJson = False,
) -> None:
    """Let blocks pass."""
    with place_of(chain).open(create=True) as opened:
        epochs = [_epoch(epoch) for epoch in opened.step(blocks)]
        block = opened.block
    show(as_json, {"block": block, "epochs": epochs}, "\n".join([*map(_epoch_line, epochs), f"block {block}"]))


@chain_app.command("run", epilog="Examples:  subnetlab chain run --epochs 3   |   subnetlab chain run --block-time 1")
def chain_run(
    epochs: Annotated[int | None, typer.Option(min=1, help="Stop after so many epochs of the subnet.")] = None,
    netuid: Annotated[int | None, typer.Option("--netuid", help="Whose epochs count; by default the first's.")] = None,
    block_time: Annotated[
        float | None, typer.Option(min=0.01, help="Seconds between blocks; other commands may come in between.")
    ] = None,
    chain: ChainPath = CHAIN,
    as_json: AsJson = False,
) -> None:
    """Run the chain: at once to the end of some epochs, or live, block by block, until Ctrl-C."""
    from consensus.errors import CallRefused, StoreInUse

    if epochs is None and block_time is None:
        raise typer.BadParameter("give --epochs N, --block-time SECONDS, or both")
    place = place_of(chain, netuid=netuid)
    done: list[dict[str, Any]] = []
    while epochs is None or len(done) < epochs:
        try:
            with place.open(create=block_time is not None) as opened:
                counted = netuid or next(iter(opened.netuids), None)
                if counted is None and block_time is None:
                    raise CallRefused("subnet", "there is no subnet, so there are no epochs")
                if netuid is not None:
                    opened.subnet(netuid)  # refused where it doesn't exist: its epochs would never come
                if block_time is None:
                    assert counted is not None and epochs is not None
                    new = [opened.step_to_epoch(counted) for _ in range(epochs)]
                else:
                    new = [epoch for epoch in opened.step() if epoch.netuid == counted]
        except StoreInUse:
            if block_time is None:
                raise
            continue  # another command holds the chain; its block comes first
        for epoch in new:
            done.append(_epoch(epoch))
            if not as_json:
                typer.echo(_epoch_line(done[-1]))
        if block_time is not None:
            time.sleep(block_time)
    if as_json:
        show(True, {"epochs": done}, "")


def _subnet(chain: Chain, netuid: int) -> dict[str, Any]:
    subnet, rules = chain.subnet(netuid), chain.hyperparameters(netuid)
    return {
        "netuid": netuid, "owner": subnet.owner, "neurons": subnet.size, "max_allowed_uids": rules.max_allowed_uids,
        "tempo": rules.tempo, "epochs": subnet.epochs, "next_epoch": chain.next_epoch(netuid),
        "burn_rao": chain.burn_price(netuid), "difficulty": chain.difficulty(netuid),
        "locked_rao": subnet.locked_rao, "pending_rao": subnet.pending_rao,
    }  # fmt: skip


def _epoch(epoch: Epoch) -> dict[str, Any]:
    paid = dict.fromkeys(("owner", "miner", "validator", "delegator"), 0)
    for payout in epoch.payouts:
        paid[payout.role] += payout.amount_rao
    return {
        "netuid": epoch.netuid, "number": epoch.number, "block": epoch.block, "emission_rao": epoch.emission_rao,
        **{f"{role}_rao": amount for role, amount in paid.items()}, "recycled_rao": epoch.recycled_rao,
        "incentive": epoch.incentive.tolist(), "dividends": epoch.dividends.tolist(),
        "consensus": epoch.consensus.tolist(), "validator_trust": epoch.validator_trust.tolist(),
    }  # fmt: skip


def _epoch_line(epoch: dict[str, Any]) -> str:
    from consensus.amounts import tao

    parts = ", ".join(f"{role} {tao(epoch[f'{role}_rao'])}" for role in ("owner", "miner", "validator", "delegator"))
    return f"block {epoch['block']}: epoch {epoch['number']} of subnet {epoch['netuid']} paid {parts}"


def _print_graph(graph: Metagraph) -> None:
    title = f"subnet {graph.netuid} at block {graph.block}"
    if not sys.stdout.isatty():
        typer.echo(f"{title}\n{graph.table()}")
        return
    from rich.console import Console
    from rich.table import Table

    head, *lines = graph.cells()
    table = Table(*head, title=title)
    for line in lines:
        table.add_row(*line)
    Console().print(table)


app = top_level()
mount(app)
