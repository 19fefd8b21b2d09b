"""The description of a cluster: its machines, what they have, and their prices.

    spec = ClusterSpec.read(Path("configs/clusters/aws.toml"))
    spec.hourly_usd()   # None if a price is missing

No file can break this rule: Ray is never open to a network without token authentication.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from cluster.ray.address import is_loopback
from cluster.ray.placement import Node
from subnets.errors import TomlError
from subnets.explanation import explain
from subnets.option import Wording
from subnets.toml_file import read_toml

from .errors import LaunchError
from .tables import CloudTable, HeadTable, KubernetesTable, Line, Name, NodeTable, SshTable, Table, TlsTable

Provider = Literal["on_premise", "aws", "gcp", "kubernetes"]

FIRST_WITH_TOKENS = (2, 52)
"""The first Ray with token authentication."""
SHADOWRAY = (
    "anybody who reaches a Ray without one can run programs on all its machines (CVE-2023-48022, known as ShadowRay)"
)
MAX_NAME = 26
"""Maximum characters in the name of a cluster on premise: paths of Ray's sockets, of at most 107 bytes, contain it."""

HEAD = ("head.gpus", "head.gpu", "head.labels", "head.resources")
CLOUD = ("launcher", "kubernetes", "head.cpus", *HEAD, "nodes.machines", "nodes.memory_gb", "nodes.node_selector")
IDLE: dict[Provider, tuple[str, ...]] = {
    "on_premise": (
        *("cloud", "kubernetes"),
        *("nodes.nodes", "nodes.memory_gb", "nodes.machine_image", "nodes.disk_gb", "nodes.node_selector"),
    ),
    "aws": (*CLOUD, "cloud.project"),
    "gcp": CLOUD,
    "kubernetes": (
        *("launcher", "port", "dashboard_host", "set_up", "command", "ssh", "tls", "cloud", *HEAD),
        *("nodes.machine", "nodes.machines", "nodes.machine_image", "nodes.disk_gb"),
    ),
}
"""Keys that have no effect with a provider; `nodes` stands for the head and the workers."""


def installed_ray() -> str:
    """Return the installed version of Ray; a cluster must have the same to be joined from here."""
    return version("ray")


