"""What a field of a config's table or of a plug-in accepts, for help and for messages.

accepted(int, [Ge(1)])      # type "INTEGER", limits ">=1", words "an integer of at least 1"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

MANY = 2**53
"""Powers of two above this number are written as such."""


@dataclass(frozen=True, slots=True)
class Wording:
    """An annotation of a text with a pattern, that says in words what the pattern allows.

    Name = Annotated[str, Field(pattern="^[a-z]+$"), Wording("a name in lower-case letters")]
    """

    text: str


@dataclass(frozen=True, slots=True)
class Range:
    """Limits of a number; None where there is none."""

    low: float | None = None
    high: float | None = None
    low_excluded: bool = False
    high_excluded: bool = False

    def __str__(self) -> str:
        """Write the range for help: "0..65535", ">=1", ">0, <=1"; empty without limits."""
        low = "" if self.low is None else _number(self.low)
        high = "" if self.high is None else _number(self.high)
        if low and high and not (self.low_excluded or self.high_excluded):
            return f"{low}..{high}"
        limits = (
            low and f"{'>' if self.low_excluded else '>='}{low}",
            high and f"{'<' if self.high_excluded else '<='}{high}",
        )
        return ", ".join(filter(None, limits))

    @property
    def words(self) -> str:
        """The range as it follows "a number": " of at least 1", " from 0 to 1"; empty without limits."""
        low = "" if self.low is None else _number(self.low)
        high = "" if self.high is None else _number(self.high)
        if low and high and not (self.low_excluded or self.high_excluded):
            return f" from {low} to {high}"
        limits = (
            low and (f"above {low}" if self.low_excluded else f"of at least {low}"),
            high and (f"below {high}" if self.high_excluded else f"at most {high}" if low else f"of at most {high}"),
        )
        text = " and ".join(filter(None, limits))
        return f" {text}" if text else ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The values that a field accepts."""

    type: str
    """For help: "INTEGER", "pack|spread"."""
    limits: str
    """For help: "0..1", "each >=1"; empty without limits."""
    words: str
    """For messages: "an integer of at least 1"."""
    plural: str
    """For messages about lists of them: "integers of at least 1"."""


def accepted(annotation: Any, constraints: Iterable[Any] = ()) -> Accepted:
    """Describe what a field of this annotation, under these constraints of pydantic's, accepts."""
    annotation, constraints = unwrapped(annotation, constraints)
    parts = members(annotation)
    if parts and all(get_origin(part) is Literal for part in parts):
        return _one_of(tuple(choice for part in parts for choice in get_args(part)))
    if len(parts) > 1:
        return _either([accepted(part, constraints) for part in parts])
    origin = get_origin(annotation)
    if origin is Literal:
        return _one_of(get_args(annotation))
    if origin is tuple:
        return _list(get_args(annotation), constraints)
    kind = origin or annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if any(map(_loads_plugins, constraints)):
            return Accepted("KIND|TABLE", "", "a kind or a table", "kinds or tables")
        return Accepted("TABLE", "", "a table", "tables")
    if kind is bool:
        return Accepted("BOOLEAN", "", "true or false", "values true or false")
    if kind in (int, float):
        limits = range_of(constraints)
        one, many, name = ("an integer", "integers", "INTEGER") if kind is int else ("a number", "numbers", "NUMBER")
        return Accepted(name, str(limits), one + limits.words, many + limits.words)
    if kind is str:
        return _text(constraints)
    if kind in (None, NoneType):
        return Accepted("NONE", "", "no value: omit the key", "no values")
    if kind is Path:
        return Accepted("PATH", "", "a path", "paths")
    return Accepted("TABLE", "", "a table", "tables") if kind is dict else Accepted("VALUE", "", "a value", "values")


def accepted_by(field: FieldInfo) -> Accepted:
    """Describe what a field of a model accepts."""
    return accepted(field.annotation, field.metadata)


