"""`subnetlab run`: run a subnet and report on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.config_command import overrides
from lab.cli.console.options import (
    Address,
    AsJson,
    Clean,
    ConfigArgument,
    Resume,
    RunCommand,
    Sets,
    Wide,
    out_option,
    run_mode,
)
from lab.cli.console.output import STOPPED

from .report import show_report

if TYPE_CHECKING:
    from lab.config.run_config import RunConfig
    from lab.record.run_folder import RunMode

app = commands()


@app.command(
    cls=RunCommand,
    short_help="Run a subnet, and report its pay and costs.",
    epilog=examples(
        "run configs/ocr.toml", "run configs/ocr.toml --chain.epochs 3 --seed 11", "run configs/ocr.toml --resume"
    ),
)
def run(
    context: typer.Context,
    config: ConfigArgument,
    out: Annotated[Path | None, out_option("Folder of the run (default: the next free runs/NAME).")] = None,
    resume: Resume = False,
    clean: Clean = False,
    address: Address = None,
    sets: Sets = None,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Run a subnet, print its pay and costs, and write its report."""
    from lab.config.run_config import RunConfig
    from lab.record.run_folder import next_folder

    mode = run_mode(resume, clean)
    settings = RunConfig.read(config, overrides(sets or [], context.args, address))
    _run(settings, out or next_folder(config.stem, mode), mode, wide=wide, as_json=as_json)


def _run(settings: RunConfig, folder: Path, mode: RunMode, *, wide: bool, as_json: bool) -> None:
    from lab.cli.console.progress import Bar
    from lab.run.session import run as run_subnet
    from lab.run.status import JOB

    try:
        with Bar(str(folder), quiet=as_json) as bar:
            record = run_subnet(settings, folder, mode=mode, watch=bar.show)
    except KeyboardInterrupt:
        next_step = "the record so far is sent back" if os.environ.get(JOB) else f"continue {folder} with --resume"
        typer.echo(f"Stopped. Nothing was lost; {next_step}.", err=True)
        raise typer.Exit(STOPPED) from None
    with record:
        show_report(record, folder / "report.html", wide=wide, as_json=as_json)
