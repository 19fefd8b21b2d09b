"""`subnetlab study`: one command a study; each writes its tables and pictures into a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import measured as measured_cli

if TYPE_CHECKING:
    from lab.studies.retention.config import RetentionData
    from lab.studies.weight_copying.config import CopyingData

app = study = typer.Typer(no_args_is_help=True, help="Settle a question with figures.", rich_markup_mode=None)
measured_cli.mount(study)

Out = Annotated[Path | None, typer.Option(help="Folder for tables and pictures; by default runs/study-NAME.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


@study.command(epilog="Example:  subnetlab study retention")
def retention(out: Out = None, as_json: AsJson = False) -> None:
    """How much must an honest majority's miners earn its weight, so that a cabal does not grow?"""
    from lab.run.progress import Bar
    from lab.studies.retention.config import run

    folder = out or Path("runs/study-retention")
    with Bar("retention", quiet=as_json) as bar:
        data = run(folder, progress=bar.advance)
    lines = _retention_lines(data)
    if as_json:
        found = {"epochs": data.epochs, "grid_s": data.grid_s, "total_s": data.total_s, "lines": lines}
        typer.echo(json.dumps(found, indent=2))
        return
    typer.echo("Honest utility needed to hold the honest stake, at the cabal's best answer:")
    for line in lines:
        same = (
            ""
            if line["published"] is None
            else f"  published {line['published']:.3f}, its draw {line['same_draw']:.3f}"
        )
        needed = "never enough" if line["needed"] is None else f"{line['needed']:.3f}"
        typer.echo(f"  {line['setting']:<44} {needed:>12}{same}")
    typer.echo(
        f"{data.epochs:,} epochs in {data.total_s:.1f} s, the published grid in {data.grid_s:.1f} s of it.\n"
        f"written to {folder}"
    )


def _retention_lines(data: RetentionData) -> list[dict[str, str | float | None]]:
    """Take the worst point of every line: the utility that suffices whatever the cabal does."""
    found: list[dict[str, str | float | None]] = []
    for line in data.lines:
        needed = [figure.value for figure in line.needed]
        known = [value for value in needed if value is not None]
        found.append(
            {
                "setting": line.setting.name,
                "needed": max(known) if len(known) == len(needed) else None,
                "published": None if line.published is None else max(line.published),
                "same_draw": None if line.published is None else float(line.draws[:, 0].max()),
            }
        )
    return found


@study.command("weight-copying", epilog="Example:  subnetlab study weight-copying")
def weight_copying(out: Out = None, as_json: AsJson = False) -> None:
    """What does a validator earn that copies the last consensus it can see, beside one that works?"""
    from lab.run.progress import Bar
    from lab.studies.weight_copying.config import run

    folder = out or Path("runs/study-weight-copying")
    with Bar("weight copying", quiet=as_json) as bar:
        data = run(folder, progress=bar.advance)
    if as_json:
        rows = [
            {
                "variant": row.variant,
                "churn": row.churn,
                "concealment_epochs": row.concealment,
                "gain": row.gain.value,
                "low": row.gain.low,
                "high": row.gain.high,
                "n": row.gain.n,
            }
            for row in data.rows
        ]
        typer.echo(json.dumps({"epochs": data.epochs, "rows": rows}, indent=2))
        return
    _print_copying(data)
    typer.echo(f"{data.epochs:,} epochs; written to {folder}")


def _print_copying(data: CopyingData) -> None:
    hidden = data.config.concealments
    typer.echo("A copier's dividends per stake over an honest validator's, by the epochs that weights stay hidden")
    typer.echo("(above 1 copying pays more than working); the widest 95 % interval of each row in brackets:")
    for churn in data.config.churns:
        typer.echo(f"\nchurn {churn:g}{'':<34}" + "".join(f"{epochs:>8}" for epochs in hidden))
        for variant in data.config.variants:
            cells = [row.gain for row in data.rows if (row.variant, row.churn) == (variant.name, churn)]
            widths = [gain.high - gain.low for gain in cells if gain.low is not None and gain.high is not None]
            interval = f"  (+-{max(widths) / 2:.3f}, n={cells[0].n})" if widths else ""
            typer.echo(f"  {variant.name:<40}" + "".join(f"{gain.value:>8.3f}" for gain in cells) + interval)
