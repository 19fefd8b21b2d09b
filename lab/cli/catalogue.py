"""`subnetlab list`: everything that a config can name, with one line on each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer

from .options import AsJson, commands
from .output import print_json

if TYPE_CHECKING:
    from subnets import Plugins

app = commands()


@app.command("list", epilog="Example:  subnetlab list")
def list_plugins(as_json: AsJson = False) -> None:
    """List the subnets, miners, engines, scorers and other plug-ins."""
    entries = catalogue()
    if as_json:
        print_json({sort: [asdict(entry) for entry in plugins] for sort, plugins in entries.items()})
        return
    for sort, plugins in entries.items():
        typer.echo(f"{sort}:")
        for plugin in plugins:
            typer.echo(f"  {plugin.kind:<18} {plugin.description}")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One plug-in."""

    kind: str
    description: str
    """First line of its docstring, or why it can't be used."""
    options: list[str]


def registries() -> dict[str, Plugins[Any]]:
    """Return every registry of plug-ins by its name in the plural."""
    from miners import ENGINES, MINERS
    from subnets import SUBNETS
    from validators import SAMPLERS, SCORERS, VALIDATORS, WEIGHT_RULES

    return {
        "subnets": SUBNETS,
        "miners": MINERS,
        "engines": ENGINES,
        "validators": VALIDATORS,
        "scorers": SCORERS,
        "samplers": SAMPLERS,
        "weight_rules": WEIGHT_RULES,
    }


def catalogue() -> dict[str, list[CatalogueEntry]]:
    """Describe every plug-in of every registry."""
    return {sort: [_entry(plugins, kind) for kind in plugins.sources()] for sort, plugins in registries().items()}


def _entry(plugins: Plugins[Any], kind: str) -> CatalogueEntry:
    from subnets import PluginError

    try:
        plugin = plugins.find(kind)
    except PluginError as error:
        return CatalogueEntry(kind, f"can't be used: {error}", [])
    lines = (plugin.__doc__ or "").strip().splitlines()
    return CatalogueEntry(kind, lines[0] if lines else "", sorted(plugin.model_fields))
