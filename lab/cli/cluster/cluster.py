"""`subnetlab cluster`: bring a cluster up, show it, end it, or plan for one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.options import RunCommand
from lab.cli.console.output import print_error

from .plan import EPILOG, config_errors, plan, read_spec

if TYPE_CHECKING:
    from cluster.launch import ClusterSpec, Command

File = Annotated[
    Path, typer.Argument(help="A TOML file that describes a cluster; see configs/clusters/.", metavar="FILE")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show files and commands, and run nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]

app = group("Plan for a cluster, bring it up, end it.")
app.command(cls=RunCommand, short_help="Show a run's hosts, what each needs and where it fits.", epilog=EPILOG)(plan)


@app.command(epilog=examples("cluster up configs/clusters/on_premise.toml --dry-run"))
def up(file: File, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Bring a cluster up.

    Its commands and its cost per hour are shown first.
    """
    from cluster.launch import LaunchError, join_help, ready_token, up_commands

    spec = read_spec(file)
    commands = up_commands(spec, _prepare(spec, file, write=not dry_run, show=dry_run))
    if not _is_confirmed(spec, commands, dry_run, yes):
        return
    ready_token(spec)
    started = spec.uses_ray_launcher
    for command in commands:
        try:
            _run(command)
        except LaunchError as error:
            if not started:
                raise
            raise LaunchError(
                f"{error}; some machines may be up; shut them down with: subnetlab cluster down {file}"
            ) from None
        started = started or bool(command.script)
    typer.echo(join_help(spec))


@app.command(epilog=examples("cluster status configs/clusters/on_premise.toml"))
def status(file: File, dry_run: DryRun = False) -> None:
    """Show a cluster's nodes and what is in use."""
    from cluster.launch import status_commands

    spec = read_spec(file)
    for command in status_commands(spec, _prepare(spec, file, write=not dry_run)):
        if dry_run:
            _show(command)
        else:
            _run(command)


@app.command(epilog=examples("cluster down configs/clusters/on_premise.toml"))
def down(file: File, dry_run: DryRun = False, yes: Yes = False) -> None:
    """End a cluster, and nothing else that runs on its machines."""
    from cluster.launch import LaunchError, down_commands

    spec = read_spec(file)
    commands = down_commands(spec, _prepare(spec, file, write=not dry_run))
    if not _is_confirmed(spec, commands, dry_run, yes):
        return
    failed = 0
    for command in commands:  # an unreachable machine must not keep the others up
        try:
            _run(command)
        except LaunchError as error:
            print_error(str(error))
            failed += 1
    if failed:
        raise LaunchError(f"{failed} of {len(commands)} commands failed; run it again when the machines answer")


@app.command(epilog=examples("cluster manifest configs/clusters/kubernetes.toml --out manifests"))
def manifest(
    file: File,
    out: Annotated[Path | None, typer.Option(help="Folder to write them into (default: print them).")] = None,
) -> None:
    """Write the files that build a cluster's image.

    These are its Containerfile and, for Kubernetes, KubeRay's manifests and a NetworkPolicy.
    """
    from cluster.launch import manifests, write_files

    files = manifests(read_spec(file), file.name)
    if out is None:
        typer.echo("\n".join(f"--- # {name}\n{text}" for name, text in files.items()), nl=False)
        return
    with config_errors():
        write_files(files, out)
    typer.echo(f"{', '.join(files)} written to {out}")


def _prepare(spec: ClusterSpec, file: Path, *, write: bool, show: bool = False) -> Path:
    """Write or show the files that the commands name; return their folder."""
    from cluster.launch import require_client, workspace, workspace_files, write_files

    if write:
        require_client(spec)
    folder, files = workspace(spec), workspace_files(spec, file.name)
    if write:
        with config_errors():
            write_files(files, folder)
    if show:
        for name, text in files.items():
            typer.echo(f"# {folder / name}\n{text}")
    return folder


def _is_confirmed(spec: ClusterSpec, commands: Sequence[Command], dry_run: bool, yes: bool) -> bool:
    """Show commands and the cluster's price; ask whether to run them."""
    from cluster.launch import price_lines

    for command in commands:
        _show(command)
    typer.echo("\n".join(price_lines(spec)))
    return not dry_run and (yes or typer.confirm("Run these?", default=False))


def _show(command: Command) -> None:
    typer.echo(f"$ {command.shown}")


def _run(command: Command) -> None:
    typer.echo(f"$ {command.shown.splitlines()[0]}")
    command.run(lambda line: typer.echo(f"  {line}"))
