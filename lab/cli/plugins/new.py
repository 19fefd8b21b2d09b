"""`subnetlab new`: write a plug-in that works as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.options import AsJson, out_option
from lab.cli.console.output import print_json

Name = Annotated[str, typer.Argument(help="Its name: letters, digits, - and _.", metavar="NAME")]
Out = Annotated[Path | None, out_option("Folder to write (default: NAME).")]
Package = Annotated[bool, typer.Option("--package", help="Make it an installable package with an entry point.")]

app = group("Write a plug-in that works, to change into your own.")


@app.command(epilog=examples("new subnet reversal"))
def subnet(name: Name, out: Out = None, package: Package = False, as_json: AsJson = False) -> None:
    """Write a subnet with a scorer and a miner of its own."""
    _write("subnet", name, out, package=package, as_json=as_json)


@app.command(epilog=examples("new miner talker"))
def miner(name: Name, out: Out = None, package: Package = False, as_json: AsJson = False) -> None:
    """Write a miner, and a config in which it competes."""
    _write("miner", name, out, package=package, as_json=as_json)


@app.command(epilog=examples("new scorer places --package"))
def scorer(name: Name, out: Out = None, package: Package = False, as_json: AsJson = False) -> None:
    """Write a scorer, and a config in which it grades."""
    _write("scorer", name, out, package=package, as_json=as_json)


@app.command(epilog=examples("new study self-dealing"))
def study(name: Name, out: Out = None, package: Package = False, as_json: AsJson = False) -> None:
    """Write a study that simulates and publishes a page."""
    _write("study", name, out, package=package, as_json=as_json)


def _write(sort: Any, name: str, out: Path | None, *, package: bool, as_json: bool) -> None:
    from lab.scaffold import Project, write

    project = Project(sort, name, package)
    folder = out or Path(name)
    written = write(project, folder)
    if as_json:
        print_json({"folder": str(folder), "files": [str(path) for path in written], "target": project.target})
        return
    for path in written:
        typer.echo(str(path))
    typer.echo(f"{folder / 'README.md'} says how to run and check it.")
