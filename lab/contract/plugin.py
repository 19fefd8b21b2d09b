"""What a plug-in of any sort keeps to."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Any

from subnets import Plugin, Plugins

from .rule import Rule


def describes_itself(plugin: Plugin) -> Iterator[str]:
    """Check the docstring, whose first line `subnetlab list` shows."""
    if not (type(plugin).__doc__ or "").strip():
        yield f"class {type(plugin).__name__} has no docstring; its first line is what `subnetlab list` shows"


def pickles(plugin: Plugin) -> Iterator[str]:
    """Check that the plug-in reaches other processes unchanged."""
    if pickle.loads(pickle.dumps(plugin)).key != plugin.key:
        yield "a pickled copy has other options; keep every option in a field"


def writes_itself_out(registry: Plugins[Any]) -> Rule[Plugin]:
    """Return the rule that a plug-in can be built again from the table that a record holds."""

    def loads_from_its_record(plugin: Plugin) -> Iterator[str]:
        table = json.loads(json.dumps(registry.spec(plugin)))
        if registry.load(table).key != plugin.key:
            yield f"built again from its record it has other options; the record holds {table}"

    return loads_from_its_record


RULES: tuple[Rule[Plugin], ...] = (describes_itself, pickles)
