"""The `[pool]` table: where miners and validators run.

    PoolTable    LocalTable (kind = "local") or RayTable (kind = "ray", the default)

A config with keys of a Ray pool can be tried with `--pool.kind local`: they are checked and ignored, except for an
address, which is refused, because it promises a cluster that the run would not use.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from cluster.hosts.host_link import START_TIMEOUT_S
from cluster.ray.placement import PlacementStrategy
from subnets.explanation import explain

from .base import Table

logger = logging.getLogger(__name__)


class _Pool(Table):
    """Where miners and validators run."""

    hosts: int | None = Field(None, ge=1)
    """Maximum hosts of a replicable engine. Omit it to allow one for each core."""
    start_timeout_s: float = Field(START_TIMEOUT_S, gt=0.0)
    """Seconds that a host may take to be placed, and again to open its engines. Large models from cold disks are
    slow."""
    rounds_in_flight: int = Field(2, ge=1)
    """Maximum concurrent rounds of each validator, so that its next task is ready while miners work."""
    isolate: bool = True
    """Run miners of plug-ins that need no core in a process (on Ray, an actor) for each class, so that a crash of
    theirs does not end the run. Their own `priority` is then not called: queries are ranked by stake."""


class LocalTable(_Pool):
    """Processes of this machine."""

    kind: Literal["local"] = "local"
    """Where miners and validators run: actors of a Ray cluster, or processes of this machine."""


class RayTable(_Pool):
    """Actors of a Ray cluster."""

    kind: Literal["ray"] = "ray"
    """Where miners and validators run: actors of a Ray cluster, or processes of this machine."""
    address: str | None = Field(None, min_length=1)
    """Address of a running Ray cluster, host:port or "auto". Omit it to start a private one."""
    gpu_gb: float = Field(0.0, ge=0.0)
    """Minimum memory of each GPU in GB; a cluster whose GPUs are known to have less is refused."""
    placement: PlacementStrategy = "pack"
    """"pack" fills machines that are in use first, as Ray does; "spread" takes turns."""
    wait_for_nodes_s: float = Field(0.0, ge=0.0)
    """Seconds to wait for machines from the cluster's autoscaler. With 0, hosts that don't fit are refused at once."""
    dashboard: bool = False
    """Start the dashboard of a private Ray cluster."""


POOLS: dict[str, type[_Pool]] = {"ray": RayTable, "local": LocalTable}

RAY_KEYS = RayTable.model_fields.keys() - LocalTable.model_fields.keys()


def _read(table: Any) -> Any:
    """Read a table by its kind; pydantic's own discriminator would put the kind into every message's key."""
    if not isinstance(table, Mapping):
        return table if isinstance(table, Table) else RayTable.model_validate(table)
    kind = table.get("kind", "ray")
    if not (isinstance(kind, str) and kind in POOLS):
        raise ValueError(f".kind: give {' or '.join(map(repr, POOLS))} (got {str(kind)[:80]!r})")
    try:
        if kind == "local":
            table = _without_ray_keys(table)
        return POOLS[kind].model_validate(table)
    except ValidationError as error:
        raise ValueError(explain(error, POOLS[kind])) from None


def _without_ray_keys(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a local pool's table without the keys of a Ray pool."""
    keys = {key: table[key] for key in sorted(table.keys() & RAY_KEYS)}
    if (address := keys.pop("address", None)) is not None:
        raise ValueError(
            f".address: {address!r} is the address of a Ray cluster, but kind is 'local'; leave it out, or set "
            'kind = "ray" (--pool.kind ray)'
        )
    try:
        checked = RayTable.model_validate(keys)
    except ValidationError as error:
        raise ValueError(explain(error, RayTable)) from None
    for key in keys:
        if getattr(checked, key) != RayTable.model_fields[key].default:
            logger.warning("pool.%s is ignored: only a Ray cluster has it, and pool.kind is 'local'", key)
    return {key: value for key, value in table.items() if key not in RAY_KEYS}


PoolTable = Annotated[RayTable | LocalTable, BeforeValidator(_read)]
