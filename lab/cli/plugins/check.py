"""`subnetlab check`: the contract test of a plug-in or a study."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.config_command import overrides
from lab.cli.console.options import AsJson, Sets
from lab.cli.console.output import FAILED, echo, print_json

app = commands()


@app.command(
    short_help="Run the contract test of a plug-in.",
    epilog=examples(
        "check reversal:Reversal", "check talker:Talker --subnet reversal:Reversal", "check copycat --set victim=echo"
    ),
)
def check(
    target: Annotated[str, typer.Argument(help="A plug-in or study: module:Class, or a known name.", metavar="TARGET")],
    subnet: Annotated[
        str, typer.Option("--subnet", help="Subnet whose tasks a miner answers or a scorer grades.", metavar="KIND")
    ] = "text_prompting",
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Run the contract test of a plug-in, and name what is wrong, a line each.

    Exit code 1 if anything is.
    """
    from lab.config.run_config import override
    from lab.contract import check as contract
    from lab.results.words import counted

    options: dict[str, Any] = {}
    for key, value in overrides(sets or [], []).items():
        override(options, key, value)
    lines = contract(target, options, subnet=subnet)
    if as_json:
        print_json({"target": target, "violations": lines}, escape=True)
    else:
        for line in lines:
            echo(f"{target}: {line}")
        echo(f"{target}: {counted(len(lines), 'problem')}" if lines else f"{target}: nothing wrong")
    if lines:
        raise typer.Exit(FAILED)
