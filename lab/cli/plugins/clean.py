"""`subnetlab clean`: delete what subnetlab can make again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.output import FAILED

app = commands()


@app.command(short_help="Delete caches: models built here, compiled code.", epilog=examples("clean", "clean --yes"))
def clean(yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False) -> None:
    """Delete caches: models built on this machine, and the compiled consensus.

    They are made again when they are needed. Runs are left alone; see `subnetlab runs delete`.
    """
    sizes = {path: _size(path) for path in _caches() if path.exists()}
    for path, size in sizes.items():
        typer.echo(f"{path}: {size / 1e6:,.1f} MB")
    if not sizes:
        typer.echo("There is nothing to delete.")
        return
    if not yes and not typer.confirm("Delete all of it?"):
        raise typer.Exit(FAILED)
    for path in sizes:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    typer.echo(f"deleted {sum(sizes.values()) / 1e6:,.1f} MB")


def _caches() -> list[Path]:
    """Return the folder of built models, and the files in which numba keeps compiled functions of ours."""
    import consensus
    from inference.weights.cache import cache_folder

    compiled = Path(consensus.__path__[0]).rglob("*.nb[ci]")
    return [cache_folder(), *sorted(compiled)]


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file())
