"""Plug-ins: named classes whose fields are their options.

A plug-in is a frozen pydantic model, so a TOML table is checked against its fields and the fields
hold the only defaults. A name is looked up among the built-in ones, then among the entry points of
installed packages; `module:Class` names a class directly.

    MINERS.load({"kind": "noisy", "error_rate": 0.1})
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from inspect import isabstract
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError
from pydantic.fields import FieldInfo

from .errors import PluginError
from .explanation import explain
from .option import unwrapped

ROOMS = ("lab", "cluster", "validators", "miners", "subnets", "inference", "consensus")
"""This project's packages. They are found before anything else of the same name."""


class Plugin(BaseModel):
    """Base of subnets, miners, engines, validators, scorers, samplers and weight rules."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @property
    def key(self) -> str:
        """Class and options in one string: equal keys mean interchangeable objects."""
        return f"{type(self).__module__}:{type(self).__qualname__}{self.model_dump_json()}"

    def foreign_classes(self) -> frozenset[str]:
        """Return the classes of this plug-in and of those in its fields that are not from this project's packages."""
        own = f"{type(self).__module__}.{type(self).__qualname__}"
        nested = [value for name in type(self).model_fields if isinstance(value := getattr(self, name), Plugin)]
        foreign = {own} if own.partition(".")[0] not in ROOMS else set()
        return frozenset(foreign).union(*(plugin.foreign_classes() for plugin in nested))

    def __getstate__(self) -> dict[Any, Any]:
        """Pickle only the options; engines and caches opened from them stay behind."""
        return super().__getstate__() | {"__pydantic_private__": None}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Restore the options, with private attributes as in a new object."""
        super().__setstate__(state)
        self.model_post_init(None)


P = TypeVar("P", bound=Plugin)

_refusals: list[object] = []
"""One item for each active `installed_only`, in any thread."""


@dataclass(frozen=True, slots=True)
class Plugins(Generic[P]):
    """The plug-ins of one sort: their entry-point group, their base class, and the built-in ones.

    As a field of another plug-in: `engine: Annotated[Engine, *ENGINES.field()]`.
    """

    sort: str
    """Name of the sort in messages: "miner"."""
    group: str
    """Entry-point group: "subnetlab.miners"."""
    base: type[P]
    builtin: Mapping[str, str]
    """Name to "module:Class"."""
    default: str | None = None
    """Kind of a table that doesn't name one."""

    def sources(self) -> dict[str, str]:
        """Return all known names with their "module:Class", sorted by name."""
        return dict(sorted((announced(self.group) | dict(self.builtin)).items()))

    def find(self, kind: str) -> type[P]:
        """Return the class called `kind`.

        Raises:
            PluginError: the name is unknown, its module can't be imported, or the class is abstract or of another sort.
        """
        sources = self.sources()
        if kind not in sources and ":" not in kind:
            raise PluginError(f"unknown {self.sort} {kind!r}; known: {', '.join(sources)}; or name module:Class")
        if kind not in sources and _refusals:
            raise PluginError(
                f"{self.sort} {kind!r} is neither built in nor installed as a plug-in, and importing it runs its code: "
                "if you trust it, give --trust"
            )
        source = sources.get(kind, kind)
        plugin = import_object(source, f"{self.sort} {kind!r} ({source})")
        if not (isinstance(plugin, type) and issubclass(plugin, self.base)):
            raise PluginError(f"{self.sort} {kind!r}: {source} is not a subclass of {self.base.__name__}")
        if isabstract(plugin):
            missing = ", ".join(sorted(plugin.__abstractmethods__))
            raise PluginError(f"{self.sort} {kind!r}: {source} lacks {missing}; define it in the class")
        return plugin

    def load(self, spec: str | Mapping[str, Any] | P) -> P:
        """Build a plug-in from its name, or from a table with its `kind` and options.

        Raises:
            PluginError: `find` fails, or an option is unknown or out of range.
        """
        if isinstance(spec, self.base):
            return spec
        if not isinstance(spec, str | Mapping):
            raise PluginError(f"{self._a_sort} is a name or a table (got {repr(spec)[:80]})")
        options = {"kind": spec} if isinstance(spec, str) else dict(spec)
        kind = options.pop("kind", self.default)
        if not isinstance(kind, str):
            raise PluginError(f"{self._a_sort} needs a kind; known: {', '.join(self.sources())}")
        try:
            return self.find(kind).model_validate(options)
        except ValidationError as error:
            raise PluginError(f"{kind}{explain(error, self.find(kind))}") from error

    @property
    def plural(self) -> str:
        """Name of the registry: "miners", "weight_rules"."""
        return f"{self.sort.replace(' ', '_')}s"

    def _load_optional(self, spec: str | Mapping[str, Any] | P | None) -> P | None:
        return None if spec is None else self.load(spec)

    @property
    def _a_sort(self) -> str:
        return f"{'an' if self.sort[0] in 'aeiou' else 'a'} {self.sort}"

    def spec(self, plugin: P) -> dict[str, Any]:
        """Return the table from which `load` builds an equal plug-in, with every option spelled out."""
        own = type(plugin)
        same = (kind for kind, source in self.sources().items() if source.endswith(f":{own.__name__}"))
        kind = next((kind for kind in same if self.find(kind) is own), f"{own.__module__}:{own.__qualname__}")
        return {"kind": kind, **plugin.model_dump(mode="json")}

    def field(self) -> tuple[BeforeValidator, PlainSerializer]:
        """Return annotations for a field that holds such a plug-in: built by `load`, dumped by `spec`."""
        return BeforeValidator(self.load), PlainSerializer(self.spec, return_type=dict[str, Any])

    def optional_field(self) -> tuple[BeforeValidator, PlainSerializer]:
        """Return annotations as `field` does, for a field that may be None."""
        return (
            BeforeValidator(self._load_optional),
            PlainSerializer(
                lambda plugin: None if plugin is None else self.spec(plugin), return_type=dict[str, Any] | None
            ),
        )


