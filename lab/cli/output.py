"""What the command line prints, and its exit codes."""

from __future__ import annotations

import errno
import json
from typing import Any

import typer

FAILED, USAGE, STOPPED = 1, 2, 130
"""Exit codes: it failed or something is missing; the command or a config is wrong; stopped by Ctrl-C."""


HARMLESS = "\n\t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
"""Unprintable characters that are printed; any other could control the terminal."""


def echo(text: str, *, err: bool = False) -> None:
    """Print text that may quote a stranger's file, chain or record."""
    from subnets.text import printable

    typer.echo(printable(text, None, kept=HARMLESS), err=err)


def print_json(value: Any, *, escape: bool = False) -> None:
    """Print one JSON document; `escape` all but ASCII where texts may come from a stranger and control the terminal."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=escape))


def show(as_json: bool, value: Any, text: str) -> None:
    """Print one JSON document, or text for people."""
    if as_json:
        print_json(value)
    else:
        echo(text)


def print_tables(tables: Any, *, width: int | None = None) -> None:
    """Print rich tables, one below the other."""
    from rich.console import Console

    console = Console(width=width)
    for table in tables:
        console.print(table)


def print_error(message: str) -> None:
    """Print one line on stderr."""
    echo(f"subnetlab: {message}", err=True)


def explain_usage(error: typer.TyperException) -> int:
    """Print what is wrong with the command as typed; return the exit code."""
    message = error.format_message()
    if message.startswith("Usage: "):  # a group without a command shows its help
        typer.echo(message, err=True)
        return USAGE
    context = getattr(error, "ctx", None)
    hint = f" (see {context.command_path} --help)" if context is not None else ""
    print_error(" ".join(message.removeprefix("Invalid value: ").split()) + hint)
    return error.exit_code


def explain_failure(error: Exception) -> int:
    """Print why a command failed and return the exit code; re-raises anything that is not the user's mistake."""
    from consensus.errors import ConsensusError
    from lab.errors import ConfigError
    from subnets import SubnetlabError

    if isinstance(error, SubnetlabError | ConsensusError):
        print_error(str(error))
        return USAGE if isinstance(error, ConfigError) else FAILED
    if isinstance(error, OSError) and error.filename is not None:
        print_error(f"{error.filename}: {error.strerror}")
        return FAILED
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        print_error(f"can't write the output: {error.strerror}")
        return FAILED
    raise error
