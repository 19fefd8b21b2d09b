"""`subnetlab compare`: two runs or studies, miner by miner."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import AsJson, Trust, Wide, reading
from lab.cli.console.output import print_json

app = commands()


@app.command(short_help="Compare two runs or studies, miner by miner.", epilog=examples("compare runs/ocr runs/ocr-2"))
def compare(
    first: Annotated[Path, typer.Argument(help="The folder of a run or a study.", metavar="A")],
    second: Annotated[Path, typer.Argument(help="The folder to compare it with.", metavar="B")],
    wide: Wide = False,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Compare two runs or studies, miner by miner on the same tasks.

    Shows which differences exceed chance.
    """
    from lab.results.compare import compare as compare_results

    with reading(trust):
        result = compare_results(first, second)
    if as_json:
        print_json(result.as_dict())
        return
    from lab.report.differences import differences
    from lab.report.terminal import show

    sections = [] if result.same else [differences(result)]
    show(sections, [*result.notes, result.sentence], wide=wide)