@cache  # finding them reads the metadata of every installed package
def announced(group: str) -> dict[str, str]:
    """Return the names and sources of the plug-ins that installed packages announce."""
    return {point.name: point.value for point in entry_points(group=group)}


def require_trust(source: str, label: str) -> None:
    """Refuse code that a record names, unless it is ours or records are trusted.

    Raises:
        PluginError: `installed_only` is active, and `source` ("module:name") is not in one of our packages.
    """
    if _refusals and source.partition(".")[0] not in ROOMS:
        raise PluginError(f"importing {label} runs its code: if you trust it, give --trust")


def import_object(source: str, label: str) -> Any:
    """Import "module:name"; raises PluginError, with a label for it in front, if that fails."""
    module, _, name = source.partition(":")
    try:
        return getattr(import_module(module), name)
    # A plug-in's module may fail in any way while it is imported, even call sys.exit.
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{label} can't be imported: " + (_hidden(module) or f"{type(error).__name__}: {error}")
        ) from error


def registry_of(field: FieldInfo) -> Plugins[Any] | None:
    """Return the plug-ins that a field of a model takes, alone or in a list; None for a field of any other kind."""
    annotation, constraints = unwrapped(field.annotation, field.metadata)
    if get_origin(annotation) is tuple:
        _, constraints = unwrapped(get_args(annotation)[0])
    for constraint in constraints:
        registry = getattr(getattr(constraint, "func", None), "__self__", None)
        if isinstance(registry, Plugins):
            return registry
    return None


@contextmanager
def installed_only() -> Iterator[None]:
    """Refuse plug-ins that are neither built in nor announced by installed packages, in all threads."""
    refusal = object()
    _refusals.append(refusal)
    try:
        yield
    finally:
        _refusals.remove(refusal)


def _hidden(module: str) -> str:
    """Explain that a module in the current folder has the name of one of our packages; empty if none has."""
    room = module.partition(".")[0]
    for path in (Path(room), Path(f"{room}.py")):
        if room in ROOMS and path.exists() and path.resolve() not in _own_files(room):
            return f"{path} in the current folder has the name of a package of subnetlab; give it another name"
    return ""


def _own_files(room: str) -> list[Path]:
    return [Path(place).resolve() for place in getattr(import_module(room), "__path__", ())]
