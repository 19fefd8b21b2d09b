"""`subnetlab cluster`: what a config needs of a cluster, and clusters brought up, shown and ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.config.flags import Address, overrides
from lab.errors import ConfigError

if TYPE_CHECKING:
    from cluster.launch import ClusterSpec, Command
    from cluster.ray.placement import Node, Placement

cluster_app = typer.Typer(no_args_is_help=True, help="Plan for a cluster, bring it up, end it.", rich_markup_mode=None)

File = Annotated[Path, typer.Argument(help="A TOML file that describes a cluster; see configs/clusters/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show files and commands, and run nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
NODES_HELP = (
    "Machines to plan for, as in 2:cpus=16,gpus=1,gpu=L4,label.zone=a,resource.nvme=1; may be given more than once."
)


def mount(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(cluster_app, name="cluster")


@cluster_app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Examples:  subnetlab cluster plan configs/ocr.toml   |   subnetlab cluster plan configs/text_prompting.toml"
    " --nodes 2:cpus=16,gpus=1,gpu=L4",
)
def plan(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The config of a run; every key is also a flag.")],
    nodes: Annotated[list[str] | None, typer.Option(metavar="COUNT:KEY=VALUE,...", help=NODES_HELP)] = None,
    on: Annotated[Path | None, typer.Option("--on", help="Plan for the cluster of this TOML file.")] = None,
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Show which hosts a run has, what they need, where they fit and what is missing; 1 where something is."""
    from cluster.plan import plan as plan_hosts
    from cluster.ray.placement import fit, room
    from lab.config.pool import RayTable
    from lab.config.run_config import RunConfig

    if sum(given is not None for given in (nodes, on, address)) > 1:
        raise typer.BadParameter("--nodes, --on and --address exclude each other")
    settings = RunConfig.read(config, overrides([], context.args, address))
    pool = settings.pool if isinstance(settings.pool, RayTable) else RayTable(hosts=settings.pool.hosts)
    machines = _machines(nodes, on, pool.address)
    miners = dict(enumerate(settings.build_miners(), start=len(settings.validator_names)))
    hosts = plan_hosts(miners, room(machines, pool.gpu_gb), pool.hosts, settings.requirements())
    found = fit(hosts, machines, pool.gpu_gb, pool.placement)
    if as_json:
        typer.echo(json.dumps(_plan_json(found, machines), indent=2))
    else:
        _print_plan(found, machines)
    if found.missing:
        raise typer.Exit(1)


