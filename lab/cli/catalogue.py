"""What can be named in a config, with one line on each."""

from __future__ import annotations

from typing import Any

from miners import ENGINES, MINERS
from subnets import SUBNETS, PluginError, Plugins
from validators import SAMPLERS, SCORERS, VALIDATORS, WEIGHT_RULES

SORTS: dict[str, Plugins[Any]] = {
    "subnets": SUBNETS,
    "miners": MINERS,
    "engines": ENGINES,
    "validators": VALIDATORS,
    "scorers": SCORERS,
    "samplers": SAMPLERS,
    "weight_rules": WEIGHT_RULES,
}


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """Return, for each sort of plug-in, its kinds with their first line and options; a broken one says why."""
    return {sort: [_line(plugins, kind) for kind in plugins.sources()] for sort, plugins in SORTS.items()}


def _line(plugins: Plugins[Any], kind: str) -> dict[str, Any]:
    try:
        found = plugins.find(kind)
    except PluginError as error:
        return {"kind": kind, "description": f"can't be used: {error}", "options": []}
    first = (found.__doc__ or "").strip().splitlines()
    return {"kind": kind, "description": first[0] if first else "", "options": sorted(found.model_fields)}
