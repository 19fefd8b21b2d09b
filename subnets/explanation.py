"""One line about what is wrong with a table: its key, the value, and what is allowed.

    explain(error, RunConfig)       # ".chain.epochs: give an integer of at least 1 (got 'three')"

The words are our own: pydantic's name neither what the key takes as a whole nor how TOML writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from .option import accepted, members, unwrapped


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Describe the first fault of a validation in one line: ".key: what is allowed (the value)"."""
    faults = error.errors(include_url=False)
    # A misspelt key comes first: it is often why another key is missing.
    fault = min(faults, key=lambda fault: fault["type"] != "extra_forbidden")
    place = _place(fault["loc"], model)
    value = fault["input"]
    if fault["type"] == "extra_forbidden":
        known = known_keys(model, fault["loc"][:-1])
        nearest = get_close_matches(str(fault["loc"][-1]), known, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        return f"{place.key}: unknown key; known: {', '.join(known)}{hint}"
    if fault["type"] == "missing":
        return f"{place.key}: missing; add it"
    if fault["type"] == "value_error":
        return place.key + _own_words(fault["msg"].removeprefix("Value error, "), value)
    if place.allowed is None:
        return f"{place.key}: {fault['msg'][:1].lower()}{fault['msg'][1:]} (got {_shown(value)})"
    if isinstance(value, Mapping) and place.allowed.endswith(" tables"):
        return f"{place.key}: give several tables, write [[{place.key[1:]}]] (got {_shown(value)})"
    if isinstance(value, list) and place.allowed == "a table":
        return f"{place.key}: give one table, write [{place.key[1:]}] (got {len(value)} of them)"
    return f"{place.key}: give {place.allowed} (got {_shown(value)})"


def known_keys(model: type[BaseModel], loc: tuple[int | str, ...] = ()) -> list[str]:
    """Return the names of the fields of `model`, or of the model nested in it at `loc`."""
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            inner = model.model_fields[part].annotation
            candidates = [inner, *getattr(inner, "__args__", ())]
            nested = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
            if nested:
                model = nested[0]
    return sorted(model.model_fields)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a fault lies."""

    key: str
    """As in ".miners[0].scale"."""
    allowed: str | None
    """What is allowed there, in words; None where the model does not say."""


def _place(loc: tuple[int | str, ...], model: type[BaseModel]) -> _Place:
    """Follow a fault's location; it ends before pydantic's own names for the members of a union."""
    key, constraints = "", list[Any]()
    holder: Any = model
    annotation: Any = model
    for part in loc:
        if len(members(annotation)) > 1:
            break
        if part == "[key]":  # what is wrong is the key of a table, not what it holds
            annotation, constraints = unwrapped(get_args(holder)[0])
            break
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
        holder, inside = annotation, _inside(annotation, part)
        if inside is None:
            return _Place(key, None)
        annotation, constraints = inside
    return _Place(key, accepted(annotation, constraints).words)


def _inside(annotation: Any, part: int | str) -> tuple[Any, list[Any]] | None:
    """Return the annotation and the constraints of a part of a model, a list or a table; None if they are unknown."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return None if field is None else unwrapped(field.annotation, field.metadata)
    if origin is dict:
        return unwrapped(arguments[1])
    if origin is tuple and isinstance(part, int):
        return unwrapped(arguments[0] if arguments[1:] == (...,) else arguments[part])
    return None


def _own_words(message: str, value: Any) -> str:
    """Join a message of a validator of ours, which may begin with a key, to the key of the fault."""
    kind = value.get("kind") if isinstance(value, Mapping) else value
    if isinstance(kind, str) and message.startswith(f"{kind}."):  # an option of a plug-in
        message = message.removeprefix(kind)
    return message if message.startswith(".") else f": {message}"


def _shown(value: Any) -> str:
    """Write a value nearly as TOML does, cut if it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value[:80]) if isinstance(value, str) else str(value)[:80]
