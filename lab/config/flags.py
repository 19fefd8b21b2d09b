"""Keys of a config that a command line sets."""

from __future__ import annotations

import json

import typer


def overrides(sets: list[str], flags: list[str], address: str | None = None) -> dict[str, str]:
    """Return the keys that a command line sets: those of `--set`, then flags as "--chain.epochs=3".

    `address` is short for `pool.address`.
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
