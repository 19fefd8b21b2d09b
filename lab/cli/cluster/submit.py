"""`subnetlab submit`: send a run to a cluster as a job, watch it, and fetch its record."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast, get_args

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.config_command import overrides
from lab.cli.console.options import RunCommand, Sets, out_option
from lab.cli.console.output import STOPPED, print_json

if TYPE_CHECKING:
    from cluster.ray.jobs import Jobs
    from lab.run.submission import FetchedRun

DASHBOARD = "http://127.0.0.1:8265"
ADDRESS_HELP = "The cluster's dashboard; a forwarded port is fine."
PYTHON_HELP = "The Python on the head that has this project's dependencies."
EPILOG = examples(
    "submit configs/ocr.toml --chain.epochs 3",
    "submit --attach ocr-3f9a1c02",
    note="Only this project's code and configs, CONFIG, and the Python files of plug-ins are sent. API keys belong in "
    "the environment in which Ray was started on the cluster's machines.",
)
NextStep = Literal["leave", "stop", "watch"]
KEPT = "\n\t"
"""Unprintable characters of a job's log that are kept; any other could control the terminal."""

app = commands()


@app.command(cls=RunCommand, epilog=EPILOG)
def submit(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Argument(help="A TOML file; every key is also a flag.", metavar="CONFIG")
    ] = None,
    address: Annotated[str, typer.Option(help=ADDRESS_HELP)] = DASHBOARD,
    out: Annotated[Path | None, out_option("Folder for the record (default: the next free runs/NAME).")] = None,
    attach: Annotated[str | None, typer.Option(metavar="JOB", help="Return to a run submitted earlier.")] = None,
    python: Annotated[str, typer.Option(help=PYTHON_HELP)] = "python",
    sets: Sets = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document; the run's log goes to stderr.")
    ] = False,
) -> None:
    """Run a subnet as a job on a cluster and fetch its record."""
    from cluster.ray.jobs import LEFT, Jobs
    from lab.record.archive import require_free
    from lab.record.run_folder import next_folder
    from lab.run.submission import entrypoint, fetch, new_job_id, require_sendable, slug, staged

    if (config is None) == (attach is None):
        raise typer.BadParameter("give the config of a run, or --attach with the id of a submitted one")
    keys = overrides(sets or [], context.args)
    if config is None and keys:
        raise typer.BadParameter(f"{min(keys)}: a submitted run already has its config")
    if config is not None:
        require_sendable(config, keys)
    jobs = Jobs(address)
    if config is not None:
        name, job = config.stem, new_job_id(config)
        require_free(out or next_folder(name, "new"))
        with staged(config) as checkout:
            jobs.submit(job, checkout, entrypoint(config, keys, python), {LEFT: config.stem})
    else:
        assert attach is not None
        job = attach
        name = slug((jobs.details(job).metadata or {}).get(LEFT, job))
        require_free(out or next_folder(name, "new"))
    typer.echo(f"job {job} at {jobs.address}", err=as_json)
    watch(jobs, job, quiet=as_json)
    fetched = fetch(jobs, job, out or next_folder(name, "new"))  # another run may have taken the first folder
    _print_end(job, fetched, as_json)
    raise typer.Exit(fetched.exit_code)


def watch(jobs: Jobs, job: str, *, quiet: bool = False) -> None:
    """Show a job's log until it ends; Ctrl-C asks whether to leave, stop or watch it."""
    from subnets.text import printable

    shown = 0

    async def show_log() -> None:
        nonlocal shown
        async for text in jobs.follow(job, shown):
            shown += len(text)
            typer.echo(printable(text, None, kept=KEPT), nl=False, err=quiet)

    while True:
        try:
            return asyncio.run(show_log())
        except KeyboardInterrupt:
            next_step = _ask_next_step(job)
        if next_step == "leave":
            typer.echo(
                f"Job {job} keeps running. Watch it and fetch its record with: "
                f"subnetlab submit --attach {job} --address {jobs.address}",
                err=True,
            )
            raise typer.Exit(STOPPED)
        if next_step == "stop":
            typer.echo("Stopping the job and fetching its record…", err=True)
            jobs.stop(job)


def _ask_next_step(job: str) -> NextStep:
    """Ask what to do with a job; without a terminal it is left running."""
    if not sys.stdin.isatty():
        return "leave"
    question = f"\njob {job} is running on the cluster: leave it running, stop it, or keep watching?"
    try:
        while True:
            reply = typer.prompt(question, default="leave", err=True).strip().lower()
            for step in get_args(NextStep):
                if reply and step.startswith(reply):
                    return cast(NextStep, step)
            question = "leave, stop or watch?"
    except typer.Abort:  # a second Ctrl-C
        return "leave"


def _print_end(job: str, fetched: FetchedRun, as_json: bool) -> None:
    from subnets.text import printable

    folder = fetched.folder
    if as_json:
        record = None if folder is None else str(folder)
        end = {"job": job, "state": fetched.state, "exit_code": fetched.exit_code, "record": record}
        print_json(end, escape=True)
    elif folder is not None:
        typer.echo(f"record: {folder} (exit code {fetched.exit_code}); show it with: subnetlab report {folder}")
    else:
        message = printable(fetched.message, None, kept=KEPT)
        typer.echo(
            f"job {job} has {fetched.state} and left no record (exit code {fetched.exit_code}): {message}", err=True
        )
