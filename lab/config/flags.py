"""Keys of a config on the command line: read as flags and listed by `--help`.

    @app.command(cls=config_command(run_config))        # run_config() imports and returns RunConfig
    def run(context: typer.Context, config: Path, sets: list[str]) -> None:
        RunConfig.read(config, overrides(sets, context.args))

The parser is our own: pydantic-settings knows neither a place in a list (`--miners.0.scale 0.5`), nor the free keys of
a plug-in or of `chain.hyperparameters`, nor values written as in TOML.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from .base import Table

Address = Annotated[
    str | None,
    typer.Option(help='Join the Ray cluster there: host:port, or "auto" for the one here. Short for --pool.address.'),
]


def overrides(sets: list[str], flags: list[str], address: str | None = None) -> dict[str, str]:
    """Read `--set a.b=c`, `--a.b=c` and `--a.b c`; `address` is the short flag for `pool.address`."""
    values: dict[str, str] = {} if address is None else {"pool.address": json.dumps(address)}
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set {text}: write KEY=VALUE, as in --set chain.epochs=3")
        values[key] = value
    rest = list(flags)
    while rest:
        flag = rest.pop(0)
        key, equals, value = flag.removeprefix("--").partition("=")
        if not flag.startswith("--") or not (equals or rest):
            raise typer.BadParameter(f"{flag}: unknown; keys of the config are written --chain.epochs 3")
        values[key] = value if equals else rest.pop(0)
    return values


def config_command(model: Callable[[], type[Table]]) -> type[TyperCommand]:
    """Return the class of a command that takes every key of a config as a flag.

    `model` is called for the help alone, so it may import what is slow to load.
    """

    class ConfigCommand(TyperCommand):
        """Extra arguments are keys and their values."""

        allow_extra_args = True
        ignore_unknown_options = True

        def format_options(self, ctx: Any, formatter: Any) -> None:
            """Write the command's own options, then the keys of the config."""
            from .keys import key_groups

            super().format_options(ctx, formatter)
            formatter.write_paragraph()
            formatter.write_text(
                "Every key of the config is a flag as well. Values are written as in TOML, but text needs no quotes; "
                "0 stands for the place of a table in its list."
            )
            for group in key_groups(model()):
                with formatter.section(group.title):
                    formatter.write_dl([(f"--{key.name} {key.type}", key.text) for key in group.keys], col_max=36)

    return ConfigCommand