def unwrapped(annotation: Any, constraints: Iterable[Any] = ()) -> tuple[Any, list[Any]]:
    """Return an annotation and its constraints, without `Annotated` and the None of an optional field."""
    constraints = list(constraints)
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *extra = get_args(annotation)
            for item in extra:
                constraints += item.metadata if isinstance(item, FieldInfo) else [item]
        elif len(parts := members(annotation)) == 1:
            annotation = parts[0]
        else:
            return annotation, constraints


def members(annotation: Any) -> list[Any]:
    """Return the members of a union except None; empty for anything else."""
    is_union = get_origin(annotation) in (Union, UnionType)
    return [part for part in get_args(annotation) if part is not NoneType] if is_union else []


def _loads_plugins(constraint: Any) -> bool:
    """Return whether a constraint is the validator of a registry of plug-ins."""
    return isinstance(constraint, BeforeValidator) and hasattr(getattr(constraint.func, "__self__", None), "builtin")


def range_of(constraints: Iterable[Any]) -> Range:
    """Return the range that constraints such as `Ge(1)` leave."""
    limits: dict[str, Any] = {}
    for constraint in constraints:
        limits |= {name: getattr(constraint, name) for name in ("ge", "gt", "le", "lt") if hasattr(constraint, name)}
    return Range(limits.get("gt", limits.get("ge")), limits.get("lt", limits.get("le")), "gt" in limits, "lt" in limits)


def _either(parts: list[Accepted]) -> Accepted:
    types = "|".join(dict.fromkeys(part.type for part in parts))
    limits = "; ".join(dict.fromkeys(part.limits.removeprefix("each ") for part in parts if part.limits))
    words = " or ".join(dict.fromkeys(part.words for part in parts))
    return Accepted(types, limits, words, f"values, each {words}")


def _one_of(choices: tuple[Any, ...]) -> Accepted:
    shown = [repr(choice) for choice in choices]
    words = " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    return Accepted("|".join(map(str, choices)), "", words, f"values from {', '.join(shown)}")


def _list(items: tuple[Any, ...], constraints: list[Any]) -> Accepted:
    if items[1:] == (...,):
        item = accepted(items[0])
        least = max((getattr(constraint, "min_length", 0) for constraint in constraints), default=0)
        count = "" if not least else "one or more " if least == 1 else f"at least {least} "
        words = f"a list of {count}{item.plural}"
        limits = item.type if get_origin(unwrapped(items[0])[0]) is Literal else item.limits
        length = f"at least {least} of them" if least > 1 else ""
        limits = "; ".join(filter(None, (limits and f"each {limits}", length)))
        return Accepted("LIST", limits, words, f"lists, each {words}")
    each = [accepted(item) for item in items]
    if len({item.words for item in each}) == 1:
        words, limits = f"a list of {len(each)} {each[0].plural}", each[0].limits and f"each {each[0].limits}"
    else:
        words = f"a list of {len(each)}: {', '.join(item.words for item in each)}"
        limits = ", ".join(filter(None, (item.limits for item in each)))
    return Accepted("LIST", limits, words, f"lists, each {words}")


def _text(constraints: list[Any]) -> Accepted:
    wordings = [constraint.text for constraint in constraints if isinstance(constraint, Wording)]
    least = max((getattr(constraint, "min_length", 0) or 0 for constraint in constraints), default=0)
    most = [value for constraint in constraints if (value := getattr(constraint, "max_length", None)) is not None]
    patterns = [value for constraint in constraints if (value := getattr(constraint, "pattern", None)) is not None]
    form = f" of at most {min(most)} characters" if most else ""
    if wordings:
        return Accepted("TEXT", "", f"{wordings[-1]}{form}", f"texts, each {wordings[-1]}{form}")
    if patterns:
        form += f" that matches {patterns[-1]}"
    elif least:
        form += " that is not empty" if least == 1 else f" of at least {least} characters"
    return Accepted("TEXT", "", f"text{form}", f"texts{form}")


def _number(limit: float) -> str:
    is_power = isinstance(limit, int) and limit > MANY and limit.bit_count() == 1
    return f"2^{int(limit).bit_length() - 1}" if is_power else f"{limit:.12g}"
