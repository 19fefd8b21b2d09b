"""The studies that are measured on a pool: `subnetlab study overhead CONFIG` and its kin."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.config.flags import Address, config_command, overrides

if TYPE_CHECKING:
    from lab.record.run_folder import RunMode
    from lab.report.section import Publication
    from lab.studies.forecast import Forecast
    from lab.studies.study import StudyConfig

Config = Annotated[Path, typer.Argument(help="A TOML file; every key is also a flag: --seed 3.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the study; by default runs/NAME of the config.")]
Full = Annotated[bool, typer.Option("--full", help="The whole study, not the one for a few minutes.")]
BudgetText = Annotated[str | None, typer.Option("--budget", help="Most that it may take: 10m, 2h or 0.50usd.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the study that was stopped.")]
Clean = Annotated[bool, typer.Option("--clean", help="Start the study in that folder over.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def mount(study: typer.Typer) -> None:
    """Add the measured studies to `subnetlab study`."""
    for name, read in STUDIES.items():
        _add(study, name, read)


def _overhead() -> type[StudyConfig]:
    """What does an answer cost: N miners and V validators over doing it once?"""
    from lab.studies.overhead.config import OverheadConfig

    return OverheadConfig


def _miners() -> type[StudyConfig]:
    """Run a model or pass the request on? Miners side by side: quality, wins, speed, cost, profit, detection."""
    from lab.studies.miners.config import MinersConfig

    return MinersConfig


def _grading() -> type[StudyConfig]:
    """Who grades the graders: which ones rank miners rightly, can be gamed, are biased, and what that does to pay."""
    from lab.studies.grading.config import GradingConfig

    return GradingConfig


STUDIES: dict[str, Callable[[], type[StudyConfig]]] = {"overhead": _overhead, "grading": _grading, "miners": _miners}


def _add(study: typer.Typer, name: str, read: Callable[[], type[StudyConfig]]) -> None:
    @study.command(
        name,
        help=read.__doc__,
        cls=config_command(read),
        epilog=f"Example:  subnetlab study {name} configs/studies/{name}_ocr.toml --budget 10m",
    )
    def command(
        context: typer.Context,
        config: Config,
        out: Out = None,
        full: Full = False,
        budget: BudgetText = None,
        resume: Resume = False,
        clean: Clean = False,
        address: Address = None,
        sets: Sets = None,
        as_json: AsJson = False,
    ) -> None:
        if resume and clean:
            raise typer.BadParameter("--resume and --clean exclude each other")
        mode: RunMode = "resume" if resume else "clean" if clean else "new"
        settings = read().read(config, overrides(sets or [], context.args, address))
        _run(settings, out or Path("runs") / config.stem, full=full, mode=mode, budget=budget, as_json=as_json)


def _run(settings: StudyConfig, folder: Path, *, full: bool, mode: RunMode, budget: str | None, as_json: bool) -> None:
    from lab.run.progress import Bar
    from lab.studies.study import measure
    from lab.studies.study_folder import Budget

    limit = Budget.parse(budget) if budget is not None else None
    try:
        with Bar(settings.study, quiet=as_json) as bar:
            found = measure(
                settings,
                folder,
                full=full,
                mode=mode,
                budget=limit,
                announce=lambda forecast: _announce(forecast, settings.study),
                watch=bar.follow,
            )
    except KeyboardInterrupt:
        typer.echo(f"stopped; nothing is lost: add --resume to go on with {folder}", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo((folder / "result.json").read_text(encoding="utf-8"), nl=False)
    else:
        _print(found, folder)


def _announce(forecast: Forecast, name: str) -> None:
    from lab.duration import duration

    if forecast.by_arm_s:
        typer.echo(
            f"{name}: {len(forecast.by_arm_s)} steps to go, about {duration(forecast.wall_s)}, "
            f"{forecast.cpu_s:,.0f} CPU seconds, ${forecast.usd:.4f}",
            err=True,
        )


def _print(found: Publication, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from lab.duration import duration
    from lab.report.terminal import text_table

    console = Console()
    for section in found.sections:
        if section.rows:
            table = Table(title=section.title, title_justify="left", box=None, header_style="dim")
            for place, column in enumerate(section.columns):
                table.add_column(column.title, justify="right" if place else "left")
            for row in text_table(section.columns, section.rows):
                table.add_row(*row)
            console.print(table)
    for line in found.findings:
        typer.echo(f"- {line}")
    kept = folder / "forecast.json"
    if kept.is_file():
        times = json.loads(kept.read_text(encoding="utf-8"))
        typer.echo(f"foreseen: {duration(times['forecast']['wall_s'])}, took {duration(times['took_s'])}")
    typer.echo(f"page: {folder / 'index.html'}")
