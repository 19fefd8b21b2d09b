"""`subnetlab list`: everything that a config can name, and the options of each plug-in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.listing import print_rows, wrapped
from lab.cli.console.options import AsJson
from lab.cli.console.output import print_json

if TYPE_CHECKING:
    from lab.config.keys import Key
    from subnets import Plugins

PLACES = {
    "subnets": "[subnet]",
    "miners": "[[miners]]",
    "validators": "[[validators]]",
    "engines": 'the table of a miner\'s engine, as in engine = {{kind = "{kind}", ...}}',
    "scorers": 'the table of a validator\'s scorer, as in scorer = {{kind = "{kind}", ...}}',
    "samplers": 'the table of a validator\'s sampler, as in sampler = {{kind = "{kind}", ...}}',
    "ledgers": 'the table of a validator\'s ledger, as in ledger = {{kind = "{kind}", ...}}',
    "weight_rules": 'the table of a validator\'s weight_rule, as in weight_rule = {{kind = "{kind}", ...}}',
    "language_models": 'the table of a scorer\'s model, as in model = {{kind = "{kind}", ...}}',
}
"""Where the options of a plug-in are written, by sort."""

app = commands()


@app.command(
    "list",
    short_help="List plug-ins, or show the options of one.",
    epilog=examples("list", "list miners", "list miners tesseract", "list scorers judge --json"),
)
def list_plugins(
    sort: Annotated[
        str | None, typer.Argument(help="Only plug-ins of this sort, such as miners.", metavar="SORT")
    ] = None,
    kind: Annotated[
        str | None, typer.Argument(help="Show the options of this plug-in (a name or module:Class).", metavar="KIND")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the subnets, miners, engines, scorers and other plug-ins.

    With a sort and a kind, show what a config can set of that plug-in.
    """
    sorts = [sort] if sort is not None else list(registries())
    if unknown := [name for name in sorts if name not in registries()]:
        raise typer.BadParameter(f"unknown sort {unknown[0]!r}; known: {', '.join(registries())}{_nearest(unknown[0])}")
    if kind is not None:
        _show_one(sorts[0], kind, as_json=as_json)
        return
    entries = {name: catalogue()[name] for name in sorts}
    if as_json:
        print_json({name: [asdict(entry) for entry in plugins] for name, plugins in entries.items()})
        return
    for name, plugins in entries.items():
        typer.echo(f"{name}:")
        print_rows([(entry.kind, entry.description) for entry in plugins])
    example = sort or "miners"
    typer.echo(f"\nOptions of one: subnetlab list {example} {entries[example][0].kind}")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One plug-in."""

    kind: str
    description: str
    """First line of its docstring, or why it can't be used."""
    options: list[Key]


def registries() -> dict[str, Plugins[Any]]:
    """Return every registry of plug-ins by its name in the plural."""
    from miners import ENGINES, MINERS
    from subnets import SUBNETS
    from subnets.language_model import LANGUAGE_MODELS
    from validators import LEDGERS, SAMPLERS, SCORERS, VALIDATORS, WEIGHT_RULES

    plugins = (SUBNETS, MINERS, ENGINES, VALIDATORS, SCORERS, SAMPLERS, LEDGERS, WEIGHT_RULES, LANGUAGE_MODELS)
    return {registry.plural: registry for registry in plugins}


def catalogue() -> dict[str, list[CatalogueEntry]]:
    """Describe every plug-in of every registry."""
    return {sort: [_entry(plugins, kind) for kind in plugins.sources()] for sort, plugins in registries().items()}


def _entry(plugins: Plugins[Any], kind: str) -> CatalogueEntry:
    from subnets import PluginError

    try:
        return _usable(plugins, kind)
    except PluginError as error:
        return CatalogueEntry(kind, f"can't be used: {error}", [])


def _usable(plugins: Plugins[Any], kind: str) -> CatalogueEntry:
    """Describe a plug-in; raises PluginError if it can't be used."""
    from lab.config.keys import option_keys

    plugin = plugins.find(kind)
    lines = (plugin.__doc__ or "").strip().splitlines()
    return CatalogueEntry(kind, lines[0] if lines else "", option_keys(plugin))


def _show_one(sort: str, kind: str, *, as_json: bool) -> None:
    entry = _usable(registries()[sort], kind)
    if as_json:
        print_json({"sort": sort, **asdict(entry)})
        return
    place = PLACES[sort].format(kind=kind)
    typer.echo(wrapped(f"{kind}: {entry.description}"))
    if not entry.options:
        typer.echo("\nIt has no options.")
        return
    typer.echo("\n" + wrapped(f"Options, in {place}:"))
    print_rows([(f"{key.name} {key.type}", key.text) for key in entry.options])


def _nearest(sort: str) -> str:
    nearest = get_close_matches(sort, registries(), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""
