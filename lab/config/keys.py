"""All keys of a config and all options of a plug-in, taken from the fields of its model.

key_groups(RunConfig)[1].table      # "[chain]"
option_keys(MINERS.find("tesseract"))[0].name       # "scale"
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from subnets import Plugin
from subnets.option import accepted_by
from subnets.plugin import registry_of

from .base import Table
from .docstrings import field_docstrings


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a config, or one option of a plug-in."""

    name: str
    """Dotted, with 0 for the place in a list: "miners.0.stake"."""
    type: str
    """As in "INTEGER" or "pack|spread"."""
    meaning: str
    limits: str
    """As in ">=1" or "0..1"; empty without limits."""
    default: str | None
    """As TOML writes it, and "none" for a key that may be omitted; None where the code finds one at run time."""
    required: bool = False

    @property
    def text(self) -> str:
        """Its meaning, limits and default."""
        notes = [
            self.limits,
            "required" if self.required else "" if self.default is None else f"default: {self.default}",
        ]
        shown = "; ".join(filter(None, notes))
        return f"{self.meaning} [{shown}]".strip() if shown else self.meaning


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """The keys of one table."""

    title: str
    """The table's heading in TOML, and its purpose."""
    keys: tuple[Key, ...]


def key_groups(model: type[Table]) -> list[KeyGroup]:
    """Return all keys table by table: first those at the top of the file, then each table in it."""
    return list(_groups([model], "", "Keys at the top of the file", None))


def option_keys(plugin: type[BaseModel], prefix: str = "") -> list[Key]:
    """Return the options of a plug-in, its own first and then those of its base classes.

    A table in it that is no plug-in by itself is written as its keys, after a dot.
    """
    keys, meanings = [], field_docstrings(plugin)
    for name, field in sorted(plugin.model_fields.items(), key=lambda item: _ancestor(plugin, item[0])):
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and registry_of(field) is None:
            keys += option_keys(kind, f"{prefix}{name}.")
        else:
            keys.append(_key(f"{prefix}{name}", field, _default(field), meanings.get(name, "")))
    return keys


def _ancestor(model: type[BaseModel], name: str) -> int:
    """Return how far above a model a field of this name is declared; 0 for one of its own."""
    return next(
        place for place, ancestor in enumerate(model.__mro__) if name in vars(ancestor).get("__annotations__", ())
    )


def _groups(models: list[type[Table]], prefix: str, title: str, instance: object) -> Iterator[KeyGroup]:
    """Yield one group for a table, which may be of several models, then those of the tables in it."""
    keys: dict[str, Key] = {}
    inside: list[Iterator[KeyGroup]] = []
    for model in models:
        meanings = field_docstrings(model)
        for name, field in model.keys().items():
            default = getattr(instance, name, _default(field))
            if tables := _tables(field.annotation):
                many = get_origin(field.annotation) is tuple
                path = f"{prefix}{name}.".replace(".0.", ".")[:-1]
                heading = f"[[{path}]]" if many else f"[{path}]"
                inner = f"{prefix}{name}.0." if many else f"{prefix}{name}."
                inside.append(_groups(tables, inner, f"{heading} {_summary(tables)}", default))
                continue
            key = _key(prefix + name, field, default, meanings.get(name, ""))
            if name in keys:  # of another kind of the same table: "ray|local"
                types = "|".join(dict.fromkeys((keys[name].type, key.type)))
                keys[name] = replace(keys[name], type=types)
                continue
            only = "" if all(name in other.keys() for other in models) else f" Only with {_kind_of(model)}."
            keys[name] = replace(key, meaning=key.meaning + only)
    yield KeyGroup(title, tuple(sorted(keys.values(), key=lambda key: key.name != f"{prefix}kind")))
    for groups in inside:
        yield from groups


def _tables(annotation: Any) -> list[type[Table]]:
    """Return the models of a key that holds a table, or a list of tables; none for any other key."""
    parts = [annotation, *get_args(annotation)]
    parts += [inner for part in get_args(annotation) for inner in get_args(part)]
    return [part for part in parts if isinstance(part, type) and issubclass(part, Table)]


def _kind_of(model: type[Table]) -> str:
    return f'kind = "{model.model_fields["kind"].default}"'


def _summary(models: list[type[Table]]) -> str:
    """Return the first paragraph of a table's docstring, without its full stop and the name in the heading."""
    shared = models[0] if len(models) == 1 else models[0].__bases__[0]
    sentence = " ".join((shared.__doc__ or "").split("\n\n")[0].split()).rstrip(".")
    sentence = re.sub(r"^(A|The) `[^`]+` table: ", "", sentence)
    return sentence[:1].upper() + sentence[1:]


def _key(name: str, field: FieldInfo, default: Any, meaning: str) -> Key:
    accepts, registry = accepted_by(field), registry_of(field)
    limits = accepts.limits if registry is None else f"see: subnetlab list {registry.plural}"
    meaning = " ".join((field.description or meaning).split())
    shown = None if field.is_required() else _shown(default, registry)
    return Key(name, accepts.type, meaning, limits, shown, required=field.is_required())


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={})


def _shown(default: Any, registry: Any) -> str | None:
    """Write a default as TOML does; a plug-in as its kind."""
    if default is None:
        return "none"
    if isinstance(default, str):
        return default or '""'
    if isinstance(default, Plugin):
        return str(registry.spec(default)["kind"])
    return json.dumps([_shown(item, registry) for item in default] if registry is not None else default, default=str)
