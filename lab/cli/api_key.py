"""`subnetlab api-key`: the keys of a gateway's customers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.console.command import examples, group
from lab.cli.console.options import AsJson
from lab.cli.gateway import KEYS

if TYPE_CHECKING:
    from lab.serve.gateway.keys import ApiKey

Keys = Annotated[Path, typer.Option("--keys", help="The file of API keys.")]
KeyName = Annotated[str, typer.Argument(help="Name of the key, which appears in records.", metavar="NAME")]

app = group("Create, list and revoke API keys of customers.")


@app.command(epilog=examples("api-key create alice --spend-usd 5 --per-minute 60"))
def create(
    name: KeyName,
    keys: Keys = KEYS,
    per_minute: Annotated[float, typer.Option(help="Maximum requests in a minute, on average.")] = 600.0,
    concurrent: Annotated[int, typer.Option(help="Maximum requests at once.")] = 64,
    spend_usd: Annotated[
        float | None, typer.Option("--spend-usd", help="Maximum dollars that it may spend in one run.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it; only its hash is kept."""
    from lab.serve.gateway.keys import KeyFile

    secret = KeyFile(keys).create(name, per_minute=per_minute, concurrent=concurrent, spend_usd=spend_usd)
    typer.echo(json.dumps({"name": name, "key": secret}) if as_json else secret)


@app.command("list", epilog=examples("api-key list"))
def list_keys(keys: Keys = KEYS, as_json: AsJson = False) -> None:
    """List the keys with their limits."""
    from lab.serve.gateway.keys import KeyFile

    known = KeyFile(keys).read()
    if as_json:
        typer.echo(json.dumps([key.model_dump(mode="json") for key in known], indent=2))
    else:
        none = f"{keys} has no keys; make one with: subnetlab api-key create NAME"
        typer.echo("\n".join(map(_described, known)) or none)


@app.command(epilog=examples("api-key revoke alice"))
def revoke(name: KeyName, keys: Keys = KEYS) -> None:
    """Refuse a key from now on, in running gateways too."""
    from lab.serve.gateway.keys import KeyFile

    KeyFile(keys).revoke(name)
    typer.echo(f"key {name!r} is revoked")


def _described(key: ApiKey) -> str:
    created = datetime.fromtimestamp(key.created, UTC).strftime("%Y-%m-%d")
    spend = "no limit on spending" if key.spend_usd is None else f"at most ${key.spend_usd:g}"
    limits = f"{key.per_minute:g} requests a minute, {key.concurrent} at once, {spend}"
    return f"{key.name}: created {created}, {limits}{', revoked' if key.revoked else ''}"
