"""The tables of a cluster's TOML file: its machines, access to them, and the settings of each provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cluster.ray.placement import GPU_KIND, Node
from cluster.record_url import without_password
from cluster.requirements import LabelKey, LabelValue, ResourceName
from subnets.option import Wording

from .errors import LaunchError

Name = Annotated[
    str,
    Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"),
    Wording("a name (small letters, digits and '-', at most 40, first a letter, last no '-')"),
]
"""A name that Kubernetes and the clouds accept."""
Machine = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._:-]{0,252}[A-Za-z0-9])?$"),
    Wording("an address or an instance type (letters, digits, '.', '_', ':' and '-')"),
]
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f]+$"), Wording("one line of text")]
File = Annotated[str, Field(pattern=r"^/[^\x00-\x1f:]+$"), Wording("an absolute path without ':'")]
"""Absolute path that can be mounted into a container."""


class Table(BaseModel):
    """Base of all tables of a cluster's TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NodeTable(Table):
    """The head, or one kind of worker."""

    name: Name = "worker"
    machine: Machine | None = None
    """Instance type (aws, gcp); on premise, the machine's address."""
    machines: tuple[Machine, ...] = ()
    """Addresses of the workers on premise."""
    nodes: int = Field(1, ge=0, le=1000)
    """Number of machines; on premise, the number of addresses."""
    max_nodes: int | None = Field(None, ge=1, le=1000)
    """Limit of the cluster's autoscaler (default: `nodes`). Not on premise."""
    cpus: int | None = Field(None, ge=0)
    memory_gb: float | None = Field(None, gt=0.0)
    gpus: int = Field(0, ge=0, le=16)
    gpu: Annotated[str, Wording("Ray's name of a GPU, such as L4")] | None = Field(
        None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
    )
    """Kind of the GPUs by Ray's name: L4, A100, H100."""
    gpu_gb: float | None = Field(None, gt=0.0)
    """Memory of each GPU, if its kind does not determine it."""
    labels: dict[LabelKey, LabelValue] = {}
    """Labels that Ray gives the machine, and that miners may require."""
    resources: dict[ResourceName, Annotated[int, Field(ge=1)]] = {}
    """Custom resources of each machine."""
    machine_image: Line | None = None
    """AMI or GCP image that the machine boots."""
    disk_gb: int = Field(100, ge=20)
    price_hour_usd: float | None = Field(None, ge=0.0)
    """Price of one machine per hour."""
    node_selector: dict[str, Line] = {}
    """Labels of the Kubernetes nodes on which its pods may run."""

    @property
    def count(self) -> int:
        """Number of machines without the autoscaler."""
        return len(self.machines) or self.nodes

    @property
    def max_count(self) -> int:
        """Maximum number of machines."""
        return self.max_nodes or self.count

    @property
    def ray_labels(self) -> dict[str, str]:
        """All labels of the machine, with the kind of its GPUs."""
        return ({GPU_KIND: self.gpu} if self.gpu else {}) | self.labels

    @property
    def nodes_for_plan(self) -> list[Node]:
        """The machines for a plan; raises LaunchError if the number of CPUs is missing."""
        if self.cpus is None:
            raise LaunchError(f"{self.name}: its number of CPUs is not known; give cpus = N")
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
            for place in range(self.max_count)
        ]


class HeadTable(NodeTable):
    """The machine that coordinates; on premise it also takes hosts."""

    name: Name = "head"
    nodes: Literal[1] = 1
    max_nodes: None = None


class SshTable(Table):
    """SSH access to the machines."""

    user: Annotated[
        str, Field(pattern=r"^[a-z_][a-z0-9_-]*$"), Wording("a user's name (small letters, digits, '_' and '-')")
    ] = "ubuntu"
    key: Line | None = None
    port: int = Field(22, ge=1, le=65535)
    options: tuple[Line, ...] = ()
    """Further `-o` options of ssh."""


class TlsTable(Table):
    """Certificate files for Ray's gRPC, at the same paths on every machine; containers mount them."""

    cert: File
    key: File
    ca: File


class CloudTable(Table):
    """Location of the machines in the cloud."""

    region: Line
    zone: Line | None = None
    project: Line | None = None
    """Project at GCP."""


class KubernetesTable(Table):
    """Further settings of the manifests."""

    namespace: Name = "default"
    config: Line = "configs/ocr.toml"
    """Config that the RayJob runs."""
    record: Annotated[Line, AfterValidator(without_password)] | None = None
    """SQLAlchemy URL of the job's record; a pod's own disk is deleted with the pod."""
    serve_model: Line | None = None
    """Model that the RayService serves over the OpenAI protocol; None for no RayService."""
    secret: Name | None = None
    """Secret whose keys become variables of all pods, such as passwords and API keys."""
    tls: bool = False
    """True to have the operator set up mTLS (KubeRay 1.7 with the gate RayClusterMTLS, and cert-manager)."""
