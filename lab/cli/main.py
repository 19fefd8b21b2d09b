"""The command line: `subnetlab`, or `python -m lab` from the checkout.

Exit codes: 0 done, 1 it failed or something is missing, 2 the command or a config is wrong, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.chain import chain as chain_cli
from lab.config.flags import Address, config_command, overrides

from . import (
    cluster as cluster_cli,
)
from . import (
    miners as miner_cli,
)
from . import (
    models as models_cli,
)
from . import (
    status as status_cli,
)
from . import (
    studies as study_cli,
)
from . import (
    submit as submit_cli,
)

if TYPE_CHECKING:
    from lab.config.run_config import RunConfig
    from lab.record.run_folder import RunMode

app = typer.Typer(
    name="subnetlab",
    help="A laboratory for incentive subnets: run them for real, meter everything, read off who earns what and why.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
RunArgument = Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")]


@app.callback()
def _common(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens to stderr.")] = False,
) -> None:
    level = logging.INFO if verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def _config_model() -> type[RunConfig]:
    from lab.config.run_config import RunConfig

    return RunConfig


@app.command(
    cls=config_command(_config_model),
    epilog="Examples:  subnetlab run configs/ocr.toml   |   subnetlab run configs/ocr.toml --chain.epochs 3 --seed 11"
    "   |   subnetlab run configs/ocr.toml --resume",
)
def run(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="A TOML file; every key is also a flag: --chain.epochs 3.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the run; by default the next free runs/NAME.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was stopped.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Start the run in that folder over.")] = False,
    address: Address = None,
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a subnet, print what it paid and what it cost, and write its report."""
    from lab.config.run_config import RunConfig
    from lab.record.run_folder import next_folder

    if resume and clean:
        raise typer.BadParameter("--resume and --clean exclude each other")
    mode: RunMode = "resume" if resume else "clean" if clean else "new"
    settings = RunConfig.read(config, overrides(sets or [], context.args, address))
    folder = out or next_folder(config.stem, mode)
    _run(settings, folder, mode, as_json)


@app.command(epilog="Example:  subnetlab report runs/ocr")
def report(
    folder: RunArgument,
    out: Annotated[Path | None, typer.Option(help="The HTML file; by default report.html in the run's folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a run's tables again and write its HTML report."""
    from lab.record.run_folder import open_run

    with open_run(folder) as record:
        _report(record, out or folder / "report.html", as_json)


@app.command(epilog="Example:  subnetlab audit runs/ocr")
def audit(folder: RunArgument, as_json: AsJson = False) -> None:
    """Recompute a run's tasks, grades, weights and payouts from its record."""
    from dataclasses import asdict

    from lab.record.run_folder import open_run
    from lab.run.audit import audit as audit_record
    from lab.run.progress import Bar

    with open_run(folder) as record, Bar("auditing", quiet=as_json) as bar:
        found = audit_record(record, bar.advance)
    if as_json:
        _print_json(asdict(found))
        return
    state = "a finished run" if found.complete else "a run that has not finished"
    typer.echo(
        f"{folder}: {state}; {found.entries} entries, hashes whole; {found.rounds} tasks made again, "
        f"{found.answers} answers graded again, {found.epochs} epochs paid again: all as recorded.\nhead {found.head}"
    )


@app.command(epilog="Example:  subnetlab compare runs/ocr runs/ocr-2")
def compare(
    first: Annotated[Path, typer.Argument(help="The folder of a run or a study.", metavar="A")],
    second: Annotated[Path, typer.Argument(help="The one that it is compared with.", metavar="B")],
    as_json: AsJson = False,
) -> None:
    """Say which differences between two runs, or two studies, are larger than chance: miner by miner, same tasks."""
    from lab.results.compare import compare as compare_results

    found = compare_results(first, second)
    if as_json:
        _print_json(found.as_dict())
        return
    from rich.console import Console

    from lab.report.terminal import differences

    Console().print(differences(found))
    for line in (*found.notes, found.sentence):
        typer.echo(line)


@app.command(epilog="Example:  subnetlab doctor")
def doctor(as_json: AsJson = False) -> None:
    """Show what is installed, and for each missing thing the command that gets it."""
    from dataclasses import asdict

    from .doctor import examine

    findings = examine()
    if as_json:
        _print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            typer.echo(f"{finding.state:<9} {finding.name:<22} {finding.detail}")
            if finding.fix:
                typer.echo(f"{'':<9} {'':<22} -> {finding.fix}")
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)


@app.command("list", epilog="Example:  subnetlab list")
def list_plugins(as_json: AsJson = False) -> None:
    """List the subnets, miners, engines, validators, scorers and samplers that are known."""
    from .catalogue import catalogue

    found = catalogue()
    if as_json:
        _print_json(found)
        return
    for sort, plugins in found.items():
        typer.echo(f"{sort}:")
        for plugin in plugins:
            typer.echo(f"  {plugin['kind']:<18} {plugin['description']}")


submit_cli.mount(app)
status_cli.mount(app)
study_cli.mount(app)
models_cli.mount(app)
miner_cli.mount(app)
chain_cli.mount(app)
cluster_cli.mount(app)


def _run(settings: RunConfig, folder: Path, mode: RunMode, as_json: bool) -> None:
    from lab.run.progress import Bar
    from lab.run.session import run as play
    from lab.run.status import JOB

    try:
        with Bar(str(folder), quiet=as_json) as bar:
            record = play(settings, folder, mode=mode, watch=lambda event: bar.show(event))
    except KeyboardInterrupt:
        following = "what it has goes back" if os.environ.get(JOB) else f"add --resume to go on with {folder}"
        typer.echo(f"stopped; nothing is lost: {following}", err=True)
        raise typer.Exit(130) from None
    with record:
        _report(record, folder / "report.html", as_json)


def _report(record: Any, path: Path, as_json: bool) -> None:
    from lab.report.run_report import write_report
    from lab.report.terminal import as_json as tables_as_json
    from lab.report.terminal import summary

    written = write_report(record, path)
    if as_json:
        _print_json(tables_as_json(record) | {"report": str(written)})
        return
    from rich.console import Console

    console = Console()
    for table in summary(record):
        console.print(table)
    typer.echo(f"report: {written}")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr."""
    sys.path.append(str(Path.cwd()))  # a config may name plug-ins that lie where it is run
    try:
        app()
    except KeyboardInterrupt:
        print("subnetlab: stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        from consensus.errors import ConsensusError
        from lab.errors import ConfigError
        from subnets import SubnetlabError

        if not isinstance(error, SubnetlabError | ConsensusError):
            raise
        print(f"subnetlab: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
