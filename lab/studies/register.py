"""Studies by name: ours, those that installed packages announce, and "module:NAME"."""

from __future__ import annotations

import pydoc
from importlib.util import find_spec
from typing import Any

from lab.studies import STUDIES
from subnets import PluginError
from subnets.plugin import announced, import_object

from .study import MeasuredStudy, SimulatedStudy

GROUP = "subnetlab.studies"
"""Entry-point group of studies."""

AnyStudy = MeasuredStudy[Any, Any] | SimulatedStudy[Any, Any]


def known_studies() -> dict[str, str]:
    """Return every study that has a name: its "module:NAME"."""
    # Ours come first, and keep their names.
    return {**STUDIES, **announced(GROUP), **STUDIES}


def load_study(name: str) -> AnyStudy:
    """Return a study by its name, or by the "module:NAME" of its object.

    Raises:
        PluginError: there is none, it can't be imported, or it is no study.
    """
    source = known_studies().get(name, name)
    if ":" not in source:
        raise PluginError(f"unknown study {name!r}; known: {', '.join(known_studies())}; or name module:STUDY")
    study = import_object(source, f"study {name!r} ({source})")
    if not isinstance(study, MeasuredStudy | SimulatedStudy):
        raise PluginError(f"{source} is no study; give a MeasuredStudy or a SimulatedStudy")
    return study


def question_of(name: str) -> str:
    """Return the question that a study answers: the first line of its module's docstring, without importing it."""
    module = known_studies().get(name, name).partition(":")[0]
    try:
        spec = find_spec(module)
    except ImportError:
        return ""
    return (pydoc.synopsis(spec.origin) or "") if spec is not None and spec.origin is not None else ""
