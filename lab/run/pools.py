"""Pools from a config: the one place where its `[pool]` table becomes hosts on a machine or a cluster.

    pool = build_pool(config, Path("runs/ocr"), validators={})
    async with pool: responses = await pool.query(query, uids)

A pool needs no run. `validators={}` builds one that only answers queries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import assert_never

from cluster import LocalPool, Pool, RayPool, Server
from cluster.requirements import Requirements
from lab.config.pool import LocalTable, PoolTable, RayTable
from lab.config.run_config import RunConfig
from miners import Miner
from subnets import Subnet
from validators import Validator


def build_pool(
    config: RunConfig,
    folder: Path,
    *,
    validators: Mapping[int, Validator] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Pool:
    """Build the pool of a config with all its miners and servers, not started yet.

    Args:
        config: the config.
        folder: where the logs of its servers go.
        validators: by uid; None builds the config's.
        report: gets a line of text while the pool waits for machines.

    Raises:
        ModelError: a miner or server needs a model that is not on this machine.
        PoolError: its hosts can't share this machine.
    """
    servers = config.build_servers(folder)
    miners = config.build_miners({server.name: server.address for server in servers})
    return pool_of(
        config.pool,
        dict(enumerate(miners, start=len(config.validator_names))),
        subnet=config.subnet,
        validators=dict(enumerate(config.build_validators())) if validators is None else validators,
        requirements=config.requirements(),
        servers=servers,
        report=report,
    )


def pool_of(
    table: PoolTable,
    miners: Mapping[int, Miner],
    *,
    subnet: Subnet | None = None,
    validators: Mapping[int, Validator] | None = None,
    requirements: Mapping[int, Requirements] | None = None,
    servers: Sequence[Server] = (),
    report: Callable[[str], None] = lambda line: None,
) -> Pool:
    """Build a pool of any miners and validators, by uid, from a `[pool]` table; validators need a subnet."""
    match table:
        case LocalTable():
            return LocalPool(
                subnet,
                miners,
                validators or {},
                max_replicas=table.hosts,
                servers=servers,
                start_timeout_s=table.start_timeout_s,
                isolate=table.isolate,
            )
        case RayTable():
            return RayPool(
                subnet,
                miners,
                validators or {},
                max_replicas=table.hosts,
                servers=servers,
                start_timeout_s=table.start_timeout_s,
                address=table.address,
                dashboard=table.dashboard,
                gpu_gb=table.gpu_gb,
                placement=table.placement,
                wait_for_nodes_s=table.wait_for_nodes_s,
                requirements=requirements,
                isolate=table.isolate,
                report=report,
            )
        case _:
            assert_never(table)
