"""`subnetlab status`: show runs that are under way, here or on a cluster."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.output import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from lab.run.status import RunStatus

    Look = Callable[[], Sequence[RunStatus]]

FOLDER_S, CLUSTER_S, LINES_S = 1.0, 5.0, 10.0
"""Seconds between two looks at a folder, two looks at a cluster, and two lines without a terminal."""
WIDTH = 160
"""Columns without a terminal; a longer headline widens it."""
ADDRESS_HELP = (
    "Look at a cluster instead: host:port of its Ray or auto, or http://host:8265 of its dashboard for submitted runs."
)

app = commands()


@app.command(epilog=examples("status", "status runs/ocr --once", "status --address auto"))
def status(
    folder: Annotated[
        Path, typer.Argument(help="The folder of a run or a study, or one that holds several.", metavar="FOLDER")
    ] = Path("runs"),
    address: Annotated[str | None, typer.Option(help=ADDRESS_HELP)] = None,
    once: Annotated[bool, typer.Option("--once", help="Show the state once instead of following it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the state once, as one JSON document.")] = False,
) -> None:
    """Follow runs under way: progress, hosts, queues, resources."""
    from rich.console import Console

    from lab.errors import RecordError
    from lab.run.status_text import headline

    from .status_table import draw

    look: Look = (lambda: at_folder(folder)) if address is None else (lambda: at_cluster(address))
    runs = look()
    if as_json:
        print_json({"runs": [_as_dict(run) for run in runs]}, escape=True)
        return
    if not runs:
        place, verb = (folder, "run") if address is None else (address, "submit" if "//" in address else "run")
        raise RecordError(f"no run is known at {place}; `subnetlab {verb} CONFIG` starts one")
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(WIDTH, *(len(headline(run)) for run in runs)))
    if once or all(map(_is_over, runs)):
        console.print(draw(runs))
    else:
        _follow(console, look, runs, FOLDER_S if address is None else CLUSTER_S)


def at_folder(folder: Path) -> list[RunStatus]:
    """Read the runs in a folder and the arms of its studies: those under way, or else the latest one."""
    from lab.run.status import RunStatus

    folders = [folder, *folder.glob("arms/*"), *folder.glob("*"), *folder.glob("*/arms/*")]
    runs = [run for path in dict.fromkeys(folders) if (run := RunStatus.read(path)) is not None]
    runs.sort(key=lambda run: run.written)
    return [run for run in runs if not _is_over(run)] or runs[-1:]


def at_cluster(address: str) -> list[RunStatus]:
    """Read the status board of a cluster, or the submitted runs through its dashboard."""
    from lab.run.status import RunStatus

    if "://" not in address:
        from cluster.ray.status_board import notes

        snapshots = [(RunStatus.parse(note.snapshot), note.alive) for note in notes(address)]
        return [run.model_copy(update={"lost": not alive}) for run, alive in snapshots if run is not None]
    from cluster.ray.jobs import Jobs
    from lab.run.job import RUN
    from lab.run.status import FILE, FILE_BYTES

    jobs, runs = Jobs(address), []
    for job in jobs.running():
        file = io.BytesIO()
        exists = jobs.fetch(job, f"{RUN}/{FILE}", file, FILE_BYTES)
        if exists and (run := RunStatus.parse(file.getvalue())) is not None:
            runs.append(run)
    return runs


def _is_over(run: RunStatus) -> bool:
    return run.ended or run.gone


def _as_dict(run: RunStatus) -> dict[str, object]:
    return run.model_dump(mode="json", by_alias=True) | {"gone": run.gone, "silent_s": run.silent_s}


def _follow(console: Console, look: Look, runs: Sequence[RunStatus], every_s: float) -> None:
    """Show runs until all of them have ended: live on a terminal, otherwise one line each every few seconds."""
    from rich.live import Live

    from lab.run.status_text import headline

    from .status_table import draw

    if console.is_terminal:
        with Live(draw(runs), console=console, auto_refresh=False) as live:
            while runs and not all(map(_is_over, runs)):
                time.sleep(every_s)
                runs = look()
                live.update(draw(runs), refresh=True)
    else:
        while runs and not all(map(_is_over, runs)):
            for run in runs:
                typer.echo(headline(run))
            time.sleep(max(every_s, LINES_S))
            runs = look()
        for run in runs:
            typer.echo(headline(run))
    if not runs:  # a cluster's board lists only the runs under way
        typer.echo("All runs have ended.")
