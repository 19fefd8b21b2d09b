"""`subnetlab metagraph`: a subnet's neurons, or how concentrated it is."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import AsJson, ChainPath, Wide
from lab.cli.console.output import echo, show
from lab.local_chain.defaults import CHAIN

from .session import chain_session

if TYPE_CHECKING:
    from consensus.chain.concentration import Concentration
    from consensus.chain.metagraph import Metagraph
    from lab.report.section import Section

app = commands()


@app.command(
    "metagraph",
    short_help="Show a subnet's neurons, or how concentrated it is.",
    epilog=examples("metagraph 1", "metagraph 1 --save sn1.csv", "metagraph --load sn1.csv --concentration"),
)
def metagraph(
    netuid: Annotated[int | None, typer.Argument(help="Number of the subnet.", metavar="NETUID")] = None,
    load: Annotated[Path | None, typer.Option(help="Read a snapshot (.csv, .json) instead of a chain.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write a snapshot (.csv, .json).")] = None,
    concentrated: Annotated[
        bool,
        typer.Option("--concentration", help="Show who holds the stake and who earns: Gini, top shares, Nakamoto."),
    ] = False,
    chain: ChainPath = CHAIN,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Show a subnet's neurons, or how concentrated it is, from the chain or a snapshot."""
    from consensus.chain.concentration import concentration

    if (netuid is None) == (load is None):
        raise typer.BadParameter("give NETUID, or --load FILE")
    graph = _read(netuid, load, chain)
    if save is not None:
        graph.save(save)
    if concentrated:
        summary = concentration(graph)
        show(as_json, asdict(summary), _concentration_text(graph, summary))
    elif as_json:
        show(True, {"netuid": graph.netuid, "block": graph.block, "neurons": graph.rows()}, "")
    else:
        _print(graph, wide=wide)


def _read(netuid: int | None, load: Path | None, chain: str) -> Metagraph:
    from consensus.chain.metagraph import Metagraph

    if load is not None:
        return Metagraph.load(load)
    assert netuid is not None
    with chain_session(chain, netuid=netuid) as session, session.open() as opened:
        return opened.metagraph(netuid)


def _concentration_text(graph: Metagraph, summary: Concentration) -> str:
    from lab.results.words import counted

    size = f"{counted(graph.n, 'neuron')}, {counted(summary.coldkeys, 'coldkey')}"
    lines = [f"subnet {graph.netuid} at block {graph.block}: {size}"]
    for name, holding in (("stake", summary.stake), ("incentive", summary.incentive)):
        top = ", ".join(f"top {k} {share:.1%}" for k, share in holding.top_share.items())
        lines.append(
            f"{name:<10} {counted(holding.holders, 'coldkey')}, Gini {holding.gini:.3f}, {top}, "
            f"Nakamoto {holding.nakamoto}, as {holding.effective:.1f} equal ones"
        )
    spread = ", ".join(f"{name} {value:.4g}" for name, value in summary.miner_incentive.items())
    return "\n".join([*lines, f"incentive by uid: {spread or 'none'}"])


def _print(graph: Metagraph, *, wide: bool) -> None:
    """Print the neurons: in a terminal as a table that fits, elsewhere as plain lines."""
    title = f"subnet {graph.netuid} at block {graph.block}"
    if not sys.stdout.isatty():
        echo(f"{title}\n{graph.table()}")
        return
    from lab.report.terminal import MOST_ROWS
    from lab.report.terminal import show as show_sections

    show_sections([_section(graph, title)], wide=wide or graph.n > MOST_ROWS)


def _section(graph: Metagraph, title: str) -> Section:
    """Return the neurons as a table of names and numbers."""
    from consensus.amounts import TAO
    from lab.report.section import NO_CAPTION, Column, Section

    columns = (
        Column("uid", "uid"),
        Column("stake", "stake τ", digits=4),
        Column("incentive", "incentive", digits=5),
        Column("dividends", "dividends", digits=5),
        Column("emission", "emission τ", digits=5),
        Column("permit", "permit"),
        Column("vtrust", "vtrust", digits=5),
        Column("updated", "updated"),
        Column("hotkey", "hotkey"),
    )
    rows = tuple(
        (
            row["uid"],
            row["stake_rao"] / TAO,
            row["incentive"],
            row["dividends"],
            row["emission_rao"] / TAO,
            row["validator_permit"],
            row["validator_trust"],
            graph.block - row["last_update"],
            row["hotkey"],
        )
        for row in graph.rows()
    )
    return Section("neurons", title, NO_CAPTION, columns, rows)
