"""What the command line prints, and its exit codes."""

from __future__ import annotations

import codecs
import errno
import json
import sys
from io import TextIOWrapper
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


PLAIN = {"─": "-", "–": "-", "—": "-", "…": ".", "×": "x", "±": "~", "·": "-", "’": "'", "τ": "T"}
"""What stands for a character where there is no Unicode; the columns of tables stay aligned."""


def print_whatever_the_encoding() -> None:
    """Let stdout and stderr replace characters that they can't show, as in a Latin-1 locale, instead of failing."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Replace the characters that can't be encoded, one by one."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


def print_json(value: Any, *, escape: bool = False) -> None:
    """Print one JSON document.

    `escape` all but ASCII where texts may come from a stranger and control the terminal; where stdout is not Unicode,
    that is always done, so that nothing is replaced.
    """
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    typer.echo(json.dumps(value, indent=2, ensure_ascii=escape or not unicode))


def show(as_json: bool, value: Any, text: str) -> None:
    """Print one JSON document, or text for people."""
    if as_json:
        print_json(value)
    else:
        echo(text)


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
    print_error((_wrong_value(error) or " ".join(message.removeprefix("Invalid value: ").split())) + hint)
    return error.exit_code


def _wrong_value(error: typer.TyperException) -> str:
    """Say what an argument or option takes, if it was given something else; typer would quote pydantic."""
    from pydantic import Field, ValidationError

    from subnets.option import accepted

    param: Any = getattr(error, "param", None)
    if param is None or not isinstance(error.__cause__, ValidationError):
        return ""
    limits = Field(ge=param.min, le=param.max).metadata
    (fault, *_) = error.__cause__.errors()
    name = param.metavar if param.param_type_name == "argument" else max(param.opts, key=len)
    return f"{name}: give {accepted(param.type_descriptor.annotation, limits).words} (got {str(fault['input'])[:80]!r})"


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
