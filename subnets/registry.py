"""Subnets known by name."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .plugin import Plugins
from .subnet import Subnet

SUBNETS: Plugins[Subnet] = Plugins(
    sort="subnet",
    group="subnetlab.subnets",
    base=Subnet,  # type: ignore[type-abstract]
    builtin={
        "ocr": "subnets.ocr:OCR",
        "template": "subnets.template:Template",
        "text_prompting": "subnets.text_prompting:TextPrompting",
    },
)


@lru_cache(64)  # names come from queries of strangers
def subnet_class(name: str) -> type[Subnet]:
    """Return the class of the subnet that a query names; `Subnet` itself for one that is not known by name here."""
    return SUBNETS.find(name) if name in SUBNETS.sources() else Subnet


def load_subnet(spec: str | Mapping[str, Any]) -> Subnet:
    """Build a subnet from its name, "module:Class", or a table with `kind` and options.

    Raises:
        PluginError: unknown name, failing import, or a wrong option.
    """
    return SUBNETS.load(spec)
