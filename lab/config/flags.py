"""Keys of a config on the command line."""

from __future__ import annotations

import json
from typing import Annotated

import typer

Address = Annotated[
    str | None,
    typer.Option(help='Join the Ray cluster there: host:port, or "auto" for the one here. Short for --pool.address.'),
]


def overrides(sets: list[str], flags: list[str], address: str | None = None) -> dict[str, str]:
    """Read `--set a.b=c`, `--a.b=c`, `--a.b c`, and the short flag for `pool.address`."""
    found: dict[str, str] = {} if address is None else {"pool.address": json.dumps(address)}
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set {text}: write KEY=VALUE, as in --set chain.epochs=3")
        found[key] = value
    rest = list(flags)
    while rest:
        flag = rest.pop(0)
        key, equals, value = flag.removeprefix("--").partition("=")
        if not flag.startswith("--") or not (equals or rest):
            raise typer.BadParameter(f"{flag}: unknown; keys of the config are written --chain.epochs 3")
        found[key] = value if equals else rest.pop(0)
    return found
