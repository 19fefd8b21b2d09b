"""The description of a cluster: which machines, with what on them, at what price.

    spec = ClusterSpec.read(Path("configs/clusters/aws.toml"))
    spec.hourly_usd()   # None where a price is not given

The rule that no file of it can break: Ray is never open to a network without token authentication.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cluster.fit import GPU_KIND, LABEL, Node
from cluster.ray_address import is_loopback
from subnets.plugin import explain

from .errors import LaunchError

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
"""As Kubernetes and the clouds allow it."""
Machine = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._:-]{0,252}[A-Za-z0-9])?$")]
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f]+$")]
LabelKey = Annotated[str, Field(pattern=rf"^({LABEL}/)?{LABEL}$")]
LabelValue = Annotated[str, Field(pattern=rf"^{LABEL}$")]
Resource = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$")]
Provider = Literal["on_premise", "aws", "gcp", "kubernetes"]

FIRST_WITH_TOKENS = (2, 52)
"""The first Ray with token authentication."""
SHADOWRAY = (
    "whoever reaches a Ray without one can run programs on all its machines (CVE-2023-48022, known as ShadowRay)"
)


def installed_ray() -> str:
    """Return the version of Ray here: a cluster that is joined from here needs the same."""
    return version("ray")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NodeTable(_Table):
    """The head, or one kind of worker."""

    name: Name = "worker"
    machine: Machine | None = None
    """Instance type (aws, gcp); on premise, the machine's address."""
    machines: tuple[Machine, ...] = ()
    """On premise: the addresses of workers."""
    nodes: int = Field(1, ge=0, le=1000)
    """How many; on premise, as many as there are addresses."""
    max_nodes: int | None = Field(None, ge=1, le=1000)
    """How many the cluster's autoscaler may have; None for no more than `nodes`. Not on premise."""
    cpus: int | None = Field(None, ge=0)
    memory_gb: float | None = Field(None, gt=0.0)
    gpus: int = Field(0, ge=0, le=16)
    gpu: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Kind, as Ray names it: L4, A100, H100."""
    gpu_gb: float | None = Field(None, gt=0.0)
    """Memory of each GPU, where its kind does not say."""
    labels: dict[LabelKey, LabelValue] = {}
    """Ray's, that miners may ask for."""
    resources: dict[Resource, Annotated[int, Field(ge=1)]] = {}
    """Custom resources of Ray, of each machine."""
    machine_image: Line | None = None
    """AMI or GCP image that the machine boots."""
    disk_gb: int = Field(100, ge=20)
    price_hour_usd: float | None = Field(None, ge=0.0)
    """Of one node."""
    node_selector: dict[str, Line] = {}
    """Kubernetes: labels of the nodes that its pods may run on."""

    @property
    def count(self) -> int:
        """How many machines there are always."""
        return len(self.machines) or self.nodes

    @property
    def most(self) -> int:
        """How many machines there may be."""
        return self.max_nodes or self.count

    @property
    def ray_labels(self) -> dict[str, str]:
        """Labels that Ray is to give the machine."""
        return ({GPU_KIND: self.gpu} if self.gpu else {}) | self.labels

    @property
    def nodes_for_plan(self) -> list[Node]:
        """The machines as a plan sees them; raises LaunchError where the CPUs are not given."""
        if self.cpus is None:
            raise LaunchError(f"{self.name}: how many CPUs has it? give cpus = N")
        return [
            Node(
                f"{self.name}-{place}",
                float(self.cpus),
                float(self.gpus),
                self.gpu,
                self.gpu_gb,
                labels=self.labels,
                resources={kind: float(amount) for kind, amount in self.resources.items()},
            )
            for place in range(self.most)
        ]


class HeadTable(NodeTable):
    """The machine that coordinates; it works too, except on Kubernetes."""

    name: Name = "head"
    nodes: Literal[1] = 1
    max_nodes: None = None


class SshTable(_Table):
    """How machines are reached."""

    user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]*$")] = "ubuntu"
    key: Line | None = None
    port: int = Field(22, ge=1, le=65535)
    options: tuple[Line, ...] = ()
    """More `-o` options of ssh."""


class TlsTable(_Table):
    """Paths on every machine, for Ray's own gRPC."""

    cert: Line
    key: Line
    ca: Line


class CloudTable(_Table):
    """Where in the cloud."""

    region: Line
    zone: Line | None = None
    project: Line | None = None
    """GCP's."""


class KubernetesTable(_Table):
    """What manifests need besides."""

    namespace: Name = "default"
    config: Line = "configs/ocr.toml"
    """That the RayJob runs."""
    record: Line | None = None
    """SQLAlchemy URL of the job's record: a pod's own disk ends with the pod."""
    serve_model: Line | None = None
    """Model that the RayService serves over the OpenAI protocol; None: no RayService."""
    tls: bool = False
    """mTLS by the operator (KubeRay 1.7 with the gate RayClusterMTLS, and cert-manager)."""


