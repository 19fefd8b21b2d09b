"""Subnets known by name."""

from collections.abc import Mapping
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


def load_subnet(spec: str | Mapping[str, Any]) -> Subnet:
    """Build a subnet from its name, "module:Class", or a table with `kind` and options.

    Raises:
        PluginError: unknown name, failing import, or a wrong option.
    """
    return SUBNETS.load(spec)
