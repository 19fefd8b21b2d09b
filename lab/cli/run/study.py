"""`subnetlab study`: one command for each study in `STUDIES`, loaded when it is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command

from lab.cli.console.command import Group, commands, examples, group
from lab.cli.console.config_command import config_command, overrides
from lab.cli.console.options import Address, AsJson, Clean, ConfigArgument, Resume, Sets, Wide, out_option, run_mode
from lab.cli.console.output import STOPPED, print_json
from lab.studies import STUDIES

from .scenarios import add_scenarios

if TYPE_CHECKING:
    from lab.report.section import Publication
    from lab.studies.forecast import Forecast
    from lab.studies.study import MeasuredStudy, SimulatedStudy

Out = Annotated[Path | None, out_option("Folder of the study (default: runs/NAME of the config).")]
SimulationOut = Annotated[Path | None, out_option("Folder for tables and pictures (default: runs/study-NAME).")]
Full = Annotated[bool, typer.Option("--full", help="Run the long form of the study.")]
BudgetText = Annotated[
    str | None, typer.Option("--budget", help="Limit on its time or cost: 10m, 2h or 0.50usd.", metavar="LIMIT")
]


class StudyGroup(Group):
    """The commands of STUDIES, in that order, then those of installed packages; listing them imports none."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(STUDIES)  # type: ignore[assignment]  # typer suggests one of these names

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load a study and make its command; None if there is none of this name."""
        from lab.studies.register import known_studies, load_study
        from lab.studies.study import MeasuredStudy

        if cmd_name not in known_studies() and ":" not in cmd_name:
            return None
        loaded, command = load_study(cmd_name), commands()
        if cmd_name == "scenarios":
            add_scenarios(command, loaded)  # type: ignore[arg-type]
        elif isinstance(loaded, MeasuredStudy):
            _add_measured(command, cmd_name, loaded)
        else:
            _add_simulated(command, cmd_name, loaded)
        return get_command(command)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List each study with its question."""
        from lab.studies.register import known_studies, question_of

        with formatter.section("Commands"):
            formatter.write_dl([(name, question_of(name)) for name in known_studies()])


app = group("Run a study and publish its results.", cls=StudyGroup)


@app.callback()
def _studies() -> None:
    pass


def _add_measured(app: typer.Typer, name: str, study: MeasuredStudy[Any, Any]) -> None:
    from lab.studies.register import question_of

    @app.command(
        name,
        help=question_of(name),
        cls=config_command(lambda: study.config),
        epilog=examples(f"study {name} configs/studies/{name}_ocr.toml --budget 10m"),
    )
    def command(
        context: typer.Context,
        config: ConfigArgument,
        out: Out = None,
        full: Full = False,
        budget: BudgetText = None,
        resume: Resume = False,
        clean: Clean = False,
        address: Address = None,
        sets: Sets = None,
        wide: Wide = False,
        as_json: AsJson = False,
    ) -> None:
        from lab.cli.console.progress import Bar
        from lab.errors import ConfigError
        from lab.studies.budget import Budget
        from lab.studies.study import measure

        mode, folder = run_mode(resume, clean), out or Path("runs") / config.stem
        limit = Budget.parse(budget) if budget is not None else None
        try:
            settings = study.config.read(config, overrides(sets or [], context.args, address))
        except ConfigError as error:
            hint = f"; see configs/studies/{name}_ocr.toml" if str(error).endswith("missing; add it") else ""
            raise ConfigError(f"{error}{hint}") from None
        if limit is not None and not as_json:
            typer.echo(f"{name}: a short probe comes first; it shows whether {limit} is enough", err=True)
        try:
            with Bar(name, quiet=as_json) as bar:
                publication = measure(
                    study,
                    settings,
                    folder,
                    full=full,
                    mode=mode,
                    budget=limit,
                    announce=lambda forecast: _announce(forecast, name),
                    watch=bar.follow,
                )
        except KeyboardInterrupt:
            typer.echo(f"Stopped. Nothing was lost; continue {folder} with --resume.", err=True)
            raise typer.Exit(STOPPED) from None
        if as_json:
            typer.echo((folder / "result.json").read_text(encoding="utf-8"), nl=False)
        else:
            _print(publication, folder, wide=wide)


def _add_simulated(app: typer.Typer, name: str, study: SimulatedStudy[Any, Any]) -> None:
    from lab.studies.register import question_of

    @app.command(name, help=question_of(name), epilog=examples(f"study {name}"))
    def command(out: SimulationOut = None, wide: Wide = False, as_json: AsJson = False) -> None:
        from lab.cli.console.progress import Bar
        from lab.studies.study import simulate

        folder = out or Path(f"runs/study-{study.name}")
        with Bar(name, quiet=as_json) as bar:
            data = simulate(study, folder, progress=bar.advance)
        if as_json:
            print_json(study.summary(data) | json.loads((folder / "result.json").read_text(encoding="utf-8")))
        else:
            _print(study.page(data), folder, wide=wide)


def _announce(forecast: Forecast, name: str) -> None:
    from lab.duration import duration
    from lab.results.words import counted

    if forecast.by_arm_s:
        typer.echo(
            f"{name}: {counted(len(forecast.by_arm_s), 'step')} to go, about {duration(forecast.wall_s)}, "
            f"{forecast.cpu_s:,.0f} CPU seconds, ${forecast.usd:.4f}",
            err=True,
        )


def _print(publication: Publication, folder: Path, *, wide: bool) -> None:
    from lab.duration import duration
    from lab.files import read_json
    from lab.report.terminal import show

    show(publication.sections, publication.findings, wide=wide)
    forecast_path = folder / "forecast.json"
    if forecast_path.is_file():
        times = read_json(forecast_path)
        typer.echo(f"estimated: {duration(times['forecast']['wall_s'])}, took {duration(times['took_s'])}")
    typer.echo(f"page: {folder / 'index.html'}")
