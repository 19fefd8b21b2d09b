"""`subnetlab explain`: why a miner's pay is what it is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.listing import wrapped
from lab.cli.console.options import AsJson, RunArgument, Trust, reading
from lab.cli.console.output import echo, print_json

if TYPE_CHECKING:
    from lab.explorer.pay.trail import PayTrail

app = commands()


@app.command(epilog=examples("explain runs/ocr copycat", "explain runs/ocr copycat --epoch 1 --json"))
def explain(
    folder: RunArgument,
    miner: Annotated[str, typer.Argument(help="Name or uid of the miner.", metavar="MINER")],
    epoch: Annotated[int | None, typer.Option(help="Explain this epoch alone (default: all of them).", min=1)] = None,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Explain a miner's pay, from raw scores to dollars.

    The record is replayed, and the steps add up to the payout to the rao.
    """
    from lab.explorer.pay.trail import PayTrails
    from lab.record.run_folder import open_run

    with reading(trust), open_run(folder) as record:
        trail = PayTrails.of(record).of_miner(miner, None if epoch is None else epoch - 1)
    if as_json:
        print_json(asdict(trail) | {"epochs": [number + 1 for number in trail.epochs]}, escape=True)
    else:
        _show(trail)


def _show(trail: PayTrail) -> None:
    from lab.explorer.pay.waterfall import headline, steps
    from lab.report.terminal import show

    show([steps(trail)], [headline(trail)])
    for step in trail.steps:
        echo(wrapped(f"- {step.title}: {step.reason}", indent="  "))
