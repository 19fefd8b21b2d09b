"""`subnetlab cluster plan`: check whether the hosts of a run fit on some machines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.console.command import examples
from lab.cli.console.config_command import overrides
from lab.cli.console.options import Address, AsJson, ConfigArgument
from lab.cli.console.output import FAILED, print_json

if TYPE_CHECKING:
    from cluster.launch import ClusterSpec
    from cluster.ray.placement import Node, Placement
    from lab.report.section import Section

EPILOG = examples(
    "cluster plan configs/ocr.toml",
    "cluster plan configs/ocr.toml --nodes 2:cpus=16,gpus=1,gpu=L4",
    "cluster plan configs/ocr.toml --on configs/clusters/aws.toml",
)
NODES_HELP = (
    "Machines to plan for, such as 2:cpus=16,gpus=1,gpu=L4,label.zone=a,resource.nvme=1; can be given several times."
)


def plan(
    context: typer.Context,
    config: ConfigArgument,
    nodes: Annotated[list[str] | None, typer.Option(metavar="MACHINES", help=NODES_HELP)] = None,
    on: Annotated[Path | None, typer.Option("--on", help="Plan for the cluster that this TOML file describes.")] = None,
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Show a run's hosts, what each needs and where it fits; exit code 1 if something is missing."""
    from cluster.plan import plan as plan_hosts
    from cluster.ray.placement import fit, room
    from lab.config.pool import RayTable
    from lab.config.run_config import RunConfig

    if sum(choice is not None for choice in (nodes, on, address)) > 1:
        raise typer.BadParameter("--nodes, --on and --address exclude each other")
    settings = RunConfig.read(config, overrides([], context.args, address))
    pool = settings.pool if isinstance(settings.pool, RayTable) else RayTable(hosts=settings.pool.hosts)
    machines = _machines(nodes, on, pool.address)
    miners = dict(enumerate(settings.build_miners(), start=len(settings.validator_names)))
    hosts = plan_hosts(miners, room(machines, pool.gpu_gb), pool.hosts, settings.requirements())
    placement = fit(hosts, machines, pool.gpu_gb, pool.placement)
    if as_json:
        print_json(_as_dict(placement, machines))
    else:
        _print(placement, machines)
    if placement.missing:
        raise typer.Exit(FAILED)


def read_spec(file: Path) -> ClusterSpec:
    """Read the description of a cluster."""
    from cluster.launch import ClusterSpec

    with config_errors():
        return ClusterSpec.read(file)


@contextmanager
def config_errors(prefix: str = "") -> Iterator[None]:
    """Report a mistake in a cluster's description like one in any other config."""
    from cluster.launch import LaunchError
    from lab.errors import ConfigError

    try:
        yield
    except LaunchError as error:
        raise ConfigError(f"{prefix}{error}") from None


def _machines(nodes: list[str] | None, on: Path | None, address: str | None) -> list[Node]:
    """Return the machines given by text, by a file or by a running cluster; by default this one."""
    from cluster.host_pool import available_cores
    from cluster.launch import parse_nodes
    from cluster.ray.placement import Node
    from inference.device import gpu_here

    if nodes is not None:
        with config_errors("--nodes "):
            return [node for index, text in enumerate(nodes) for node in parse_nodes(text, f"n{index}")]
    if on is not None:
        spec = read_spec(on)
        with config_errors(f"{on}: "):
            return spec.plan_nodes
    if address is not None:
        return asyncio.run(_nodes_at(address))
    return [Node("here", float(available_cores()), float(gpu_here()))]


async def _nodes_at(address: str) -> list[Node]:
    """Ask a running cluster for its machines."""
    from cluster import RaySession

    session = RaySession(address=address)
    await session.start()
    try:
        return session.nodes()
    finally:
        await session.close()


def _as_dict(placement: Placement, machines: Sequence[Node]) -> dict[str, Any]:
    return {
        "nodes": [asdict(node) for node in machines],
        "hosts": [
            {
                "host": placed.host,
                "node": placed.node,
                "cpus": placed.group.cpus,
                "gpus": placed.group.gpus,
                "resources": dict(placed.group.requirements.resources),
                "labels": dict(placed.group.requirements.labels),
                "miners": len(placed.group.miners),
                "at_once": placed.group.slots,
            }
            for placed in placement.placed
        ],
        "missing": placement.missing or None,
    }


def _print(placement: Placement, machines: Sequence[Node]) -> None:
    from lab.report.terminal import MOST_ROWS, show

    table = _table(placement)
    show([table], wide=len(table.rows) > MOST_ROWS)  # each host is shown: there is no report that lists the others
    typer.echo(f"nodes: {', '.join(map(_describe, machines))}")
    if any(node.gpus for node in machines) and not any(placed.group.gpus for placed in placement.placed):
        typer.echo(
            'no host takes a GPU: the plan resolves device = "auto" on this machine; set device = "cuda" explicitly'
        )
    typer.echo(f"missing: {placement.missing}" if placement.missing else "all fits")


def _table(placement: Placement) -> Section:
    """Return each host with what it takes and where it fits."""
    from lab.report.section import NO_CAPTION, Column, Section

    rows = [
        {
            "host": placed.host,
            "CPU": _whole(placed.group.cpus),
            "GPU": _whole(placed.group.gpus),
            "needs": str(placed.group.requirements),
            "miners": len(placed.group.miners),
            "at once": placed.group.slots,
            "node": placed.node or "nowhere",
        }
        for placed in placement.placed
    ]
    shown = [title for title in next(iter(rows), {}) if title != "needs" or any(row["needs"] for row in rows)]
    columns = tuple(Column(title, title) for title in shown)
    return Section("hosts", "Hosts", NO_CAPTION, columns, tuple(tuple(row[title] for title in shown) for row in rows))


def _whole(amount: float) -> int | float:
    return int(amount) if amount == int(amount) else amount


def _describe(node: Node) -> str:
    amounts = [f"{node.cpus:g} CPU"] + ([f"{node.gpus:g} GPU {node.gpu or ''}".rstrip()] if node.gpus else [])
    amounts += [f"{amount:g} {kind}" for kind, amount in node.resources.items()]
    return " ".join([node.name, *amounts, *(f"{key}={value}" for key, value in node.labels.items())])
