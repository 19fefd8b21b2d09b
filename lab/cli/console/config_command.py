"""Commands that take every key of a config as a flag, listed by their help and by completion.

    @app.command(cls=config_command(run_config))        # run_config() imports and returns RunConfig
    def run(context: typer.Context, config: Path, sets: list[str]) -> None:
        RunConfig.read(config, overrides(sets, context.args))

The parser is our own: pydantic-settings knows neither a place in a list (`--miners.0.scale 0.5`), nor the free keys of
a plug-in or of `chain.hyperparameters`, nor values written as in TOML.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import typer
from typer.core import CompletionItem  # type: ignore[attr-defined]

from .command import Command

if TYPE_CHECKING:
    from lab.config.base import Table

KEYS_HELP = (
    "Every key of the config is a flag as well. Values are written as in TOML, but text needs no quotes; the 0 is the "
    "table's index: --miners.1.scale sets the second. `subnetlab list miners tesseract` shows the options of that "
    "miner, and likewise of every other plug-in."
)


def config_command(model: Callable[[], type[Table]]) -> type[Command]:
    """Return the class of a command that takes every key of a config as a flag; they are in `context.args`.

    `model` is called when the command is parsed, so it may import what is slow to load.
    """

    class ConfigCommand(Command):
        """Keys may stand anywhere on the command line; help and completion list them."""

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            """Take out the keys of the config; the command's own parser reads the rest."""
            own = [option for param in self.get_params(ctx) for option in (*param.opts, *param.secondary_opts)]
            keys, rest = _split(args, set(own), model())
            super().parse_args(ctx, rest)
            ctx.args = keys
            return keys

        def format_options(self, ctx: Any, formatter: Any) -> None:
            """Write the command's own options, then the keys of the config."""
            from lab.config.keys import key_groups

            super().format_options(ctx, formatter)
            formatter.write_paragraph()
            formatter.write_text(KEYS_HELP)
            for group in key_groups(model()):
                formatter.write_paragraph()
                formatter.write_text(f"{group.title}:")
                with formatter.indentation():
                    formatter.write_dl([(f"--{key.name} {key.type}", key.text) for key in group.keys], col_max=36)

        def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
            """Complete the command's own options, then the keys of the config."""
            from lab.config.keys import key_groups

            items = super().shell_complete(ctx, incomplete)
            if incomplete.startswith("--"):
                keys = [key for group in key_groups(model()) for key in group.keys]
                items += [CompletionItem(f"--{key.name}", help=key.text) for key in keys]
            return [item for item in items if item.value.startswith(incomplete)]

    return ConfigCommand


def overrides(sets: list[str], flags: list[str], address: str | None = None) -> dict[str, str]:
    """Return the keys of a config that a command line sets: those of `--set`, then flags as "--chain.epochs=3".

    `address` is short for `pool.address`.

    Raises:
        typer.BadParameter: a `--set` has no value.
    """
    values: dict[str, str] = {} if address is None else {"pool.address": json.dumps(address)}
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set {text}: write KEY=VALUE, as in --set chain.epochs=3")
        values[key] = value
    for flag in flags:
        key, _, value = flag.removeprefix("--").partition("=")
        values[key] = value
    return values


def _split(args: list[str], own: set[str], model: type[Table]) -> tuple[list[str], list[str]]:
    """Return the keys among some arguments, each with its value as "--chain.epochs=3", and the other arguments.

    Raises:
        typer.BadParameter: a flag is neither an option of the command nor a key, or a key has no value.
    """
    roots = model.keys()
    keys: list[str] = []
    rest: list[str] = []
    arguments = iter(args)
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if not flag.startswith("--") or flag in {"--", *own}:
            rest.append(argument)
            continue
        if flag[2:].partition(".")[0] not in roots:
            raise typer.BadParameter(f"no such option: {flag}{_suggestion(flag, own, model)}")
        if not equals:
            try:
                value = next(arguments)
            except StopIteration:
                raise typer.BadParameter(f"{flag}: give it a value, as in --chain.epochs 3") from None
        keys.append(f"{flag}={value}")
    return keys, rest


def _suggestion(flag: str, own: set[str], model: type[Table]) -> str:
    """Name the flag that was probably meant."""
    from lab.config.keys import key_groups

    flags = [*own, *(f"--{key.name}" for group in key_groups(model) for key in group.keys)]
    nearest = get_close_matches(flag, flags, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""