class ClusterSpec(Table):
    """A whole cluster."""

    name: Name
    provider: Provider
    launcher: Literal["ssh", "ray"] = "ssh"
    """On premise: plain `ray start` over ssh, or Ray's own launcher. Clouds always use the latter."""
    ray: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$"), Wording("a version such as 2.52.0")] = Field(
        default_factory=installed_ray
    )
    python: Annotated[str, Field(pattern=r"^3\.\d+$"), Wording("a version such as 3.11")] = "3.11"
    port: int = Field(6379, ge=1024, le=65535)
    token: bool = True
    """Token authentication; only a cluster on loopback can do without."""
    dashboard_host: Line = "127.0.0.1"
    image: Line | None = None
    """Container image in which everything runs."""
    set_up: tuple[Line, ...] = ()
    """Commands that run on every machine before Ray starts."""
    command: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_./-]+$"), Wording("a path of letters, digits, '_', '.', '/' and '-'")
    ] = "ray"
    """Path or name of `ray` on the machines."""
    head: HeadTable
    workers: tuple[NodeTable, ...] = ()
    ssh: SshTable = SshTable()
    tls: TlsTable | None = None
    cloud: CloudTable | None = None
    kubernetes: KubernetesTable = KubernetesTable()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a TOML file; raises LaunchError with the file, the key, what is allowed and the fix."""
        try:
            return cls.model_validate(read_toml(path))
        except TomlError as error:
            raise LaunchError(str(error)) from None
        except ValidationError as error:
            raise LaunchError(f"{path}: {explain(error, cls).removeprefix('.')}") from None

    @model_validator(mode="after")
    def _check(self) -> Self:
        for table in self.workers:
            if table.max_count < table.count:
                raise ValueError(
                    f".{table.name}.max_nodes: {table.max_count} is less than nodes, {table.count}; raise it"
                )
            if table.max_count == 0:
                raise ValueError(f".{table.name}.nodes: 0; give max_nodes, the limit of the autoscaler, or 1 node")
        names = [table.name for table in self.nodes]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f".workers: the name {twice[0]!r} is used twice; give each table a name of its own")
        self._check_safety()
        match self.provider:
            case "on_premise":
                self._check_on_premise()
            case "kubernetes":
                self._check_kubernetes()
            case _:
                self._check_cloud()
        self._check_keys()
        return self

    def _check_safety(self) -> None:
        """Refuse clusters that would be open to a network."""
        if self.token and tuple(map(int, self.ray.split(".")[:2])) < FIRST_WITH_TOKENS:
            raise ValueError(f".ray: {self.ray} has no token authentication; use 2.52 or newer: {SHADOWRAY}")
        if not self.token and not self.on_loopback:
            raise ValueError(f".token: false, and the cluster is on a network: {SHADOWRAY}; leave it true")
        if not is_loopback(self.dashboard_host):
            raise ValueError(
                f".dashboard_host: {self.dashboard_host!r} opens the dashboard to the network; leave it at 127.0.0.1 "
                f"and use a tunnel: ssh -L 8265:127.0.0.1:8265 {self.head.machine or 'HEAD'}"
            )

    def _check_keys(self) -> None:
        """Refuse keys that would have no effect, and a cluster on which nothing could run."""
        for path in IDLE[self.provider]:
            parent, _, key = path.rpartition(".")
            tables = {"": (self,), "cloud": (self.cloud,), "head": (self.head,), "nodes": self.nodes}
            for table in tables[parent]:
                if table and getattr(table, key) != type(table).model_fields[key].get_default(
                    call_default_factory=True
                ):
                    named = f".{table.name}.{key}" if isinstance(table, NodeTable) else f".{path}"
                    instead = "use kubernetes.tls" if key == "tls" else "leave it out"
                    raise ValueError(f"{named}: does nothing with the provider {self.provider}; {instead}")
        if self.provider != "on_premise" and not self.workers:
            raise ValueError(
                f".workers: missing; with the provider {self.provider} the head takes no hosts: add workers"
            )
        if self.uses_ray_launcher and (self.ssh.port != 22 or self.ssh.options):
            raise ValueError(".ssh: Ray's launcher takes neither port nor options; set both in ~/.ssh/config")

    def _check_on_premise(self) -> None:
        if self.head.machine is None:
            raise ValueError(".head.machine: missing; give the address of the head")
        for place, table in enumerate(self.workers):
            if table.machine or not table.machines:
                raise ValueError(f'.workers[{place}].machines: give the addresses, as in ["10.0.0.11"]')
            if table.max_nodes is not None:
                raise ValueError(
                    f".workers[{place}].max_nodes: machines on premise can't be added on demand; leave it out"
                )
        if self.launcher == "ssh" and len(self.name) > MAX_NAME:
            raise ValueError(f".name: {len(self.name)} characters; Ray's sockets leave room for {MAX_NAME}")
        if self.image is not None and self.launcher == "ssh":
            raise ValueError('.image: plain ssh starts Ray without a container; use launcher = "ray", or set_up')
        starts = [(table.cpus, table.gpus, table.ray_labels, table.resources) for table in self.workers]
        if self.launcher == "ray" and any(start != starts[0] for start in starts):
            raise ValueError(
                ".workers: Ray's launcher starts all of them alike; give all the same cpus, gpus, gpu, labels and "
                'resources, or use launcher = "ssh"'
            )
        machines = [self.head.machine, *self.worker_machines]
        if colons := [machine for machine in machines if ":" in machine]:
            raise ValueError(
                f".machine: {colons[0]!r} looks like host:port; give a name or an IPv4 address, and ssh's port "
                "as ssh.port"
            )
        if self.workers and (local := [machine for machine in machines if is_loopback(machine)]):
            raise ValueError(f".workers: {local[0]} can't be reached by the other machines; give its own address")
        if twice := [machine for machine in machines if machines.count(machine) > 1]:
            raise ValueError(f".workers: the machine {twice[0]} is named twice; Ray runs once on each")

    def _check_kubernetes(self) -> None:
        for table in self.nodes:
            if table.cpus is None or table.memory_gb is None:
                raise ValueError(f".{table.name}: a pod needs cpus and memory_gb; give both")
        if self.image is None:
            raise ValueError(".image: missing; build the Containerfile, push it, and give its name here")

    def _check_cloud(self) -> None:
        if self.cloud is None or (self.provider == "gcp" and not (self.cloud.project and self.cloud.zone)):
            raise ValueError(
                '.cloud: give region (and for gcp: zone and project), as in cloud = {region = "us-west-2"}'
            )
        if self.ssh.key is not None:
            raise ValueError(".ssh.key: Ray makes a key of its own in the cloud and keeps it in ~/.ssh; leave it out")
        for table in self.nodes:
            needs_cpus = self.provider == "gcp" and table is not self.head
            for key in ("machine", "machine_image", *(("cpus",) if needs_cpus else ())):
                if getattr(table, key) is None:
                    raise ValueError(
                        f".{table.name}.{key}: missing; give the instance type as machine, as machine_image what it "
                        "boots (Ray's own default is too old for Python 3.11), and on gcp the cpus of workers"
                    )

    @property
    def nodes(self) -> tuple[NodeTable, ...]:
        """The head and all kinds of workers."""
        return (self.head, *self.workers)

    @property
    def worker_machines(self) -> list[str]:
        """Addresses of the workers, on premise."""
        return [machine for table in self.workers for machine in table.machines]

    @property
    def uses_ray_launcher(self) -> bool:
        """True if Ray's own launcher brings the cluster up."""
        return self.provider in ("aws", "gcp") or (self.provider == "on_premise" and self.launcher == "ray")

    @property
    def folder(self) -> str:
        """Folder of the cluster's token, as written in a shell, on its machines and on this one."""
        return f"~/.subnetlab/{self.name}"

    @property
    def token_file(self) -> Path:
        """The token's file on this machine."""
        return Path(self.folder).expanduser() / "token"

    @property
    def on_loopback(self) -> bool:
        """True if no other machine can reach it."""
        return self.provider == "on_premise" and not self.workers and is_loopback(self.head.machine or "")

    @property
    def grows(self) -> bool:
        """True if an autoscaler adds and removes machines."""
        return any(table.max_count > table.count for table in self.workers)

    def hourly_usd(self, *, grown: bool = False) -> float | None:
        """Return the cost of all nodes in dollars per hour, at full size if `grown`; None if a price is missing."""
        total = 0.0
        for table in self.nodes:
            if table.price_hour_usd is None:
                return None
            total += table.price_hour_usd * (table.max_count if grown else table.count)
        return total

    @property
    def plan_nodes(self) -> list[Node]:
        """All machines that the cluster may have, for a plan; a head takes hosts only on premise."""
        tables = self.nodes if self.provider == "on_premise" else self.workers
        return [node for table in tables for node in table.nodes_for_plan]

    def environment(self) -> dict[str, str]:
        """Return the variables of every Ray process, none of them a secret."""
        variables = {"RAY_AUTH_MODE": "token" if self.token else "disabled"}
        if self.on_loopback:
            variables["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        return variables | self.tls_environment()

    def tls_environment(self) -> dict[str, str]:
        """Return the variables that programs need to talk to its Ray over TLS, if it uses TLS."""
        if self.tls is None:
            return {}
        return {
            "RAY_USE_TLS": "1",
            "RAY_TLS_SERVER_CERT": self.tls.cert,
            "RAY_TLS_SERVER_KEY": self.tls.key,
            "RAY_TLS_CA_CERT": self.tls.ca,
        }
