"""`subnetlab status`: look at runs that are under way, here or on a cluster."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.errors import RecordError

if TYPE_CHECKING:
    from rich.console import Console

    from lab.run.status import RunStatus

    Look = Callable[[], Sequence[RunStatus]]

HERE_S, THERE_S, LINES_S = 1.0, 5.0, 10.0
"""Between two looks at a folder, two at a cluster, and two lines where there is no terminal."""
WIDE = 160
"""Columns where there is no terminal, or more for the longest line."""
AT_HELP = (
    "Look at a cluster instead: host:port of its Ray or auto, or http://host:8265 of its dashboard for submitted runs."
)


def mount(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        epilog="Examples:  subnetlab status  |  subnetlab status runs/ocr --once  |   subnetlab status --address auto"
    )(status)


def status(
    folder: Annotated[
        Path, typer.Argument(help="The folder of a run or a study, or one that holds some.", metavar="[OUT]")
    ] = Path("runs"),
    address: Annotated[str | None, typer.Option(help=AT_HELP)] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Look once; print one JSON document.")] = False,
) -> None:
    """Show runs that are under way: how far they are, who is where, what waits, what it uses; until they end."""
    from rich.console import Console

    from lab.run.status_text import headline, picture

    look: Look = (lambda: at_folder(folder)) if address is None else (lambda: at_cluster(address))
    found = look()
    if as_json:
        typer.echo(json.dumps({"runs": [_as_dict(one) for one in found]}, indent=2))
        return
    if not found:
        where, verb = (folder, "run") if address is None else (address, "submit" if "//" in address else "run")
        raise RecordError(f"no run is known at {where}; `subnetlab {verb} CONFIG` starts one")
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(WIDE, *(len(headline(one)) for one in found)))
    if once or all(map(_over, found)):
        console.print(picture(found))
    else:
        _follow(console, look, found, HERE_S if address is None else THERE_S)


def at_folder(folder: Path) -> list[RunStatus]:
    """Look at the runs in a folder and the arms of its studies: those under way, or else the last one that was."""
    from lab.run.status import RunStatus

    places = [folder, *folder.glob("arms/*"), *folder.glob("*"), *folder.glob("*/arms/*")]
    found = [status for place in dict.fromkeys(places) if (status := RunStatus.read(place)) is not None]
    found.sort(key=lambda status: status.written)
    return [status for status in found if not _over(status)] or found[-1:]


def at_cluster(address: str) -> list[RunStatus]:
    """Look at the board of a cluster, or through its dashboard at the runs that were submitted."""
    from lab.run.status import RunStatus

    if "://" not in address:
        from cluster.ray.status_board import notes

        seen = [(RunStatus.parsed(note.snapshot), note.alive) for note in notes(address)]
        return [status.model_copy(update={"lost": not alive}) for status, alive in seen if status is not None]
    from cluster.ray.jobs import Jobs
    from lab.run.job import RUN
    from lab.run.status import FILE, FILE_BYTES

    jobs, found = Jobs(address), []
    for job in jobs.running():
        said = io.BytesIO()
        there = jobs.fetch(job, f"{RUN}/{FILE}", said, FILE_BYTES)
        if there and (status := RunStatus.parsed(said.getvalue())) is not None:
            found.append(status)
    return found


def _over(status: RunStatus) -> bool:
    return status.ended or status.gone


def _as_dict(status: RunStatus) -> dict[str, object]:
    return status.model_dump(mode="json") | {"gone": status.gone, "silent_s": status.silent_s}


def _follow(console: Console, look: Look, found: Sequence[RunStatus], every_s: float) -> None:
    """Show runs until all of them have ended: live on a terminal, else a line now and then."""
    from rich.live import Live

    from lab.run.status_text import headline, picture

    if console.is_terminal:
        with Live(picture(found), console=console, auto_refresh=False) as live:
            while found and not all(map(_over, found)):
                time.sleep(every_s)
                found = look()
                live.update(picture(found), refresh=True)
    else:
        while found and not all(map(_over, found)):
            for status in found:
                typer.echo(headline(status))
            time.sleep(max(every_s, LINES_S))
            found = look()
        for status in found:
            typer.echo(headline(status))
    if not found:  # a cluster's board has only those that are under way
        typer.echo("all have ended")
