"""`subnetlab run`: run a subnet and report on it."""

from __future__ import annotations

import os
from dataclasses import asdict
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
from lab.cli.console.output import STOPPED, print_json

from .report import show_report

if TYPE_CHECKING:
    from lab.config.run_config import RunConfig
    from lab.record.record import RunRecord
    from lab.record.run_folder import RunMode

app = commands()


@app.command(
    cls=RunCommand,
    short_help="Run a subnet, and report its pay and costs.",
    epilog=examples(
        "run configs/ocr.toml",
        "run configs/ocr.toml --chain.epochs 3 --seed 11",
        "run configs/ocr.toml --resume",
        "run configs/ocr.toml --seeds 5 --dry-run",
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
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Repeat the run with so many seeds, one after the other.")
    ] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would run, how long and at what cost, and start nothing.")
    ] = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Run a subnet, print its pay and costs, and write its report.

    With --seeds, each run has a folder SEED in the run's folder, and figures have intervals over the runs.
    """
    from lab.config.run_config import RunConfig
    from lab.record.run_folder import next_folder

    mode = run_mode(resume, clean)
    settings = RunConfig.read(config, overrides(sets or [], context.args, address))
    folder = out or next_folder(config.stem, mode)
    if dry_run:
        _show_dry_run(settings, folder, out or next_folder(config.stem, "resume"), as_json=as_json)
    elif seeds > 1:
        _run_over_seeds(settings, folder, mode, seeds, wide=wide, as_json=as_json)
    else:
        with _played(settings, folder, mode, quiet=as_json) as record:
            show_report(record, folder / "report.html", wide=wide, as_json=as_json)


def _show_dry_run(settings: RunConfig, folder: Path, last: Path, *, as_json: bool) -> None:
    from .dry_run import DryRun

    planned = DryRun.of(settings, folder, last)
    if as_json:
        print_json(asdict(planned))
    else:
        typer.echo("\n".join(planned.lines()))


def _run_over_seeds(settings: RunConfig, folder: Path, mode: RunMode, seeds: int, *, wide: bool, as_json: bool) -> None:
    """Play a run with consecutive seeds; a resumed one leaves finished runs as they are."""
    from lab.report.run_report import write_report
    from lab.report.seeds import over_seeds
    from lab.report.terminal import show
    from lab.results.over_seeds import OverSeeds
    from lab.results.run_figures import RunFigures

    numbers, figures = range(settings.seed, settings.seed + seeds), []
    for seed in numbers:
        own = folder / str(seed)
        own_mode: RunMode = "new" if mode == "resume" and not (own / "config.json").is_file() else mode
        with _played(settings.model_copy(update={"seed": seed}), own, own_mode, quiet=as_json) as record:
            figures.append(RunFigures.of(record))
            write_report(figures[-1], own / "report.html")
    joined = OverSeeds.of(numbers, figures)
    if as_json:
        print_json(joined.as_dict())
    else:
        show([over_seeds(joined)], wide=wide)
        typer.echo(f"reports: {folder}/SEED/report.html")


def _played(settings: RunConfig, folder: Path, mode: RunMode, *, quiet: bool) -> RunRecord:
    from lab.cli.console.progress import Bar
    from lab.run.session import run as run_subnet
    from lab.run.status import JOB

    try:
        with Bar(str(folder), quiet=quiet) as bar:
            return run_subnet(settings, folder, mode=mode, watch=bar.show)
    except KeyboardInterrupt:
        next_step = "the record so far is sent back" if os.environ.get(JOB) else f"continue {folder} with --resume"
        typer.echo(f"Stopped. Nothing was lost; {next_step}.", err=True)
        raise typer.Exit(STOPPED) from None
