"""All keys of a config, taken from the fields of its model: names, types, ranges, defaults and docstrings.

key_groups(RunConfig)[1].title      # "[chain] How often weights are set and what an epoch pays"
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .base import Table

TYPES = {bool: "BOOLEAN", int: "INTEGER", float: "NUMBER", str: "TEXT", tuple: "LIST", dict: "TABLE"}
BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    name: str
    """Dotted, with 0 for the place in a list: "miners.0.stake"."""
    type: str
    text: str
    """Its meaning, range and default."""


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """The keys of one table."""

    title: str
    """The table's heading in TOML, and its purpose."""
    keys: tuple[Key, ...]


def key_groups(model: type[Table]) -> list[KeyGroup]:
    """Return all keys table by table: first those at the top of the file, then each table in it."""
    return list(_groups([model], "", "Keys at the top of the file", None))


def _groups(models: list[type[Table]], prefix: str, title: str, instance: object) -> Iterator[KeyGroup]:
    """Yield one group for a table, which may be of several models, then those of the tables in it."""
    keys: dict[str, Key] = {}
    inside: list[Iterator[KeyGroup]] = []
    for model in models:
        for name, field in model.keys().items():
            default = getattr(instance, name, field.default)
            if tables := _tables(field.annotation):
                many = get_origin(field.annotation) is tuple
                path = f"{prefix}{name}.".replace(".0.", ".")[:-1]
                heading = f"[[{path}]]" if many else f"[{path}]"
                inner = f"{prefix}{name}.0." if many else f"{prefix}{name}."
                inside.append(_groups(tables, inner, f"{heading} {_summary(tables)}".strip(), default))
                continue
            type_name = _type_name(field.annotation)
            if name in keys:  # of another kind of the same table: "ray|local"
                type_name = "|".join(dict.fromkeys((keys[name].type, type_name)))
            only = "" if all(name in other.keys() for other in models) else f" Only with {_kind_of(model)}."
            text = f"{' '.join((field.description or '').split())}{only} {_notes(field, default)}"
            keys[name] = Key(prefix + name, type_name, (keys[name].text if name in keys else text).strip())
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
    return re.sub(r"^(A|The) `[^`]+` table:? ?", "", sentence)


def _type_name(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return "|".join(map(str, get_args(annotation)))
    if origin in (Union, UnionType):
        return "|".join(_type_name(part) for part in get_args(annotation) if part is not NoneType)
    if origin is not None and origin not in TYPES:  # Annotated
        return _type_name(get_args(annotation)[0])
    kind = origin or annotation
    return (
        "KIND or {kind = ...}" if isinstance(kind, type) and issubclass(kind, BaseModel) else TYPES.get(kind, "VALUE")
    )


def _notes(field: FieldInfo, default: Any) -> str:
    """Write the range and the default of a key in brackets."""
    bounds = [
        f"{sign} {_number(getattr(constraint, name))}"
        for constraint in field.metadata
        for name, sign in BOUNDS.items()
        if hasattr(constraint, name)
    ]
    if field.is_required():
        bounds.append("required")
    elif field.default_factory is None and not isinstance(default, BaseModel):
        bounds.append(f"default: {default if isinstance(default, str) else _json(default)}")
    return f"[{'; '.join(bounds)}]" if bounds else ""


def _number(bound: float) -> str:
    large = isinstance(bound, int) and bound > 2**53 and bound.bit_count() == 1
    return f"2^{int(bound).bit_length() - 1}" if large else f"{bound:.12g}"


def _json(value: Any) -> str:
    return "none" if value is None else json.dumps(value)