class ClusterSpec(_Table):
    """A whole cluster."""

    name: Name
    provider: Provider
    launcher: Literal["ssh", "ray"] = "ssh"
    """On premise: plain `ray start` over ssh, or Ray's own launcher; clouds always take the latter."""
    ray: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] = Field(default_factory=installed_ray)
    python: Annotated[str, Field(pattern=r"^3\.\d+$")] = "3.11"
    port: int = Field(6379, ge=1024, le=65535)
    token: bool = True
    """Token authentication; only a cluster on loopback alone can do without."""
    dashboard_host: Line = "127.0.0.1"
    image: Line | None = None
    """Container image that everything runs in."""
    set_up: tuple[Line, ...] = ()
    """Commands on every machine before Ray starts."""
    command: Annotated[str, Field(pattern=r"^[A-Za-z0-9_./-]+$")] = "ray"
    """How `ray` is called on the machines."""
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
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise LaunchError(f"{path}: no such file; the shipped ones are in configs/clusters/") from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise LaunchError(f"{path}: can't be read: {error}") from None
        except ValidationError as error:
            raise LaunchError(f"{path}: {explain(error, cls).removeprefix('.')}") from None

    @model_validator(mode="after")
    def _check(self) -> Self:
        for table in self.workers:
            if table.most < table.count:
                raise ValueError(f".{table.name}.max_nodes: {table.most} is fewer than nodes, {table.count}; raise it")
            if table.most == 0:
                raise ValueError(f".{table.name}.nodes: 0; give max_nodes, up to which the autoscaler may go, or 1")
        names = [table.name for table in self.nodes]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f".workers: the name {twice[0]!r} is used twice; give each table a name of its own")
        self._check_safety()
        self._check_machines()
        return self

    def _check_safety(self) -> None:
        """Refuse what would be open to a network."""
        if self.token and tuple(map(int, self.ray.split(".")[:2])) < FIRST_WITH_TOKENS:
            raise ValueError(f".ray: {self.ray} has no token authentication; take 2.52 or newer, for {SHADOWRAY}")
        if not self.token and not self.on_loopback:
            raise ValueError(f".token: false, and the cluster is on a network: {SHADOWRAY}; leave it true")
        if not is_loopback(self.dashboard_host):
            raise ValueError(
                f".dashboard_host: {self.dashboard_host!r} opens the dashboard to the network; leave it 127.0.0.1 and "
                f"come through ssh: ssh -L 8265:127.0.0.1:8265 {self.head.machine or 'HEAD'}"
            )

    def _check_machines(self) -> None:
        if self.provider == "on_premise":
            if self.head.machine is None:
                raise ValueError(".head.machine: missing; give the address of the head")
            for place, table in enumerate(self.workers):
                if table.machine or not table.machines:
                    raise ValueError(f'.workers[{place}].machines: give the addresses, as in ["10.0.0.11"]')
                if table.max_nodes is not None:
                    raise ValueError(f".workers[{place}].max_nodes: nobody makes machines on premise; leave it out")
            if self.image is not None and self.launcher == "ssh":
                raise ValueError('.image: plain ssh starts Ray without a container; take launcher = "ray", or set_up')
            everywhere = [self.head.machine, *self.worker_machines]
            if self.workers and (local := [machine for machine in everywhere if is_loopback(machine)]):
                raise ValueError(f".workers: {local[0]} can't be reached by the other machines; give its own address")
            if twice := [machine for machine in everywhere if everywhere.count(machine) > 1]:
                raise ValueError(f".workers: the machine {twice[0]} is named twice; Ray runs once on each")
        elif self.provider == "kubernetes":
            for table in self.nodes:
                if table.cpus is None or table.memory_gb is None:
                    raise ValueError(f".{table.name}: a pod needs cpus and memory_gb; give both")
            if self.image is None:
                raise ValueError(".image: missing; build the Containerfile, push it, and give its name here")
        else:
            self._check_cloud()

    def _check_cloud(self) -> None:
        if self.cloud is None or (self.provider == "gcp" and not (self.cloud.project and self.cloud.zone)):
            raise ValueError(
                '.cloud: give region (and for gcp: zone and project), as in cloud = {region = "us-west-2"}'
            )
        for table in self.nodes:
            for key in ("machine", "machine_image", *(("cpus",) if self.provider == "gcp" else ())):
                if getattr(table, key) is None:
                    raise ValueError(
                        f".{table.name}.{key}: missing; give the instance type as machine, as machine_image what it "
                        "boots (Ray's own default is too old for Python 3.11), and on gcp its cpus"
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
    def on_loopback(self) -> bool:
        """Whether no other machine can reach it."""
        return self.provider == "on_premise" and not self.workers and is_loopback(self.head.machine or "")

    @property
    def grows(self) -> bool:
        """Whether an autoscaler adds machines and takes them away."""
        return any(table.most > table.count for table in self.workers)

    def hourly_usd(self, *, grown: bool = False) -> float | None:
        """Return the dollars an hour of all nodes, at the most if `grown`; None where a price is missing."""
        total = 0.0
        for table in self.nodes:
            if table.price_hour_usd is None:
                return None
            total += table.price_hour_usd * (table.most if grown else table.count)
        return total

    @property
    def plan_nodes(self) -> list[Node]:
        """All machines that there may be, as a plan sees them: on Kubernetes the head takes no hosts."""
        tables = self.workers if self.provider == "kubernetes" else self.nodes
        return [node for table in tables for node in table.nodes_for_plan]

    def environment(self) -> dict[str, str]:
        """Variables of every Ray process: no secret is among them."""
        found = {"RAY_AUTH_MODE": "token" if self.token else "disabled"}
        if self.on_loopback:
            found["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        return found | self.tls_environment()

    def tls_environment(self) -> dict[str, str]:
        """Variables of whoever speaks to its Ray, if that is by TLS."""
        if self.tls is None:
            return {}
        return {
            "RAY_USE_TLS": "1",
            "RAY_TLS_SERVER_CERT": self.tls.cert,
            "RAY_TLS_SERVER_KEY": self.tls.key,
            "RAY_TLS_CA_CERT": self.tls.ca,
        }
