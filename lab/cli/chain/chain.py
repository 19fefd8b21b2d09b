"""`subnetlab chain`: the state of the chain, and its blocks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.options import AsJson, ChainPath
from lab.cli.console.output import show
from lab.local_chain.defaults import CHAIN

from .emission import emission, takeover
from .session import chain_session

if TYPE_CHECKING:
    from consensus.chain.emission import Epoch
    from lab.local_chain.session import ChainSession

app = group(
    "Show the chain's state, let its blocks pass, and work out what the public chain pays.",
    short="Show the chain, step it, or work out the public one.",
)
app.command(
    "emission",
    short_help="Show what a block of the public chain pays.",
    epilog=examples("chain emission block.json --tao-usd 300"),
)(emission)
app.command(
    "takeover",
    short_help="Show what a share of a subnet's stake costs.",
    epilog=examples("chain takeover --alpha 2e6 --tao 4e4 --staked 1e6 --share 0.51"),
)(takeover)


@app.command("status", epilog=examples("chain status"))
def status(chain: ChainPath = CHAIN, as_json: AsJson = False) -> None:
    """Show the open block, where the money is, and the subnets."""
    from consensus.amounts import tao
    from lab.local_chain.summary import chain_summary
    from lab.results.words import counted

    with chain_session(chain) as session, session.open() as opened:
        summary = chain_summary(opened, chain)
    kind = "development chain" if summary["development"] else "chain"
    lines = [
        f"{kind} {summary['name']} in {chain}, block {summary['block']}, {counted(len(summary['subnets']), 'subnet')}"
    ]
    lines += [f"{part:<10} {tao(amount)}" for part, amount in summary["supply_rao"].items()]
    show(as_json, summary, "\n".join(lines))


@app.command("step", epilog=examples("chain step 100"))
def step(
    blocks: Annotated[int, typer.Argument(help="Number of blocks.", min=1, metavar="BLOCKS")] = 1,
    chain: ChainPath = CHAIN,
    as_json: AsJson = False,
) -> None:
    """Let blocks pass."""
    from lab.local_chain.summary import epoch_summary

    with chain_session(chain) as session, session.open(create=True) as opened:
        epochs = [epoch_summary(epoch) for epoch in opened.step(blocks)]
        block = opened.block
    show(as_json, {"block": block, "epochs": epochs}, "\n".join([*map(_epoch_line, epochs), f"block {block}"]))


@app.command("run", epilog=examples("chain run --epochs 3", "chain run --block-time 1"))
def run(
    epochs: Annotated[int | None, typer.Option(min=1, help="Stop after this many epochs of the subnet.")] = None,
    netuid: Annotated[
        int | None, typer.Option("--netuid", help="Subnet whose epochs count (default: the first).")
    ] = None,
    block_time: Annotated[
        float | None, typer.Option(min=0.01, help="Seconds between blocks; other commands may run in between.")
    ] = None,
    chain: ChainPath = CHAIN,
    as_json: AsJson = False,
) -> None:
    """Run the chain for some epochs, or live until Ctrl-C.

    With --block-time, block by block as time passes; without it, at once.
    """
    from lab.local_chain.summary import epoch_summary

    if epochs is None and block_time is None:
        raise typer.BadParameter("give --epochs N, --block-time SECONDS, or both")
    summaries: list[dict[str, Any]] = []
    with chain_session(chain, netuid=netuid) as session:
        while epochs is None or len(summaries) < epochs:
            new = _epochs(session, epochs) if block_time is None else _next_block(session)
            for epoch in new:
                summaries.append(epoch_summary(epoch))
                if not as_json:
                    typer.echo(_epoch_line(summaries[-1]))
            if block_time is not None:
                time.sleep(block_time)
    if as_json:
        show(True, {"epochs": summaries}, "")


def _epochs(session: ChainSession, count: int | None) -> list[Epoch]:
    """Run to the end of so many epochs, at once."""
    from consensus.errors import CallRefused

    with session.open() as opened:
        netuid = session.netuid or next(iter(opened.netuids), None)
        if netuid is None:
            raise CallRefused("subnet", "there is no subnet, so there are no epochs")
        return [opened.step_to_epoch(netuid) for _ in range(count or 1)]


def _next_block(session: ChainSession) -> list[Epoch]:
    """Let one block pass; returns the subnet's epochs in it. Nothing happens while another command holds the chain."""
    from consensus.errors import StoreInUse

    try:
        with session.open(create=True) as opened:
            if session.netuid is not None:
                opened.subnet(session.netuid)  # refused if it doesn't exist: its epochs would never come
            netuid = session.netuid or next(iter(opened.netuids), None)
            return [epoch for epoch in opened.step() if epoch.netuid == netuid]
    except StoreInUse:
        return []


def _epoch_line(epoch: dict[str, Any]) -> str:
    from consensus.amounts import tao

    parts = ", ".join(f"{role} {tao(epoch[f'{role}_rao'])}" for role in ("owner", "miner", "validator", "delegator"))
    return f"block {epoch['block']}: epoch {epoch['number']} of subnet {epoch['netuid']} paid {parts}"