@cluster_app.command(epilog="Example:  subnetlab cluster up configs/clusters/on_premise.toml --dry-run")
def up(file: File, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Bring a cluster up; what is run and what it costs an hour is shown first."""
    from cluster.launch import LaunchError, ready_token, up_commands

    spec = _read(file)
    folder = _files(spec, file, write=not dry_run, show=dry_run)
    if _agreed(spec, up_commands(spec, folder), dry_run, yes):
        ready_token(spec)
        started = spec.rays_launcher
        for command in up_commands(spec, folder):
            try:
                _run([command])
            except LaunchError as error:
                if not started:
                    raise
                raise LaunchError(
                    f"{error}; machines may be up: end them with: subnetlab cluster down {file}"
                ) from None
            started = started or bool(command.script)
        typer.echo(_how_to_join(spec))


@cluster_app.command(epilog="Example:  subnetlab cluster status configs/clusters/on_premise.toml")
def status(file: File, dry_run: DryRun = False) -> None:
    """Show a cluster's nodes and what is in use."""
    from cluster.launch import status_commands

    spec = _read(file)
    commands = status_commands(spec, _files(spec, file, write=not dry_run))
    if dry_run:
        _show(commands)
    else:
        _run(commands)


@cluster_app.command(epilog="Example:  subnetlab cluster down configs/clusters/on_premise.toml")
def down(file: File, dry_run: DryRun = False, yes: Yes = False) -> None:
    """End a cluster, and nothing else that runs on its machines."""
    from cluster.launch import LaunchError, down_commands

    spec = _read(file)
    commands = down_commands(spec, _files(spec, file, write=not dry_run))
    if not _agreed(spec, commands, dry_run, yes):
        return
    failed = 0
    for command in commands:  # a machine that is away keeps no other one up
        try:
            _run([command])
        except LaunchError as error:
            typer.echo(f"subnetlab: {error}", err=True)
            failed += 1
    if failed:
        raise LaunchError(f"{failed} of {len(commands)} commands failed: when the machines answer, run it again")


@cluster_app.command(epilog="Example:  subnetlab cluster manifest configs/clusters/kubernetes.toml --out manifests")
def manifest(
    file: File,
    out: Annotated[Path | None, typer.Option(help="Folder to write them into; by default they are printed.")] = None,
) -> None:
    """Write the Containerfile of a cluster's image, and on Kubernetes KubeRay's manifests and a NetworkPolicy."""
    from cluster.launch import manifests

    made = manifests(_read(file), file.name)
    if out is None:
        typer.echo("\n".join(f"--- # {name}\n{text}" for name, text in made.items()), nl=False)
        return
    _write(made, out)
    typer.echo(f"{', '.join(made)} written to {out}")


def _read(file: Path) -> ClusterSpec:
    from cluster.launch import ClusterSpec, LaunchError

    try:
        return ClusterSpec.read(file)
    except LaunchError as error:
        raise ConfigError(str(error)) from None


def _files(spec: ClusterSpec, file: Path, *, write: bool, show: bool = False) -> Path:
    """Make the files that commands name, in .subnetlab/clusters/NAME; return that folder."""
    from cluster.launch import launcher_file, manifests, require_client

    if write:
        require_client(spec)
    folder = Path(".subnetlab/clusters") / spec.name
    made: Mapping[str, str] = {}
    if spec.provider == "kubernetes":
        made = manifests(spec, file.name)
    elif spec.rays_launcher:
        made = {"ray_up.yaml": launcher_file(spec, file.name)}
    if write:
        _write(made, folder)
    if show:
        for name, text in made.items():
            typer.echo(f"# {folder / name}\n{text}")
    return folder


def _write(files: Mapping[str, str], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror or error}") from None


def _agreed(spec: ClusterSpec, commands: Sequence[Command], dry_run: bool, yes: bool) -> bool:
    _show(commands)
    _print_price(spec)
    return not dry_run and (yes or typer.confirm("Run these?", default=False))


def _show(commands: Sequence[Command]) -> None:
    for command in commands:
        typer.echo(f"$ {command.shown}")


def _print_price(spec: ClusterSpec) -> None:
    for table in spec.nodes:
        each = "price not given" if table.price_hour_usd is None else f"${table.price_hour_usd:.4f} an hour each"
        gpus = f", {table.gpus} GPU{f' {table.gpu}' if table.gpu else ''}" if table.gpus else ""
        count = f"{table.count} to {table.most}" if table.most > table.count else f"{table.count}"
        typer.echo(f"{count} x {table.name}{f' ({table.machine})' if table.machine else ''}{gpus}: {each}")
    least, most = spec.hourly_usd(), spec.hourly_usd(grown=True)
    if least is None or most is None:
        typer.echo("cost: unknown; give price_hour_usd of each kind of node")
    else:
        grown = f"; grown to the most, ${most:.4f} an hour, ${24 * most:.2f} a day" if spec.grows else ""
        typer.echo(f"cost: ${least:.4f} an hour, ${24 * least:.2f} a day{grown}")


def _run(commands: Sequence[Command]) -> None:
    for command in commands:
        typer.echo(f"$ {command.shown.splitlines()[0]}")
        command.run(lambda line: typer.echo(f"  {line}"))


def _how_to_join(spec: ClusterSpec) -> str:
    token = f"RAY_AUTH_TOKEN_PATH={spec.folder}/token"
    lines = []
    if spec.provider == "kubernetes":
        kubectl = f"kubectl --namespace {spec.kubernetes.namespace}"
        secret = f"{kubectl} get secret {spec.name} -o jsonpath='{{.data.auth_token}}' | base64 -d"
        lines.append(f"its token:  (umask 077; mkdir -p {spec.folder}; {secret} > {spec.folder}/token)")
        forward = f"{kubectl} port-forward service/{spec.name}-head-svc 8265"
    else:
        shown = " ".join([token, *(f"{key}={value}" for key, value in spec.tls_environment().items())])
        address = "auto" if spec.rays_launcher else f"{spec.head.machine}:{spec.port}"
        lines.append(f"on a machine of it:  {shown} subnetlab run CONFIG --address {address}")
        forward = f"ssh -p {spec.ssh.port} -L 8265:127.0.0.1:8265 {spec.ssh.user}@{spec.head.machine}"
        if spec.rays_launcher:
            forward = f"ray dashboard .subnetlab/clusters/{spec.name}/ray_up.yaml"
    lines.append(f"from here, beside  {forward}:  {token} subnetlab submit CONFIG")
    return "\n".join(lines)


def _machines(nodes: list[str] | None, on: Path | None, address: str | None) -> list[Node]:
    """Take the machines that are named, those of a file, of a running cluster, or this one."""
    from cluster.host_pool import available_cores
    from cluster.launch import LaunchError
    from cluster.ray.placement import Node
    from miners.engines.power import gpu_here

    if nodes is not None:
        return [node for place, text in enumerate(nodes) for node in _parse(text, place)]
    if on is not None:
        try:
            return _read(on).plan_nodes
        except LaunchError as error:
            raise ConfigError(f"{on}: {error}") from None
    if address is not None:
        return _running(address)
    return [Node("here", float(available_cores()), float(gpu_here()))]


def _running(address: str) -> list[Node]:
    import asyncio

    from cluster import RaySession

    async def ask() -> list[Node]:
        session = RaySession(address=address)
        await session.start()
        try:
            return session.nodes()
        finally:
            await session.close()

    return asyncio.run(ask())


def _parse(text: str, place: int) -> list[Node]:
    """Read COUNT:cpus=N,gpus=N,gpu=KIND,gpu_gb=N,label.KEY=VALUE,resource.KEY=N."""
    from pydantic import ValidationError

    from cluster.launch.tables import NodeTable
    from subnets.plugin import explain

    count, colon, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",")]
    if not colon or not count.isdigit() or not all(equals for _, equals, _ in pairs):
        raise ConfigError(f"--nodes {text}: write COUNT:cpus=N,gpus=N,gpu=KIND, as in 2:cpus=16,gpus=1,gpu=L4")
    try:
        values: dict[str, Any] = {"name": f"n{place}", "nodes": int(count), "labels": {}, "resources": {}}
        for key, _, value in pairs:
            kind, dot, name = key.partition(".")
            if dot and kind in ("label", "resource"):
                values[f"{kind}s"][name] = value
            else:
                values[key] = value
        return NodeTable.model_validate(values).nodes_for_plan
    except ValidationError as error:
        raise ConfigError(f"--nodes {text}: {explain(error, NodeTable).removeprefix('.')}") from None


