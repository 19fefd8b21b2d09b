"""Commands and groups of commands, which all show their help in one form.

app = commands()

@app.command(epilog=examples("report runs/ocr"))
def report(...) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

TYPES: dict[Any, str] = {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "PATH"}
"""Type of an argument or option -> its name in help, as for the keys of a config."""
HELP_OPTIONS = ["-h", "--help"]

F = TypeVar("F", bound=Callable[..., Any])


class Command(TyperCommand):
    """A command."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name in its usage."""
        return _usage(self, ctx)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options."""
        _write_parameters(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        _write_epilog(self, formatter)


class Group(TyperGroup):
    """A group of commands."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the group's name in its usage."""
        return [*_usage(self, ctx), "COMMAND"]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options and the commands."""
        _write_parameters(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what follows the commands."""
        _write_epilog(self, formatter)


class App(typer.Typer):
    """Commands whose help has the common form."""

    def command(self, name: str | None = None, *, cls: Any = None, **settings: Any) -> Callable[[F], F]:
        """Add a command; see `typer.Typer.command`."""
        return super().command(name, cls=cls or Command, **settings)


def commands() -> App:
    """Make an app that holds commands of the top level."""
    return App(rich_markup_mode=None, add_completion=False, context_settings={"help_option_names": HELP_OPTIONS})


def group(text: str, *, cls: type[Group] = Group, short: str | None = None, completion: bool = False) -> App:
    """Make a group of commands.

    Args:
        text: its help.
        cls: its class.
        short: what it does, for a list of commands where its help would be too long.
        completion: whether it offers the shell's completion, as only the root does.
    """
    return App(
        cls=cls,
        help=text,
        short_help=short,
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=completion,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": HELP_OPTIONS},
    )


def examples(*lines: str, note: str = "") -> str:
    """Write an epilog: complete commands, one a line and never wrapped, and a note below them."""
    heading = "Example" if len(lines) == 1 else "Examples"
    shown = "\n".join(f"  subnetlab {line}" for line in lines)
    return f"\b\n{heading}:\n{shown}" + (f"\n\n{note}" if note else "")


def _usage(command: Any, ctx: Any) -> list[str]:
    arguments = [param for param in command.get_params(ctx) if param.param_type_name == "argument"]
    names = (f"{_name(param)}..." if param.nargs != 1 else _name(param) for param in arguments)
    return [
        "[OPTIONS]",
        *(name if param.required else f"[{name}]" for name, param in zip(names, arguments, strict=True)),
    ]


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    params = [param for param in command.get_params(ctx) if not param.hidden]
    for title, sort in (("Arguments", "argument"), ("Options", "option")):
        rows = [(_heading(param), _text(param, ctx)) for param in params if param.param_type_name == sort]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _write_epilog(command: Any, formatter: Any) -> None:
    if command.epilog:
        formatter.write_paragraph()
        formatter.write_text(command.epilog)


def _heading(param: Any) -> str:
    if param.param_type_name == "argument":
        return _name(param)
    names = ", ".join(sorted(param.opts, key=len))
    return names if param.is_flag else f"{names} {_name(param)}"


def _name(param: Any) -> str:
    """Return the placeholder for an argument's or an option's value."""
    if param.metavar:
        return str(param.metavar)
    return param.name.upper() if param.param_type_name == "argument" else TYPES[param.type_descriptor.annotation]


def _text(param: Any, ctx: Any) -> str:
    """Write what a parameter is for, its limits, environment variable and default."""
    default = None if param.param_type_name == "option" and param.is_flag else param.get_default(ctx, call=False)
    notes = [
        _limits(param.min, param.max),
        f"environment: {param.envvar}" if param.envvar else "",
        "required" if param.required else "" if default is None else f"default: {default}",
    ]
    shown = "; ".join(filter(None, notes))
    return f"{param.help} [{shown}]" if shown else str(param.help)


def _limits(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:.12g}..{high:.12g}"
    return f">={low:.12g}" if low is not None else f"<={high:.12g}" if high is not None else ""
