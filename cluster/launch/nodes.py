"""Machines described in one line of text, for a plan."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from cluster.ray.placement import Node
from subnets.explanation import explain

from .errors import LaunchError
from .tables import NodeTable


def parse_nodes(text: str, name: str) -> list[Node]:
    """Read COUNT:cpus=N,gpus=N,gpu=KIND,gpu_gb=N,label.KEY=VALUE,resource.KEY=N into machines called NAME-0, NAME-1...

    Raises:
        LaunchError: the text is not of this form, or a value is out of range.
    """
    count, colon, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",")]
    if not colon or not count.isdigit() or not all(equals for _, equals, _ in pairs):
        raise LaunchError(f"{text}: write COUNT:cpus=N,gpus=N,gpu=KIND, as in 2:cpus=16,gpus=1,gpu=L4")
    values: dict[str, Any] = {"name": name, "nodes": int(count), "labels": {}, "resources": {}}
    for key, _, value in pairs:
        kind, dot, label = key.partition(".")
        if dot and kind in ("label", "resource"):
            values[f"{kind}s"][label] = value
        else:
            values[key] = value
    try:
        return NodeTable.model_validate(values).nodes_for_plan
    except ValidationError as error:
        raise LaunchError(f"{text}: {explain(error, NodeTable).removeprefix('.')}") from None