def _plan_json(found: Placement, machines: Sequence[Node]) -> dict[str, Any]:
    from dataclasses import asdict

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
            for placed in found.placed
        ],
        "missing": found.missing or None,
    }


def _print_plan(found: Placement, machines: Sequence[Node]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Hosts", title_justify="left", box=None, header_style="dim")
    particular = any(str(placed.group.requirements) for placed in found.placed)
    for column in ("host", "CPU", "GPU", *(("wants",) if particular else ()), "miners", "at once", "node"):
        table.add_column(column, justify="left" if column in ("host", "wants", "node") else "right")
    for placed in found.placed:
        group = placed.group
        numbers = (f"{group.cpus:g}", f"{group.gpus:g}", *((str(group.requirements),) if particular else ()))
        row = (placed.host, *numbers, str(len(group.miners)), str(group.slots), placed.node or "nowhere")
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
    typer.echo(f"nodes: {', '.join(map(_node, machines))}")
    if any(node.gpus for node in machines) and not any(placed.group.gpus for placed in found.placed):
        typer.echo(
            'no host takes a GPU: an engine with device = "auto" is planned for this machine; name device = "cuda"'
        )
    typer.echo(f"missing: {found.missing}" if found.missing else "all fits")


def _node(node: Node) -> str:
    amounts = [f"{node.cpus:g} CPU"] + ([f"{node.gpus:g} GPU {node.gpu or ''}".rstrip()] if node.gpus else [])
    amounts += [f"{amount:g} {kind}" for kind, amount in node.resources.items()]
    return " ".join([node.name, *amounts, *(f"{key}={value}" for key, value in node.labels.items())])
