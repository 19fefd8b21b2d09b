"""The command line: `subnetlab`, or `python -m lab` from the checkout.

Exit codes: 0 done, 1 it failed or something is missing, 2 the command or a config is wrong, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.main import get_command

from lab.cli import COMMANDS
from lab.cli.console.command import Group, group
from lab.cli.console.output import FAILED, explain_failure, explain_usage, print_whatever_the_encoding

from .import_path import ROOT, allow_current_folder, protect

NAME = "subnetlab"
READERS = ("report", "audit", "export", "compare", "explain", "explore", "receipt", "runs", "status")
"""Commands that read records, which may be somebody else's: they import nothing from the current folder."""


class LazyGroup(Group):
    """The commands of COMMANDS, in that order, each imported when it is needed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # typer suggests one of these names

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command; None if there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = get_command(getattr(import_module(module), attribute))
        return getattr(command, "commands", {}).get(cmd_name, command)


app = group(
    "A laboratory for incentive subnets: run them for real, meter everything, and see who earns what and why.",
    cls=LazyGroup,
    completion=True,
)


def _print_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        try:
            typer.echo(f"{NAME} {version(NAME)}")
        except PackageNotFoundError:
            typer.echo(f"{NAME} of {ROOT}, not installed")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log progress to stderr.")] = False,
) -> None:
    level = logging.INFO if verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    if context.invoked_subcommand not in READERS:
        allow_current_folder()


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr."""
    protect()
    print_whatever_the_encoding()
    try:
        code = app(prog_name=NAME, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        code = 0
        _discard_output()
    except typer.Abort:
        code = FAILED
    except typer.TyperException as error:
        code = explain_usage(error)
    except Exception as error:
        code = explain_failure(error)
        if isinstance(error, OSError):
            _discard_output()
    sys.exit(code)


def _discard_output() -> None:
    """Keep the flush at exit from failing again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
