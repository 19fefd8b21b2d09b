"""`subnetlab subnet`: create subnets and set their rules."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.options import AsJson, ChainPath, Hotkey, NetuidArgument, WalletName, Wallets
from lab.cli.console.output import show
from lab.local_chain.defaults import CHAIN, WALLETS

from .session import chain_session

LOCAL_RULES = {
    "commit_reveal": False,
    "weights_set_rate_limit": 0,
    "max_registrations_per_block": 0,
    "serving_rate_limit": 0,
    "min_difficulty": 10_000,
}
"""What `subnet create` relaxes: a chain that stands still between commands should make nobody wait."""

app = group("Create subnets and set their rules.")


@app.command("create", epilog=examples("subnet create owner", "subnet create owner --set tempo=20"))
def create(
    wallet: WalletName,
    hotkey: Hotkey = "default",
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set a rule.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Keep the real chain's limits and commit-reveal.")] = False,
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Create a subnet and own it.

    Its cost is locked, and the hotkey becomes its uid 0.
    """
    from consensus.chain.calls import CreateSubnet
    from lab.local_chain.parse import values

    with chain_session(chain, wallets, wallet, hotkey) as session:
        rules = ({} if strict else LOCAL_RULES) | dict(values(sets or []))
        receipt = session.confirm(session.keys.coldkey(), CreateSubnet(session.keys.hotkey_address(), rules))
    show(
        as_json,
        {"block": receipt.block, "netuid": receipt.result},
        f"block {receipt.block}: subnet {receipt.result} belongs to {wallet}",
    )


@app.command("list", epilog=examples("subnet list"))
def list_subnets(chain: ChainPath = CHAIN, as_json: AsJson = False) -> None:
    """List the subnets."""
    from consensus.amounts import tao
    from lab.local_chain.summary import subnet_summary

    with chain_session(chain) as session, session.open() as opened:
        subnets = [subnet_summary(opened, netuid) for netuid in opened.netuids]
    lines = [
        f"subnet {row['netuid']}  {row['neurons']} of {row['max_allowed_uids']} uids  tempo {row['tempo']}  "
        f"epochs {row['epochs']}  next at block {row['next_epoch']}  burn {tao(row['burn_rao'])}  owner {row['owner']}"
        for row in subnets
    ]
    show(as_json, subnets, "\n".join(lines) or "no subnet yet: `subnetlab subnet create WALLET`")


@app.command(
    "hyperparameters",
    epilog=examples("subnet hyperparameters 1", "subnet hyperparameters 1 --wallet owner --set tempo=100"),
)
def hyperparameters(
    netuid: NetuidArgument,
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a rule.")] = None,
    wallet: Annotated[str, typer.Option("--wallet", help="The owner's wallet, to change a rule.")] = "owner",
    chain: ChainPath = CHAIN,
    wallets: Wallets = WALLETS,
    as_json: AsJson = False,
) -> None:
    """Show a subnet's rules, or change some of them."""
    from consensus.chain.calls import SetHyperparameters
    from lab.local_chain.parse import values

    with chain_session(chain, wallets, wallet, netuid=netuid) as session:
        if sets:
            changes = values(sets)
            session.confirm(session.keys.coldkey(), SetHyperparameters(netuid, changes))
        with session.open() as opened:
            rules = opened.hyperparameters(netuid).as_dict()
    show(as_json, rules, "\n".join(f"{name:<28} {value}" for name, value in rules.items()))


@app.command("lock-cost", epilog=examples("subnet lock-cost"))
def lock_cost(chain: ChainPath = CHAIN, as_json: AsJson = False) -> None:
    """Show what the next subnet locks.

    The cost doubles with each subnet and falls with time.
    """
    from consensus.amounts import tao

    with chain_session(chain) as session, session.open() as opened:
        cost = opened.lock_cost()
    show(as_json, {"lock_cost_rao": cost}, f"the next subnet locks {tao(cost)}")
