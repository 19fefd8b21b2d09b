"""`subnetlab runs`: list runs and studies with their size, and delete some."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.options import AsJson, Trust
from lab.cli.console.output import FAILED, echo, print_json

Yes = Annotated[bool, typer.Option("--yes", help="Delete without asking.")]

app = group("List runs and studies with their size, or delete some.")


@app.command("list", epilog=examples("runs list", "runs list /data/runs --json"))
def list_all(
    folder: Annotated[Path, typer.Argument(help="The folder that holds them.", metavar="FOLDER")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List the runs and studies in a folder, with their size."""
    from lab.record.run_list import list_runs
    from lab.results.words import counted

    listed = list_runs(folder)
    if as_json:
        print_json([asdict(each) | {"path": str(each.path)} for each in listed], escape=True)
        return
    width = max((len(str(each.path)) for each in listed), default=0)
    for each in listed:
        size = f"{each.size_bytes / 1e6:,.1f} MB"
        epochs = counted(each.epochs, "epoch")
        row = f"{each.path!s:<{width}}  {each.sort:<5}  {each.state:<10}  {epochs:>12}  {size:>12}  {each.started[:16]}"
        echo(row.rstrip() + (f"\n  {each.note}" if each.note else ""))
    total = sum(each.size_bytes for each in listed)
    echo(f"{len(listed)} in {folder}, {total / 1e6:,.1f} MB; `subnetlab compare A B` compares two")


@app.command(
    short_help="Delete runs and studies.",
    epilog=examples("runs delete runs/ocr runs/ocr-2", "runs delete runs/ocr --yes"),
)
def delete(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs or studies.", metavar="RUN")],
    yes: Yes = False,
    trust: Trust = False,
) -> None:
    """Delete runs and studies, and leave all files that no run made."""
    from lab.errors import RecordError
    from lab.record.run_list import remove

    if not yes and not typer.confirm(f"Delete {', '.join(map(str, folders))}?"):
        raise typer.Exit(FAILED)
    refused = 0
    for folder in folders:
        try:
            left = remove(folder, trust=trust)
        except RecordError as error:
            refused += 1
            echo(f"subnetlab: {error}", err=True)
            continue
        kept = f"; it still holds {', '.join(path.name for path in left)}" if left else ""
        echo(f"{folder}: deleted{kept}")
    if refused:
        raise typer.Exit(FAILED)
