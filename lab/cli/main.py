"""The command line: `subnetlab`, or `python -m lab` from the checkout.

Exit codes: 0 done, 1 it failed or something is missing, 2 the command or a config is wrong, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from lab.cli import COMMANDS

from .import_path import allow_current_folder, protect
from .output import FAILED, explain_failure, explain_usage

NAME = "subnetlab"
READERS = ("report", "audit", "compare", "status")
"""Commands that read records, which may be somebody else's: they import nothing from the current folder."""


class LazyGroup(TyperGroup):
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


app = typer.Typer(
    name=NAME,
    cls=LazyGroup,
    help="A laboratory for incentive subnets: run them for real, meter everything, and see who earns what and why.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _common(
    context: typer.Context,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log progress to stderr.")] = False,
) -> None:
    level = logging.INFO if verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    if context.invoked_subcommand not in READERS:
        allow_current_folder()


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr."""
    protect()
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
