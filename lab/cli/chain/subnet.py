"""`subnetlab subnet`: create subnets and set their rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.options import AsJson, ChainPath, Hotkey, NetuidArgument, WalletName, Wallets, Wide
from lab.cli.console.output import echo, print_json, show
from lab.local_chain.defaults import CHAIN, WALLETS

from .session import chain_session

if TYPE_CHECKING:
    from lab.local_chain.summary import Summary
    from lab.report.section import Section

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
def list_subnets(chain: ChainPath = CHAIN, wide: Wide = False, as_json: AsJson = False) -> None:
    """List the subnets."""
    from lab.local_chain.summary import subnet_summary
    from lab.report.terminal import show as show_sections

    with chain_session(chain) as session, session.open() as opened:
        subnets = [subnet_summary(opened, netuid) for netuid in opened.netuids]
    if as_json:
        print_json(subnets, escape=True)
    elif subnets:
        show_sections([_table(subnets)], wide=wide)
    else:
        echo("no subnet yet: `subnetlab subnet create WALLET`")


def _table(subnets: Sequence[Summary]) -> Section:
    """Return a row for each subnet."""
    from consensus.amounts import tao
    from lab.report.section import NO_CAPTION, Column, Section

    titles = ("subnet", "uids", "of", "tempo", "epochs", "next at block", "burn", "owner")
    rows = tuple(
        (
            row["netuid"],
            row["neurons"],
            row["max_allowed_uids"],
            row["tempo"],
            row["epochs"],
            row["next_epoch"],
            tao(row["burn_rao"]),
            row["owner"],
        )
        for row in subnets
    )
    return Section("subnets", "Subnets", NO_CAPTION, tuple(Column(title, title) for title in titles), rows)


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
