"""The tables of a cluster's TOML: machines, how they are reached, and what a provider needs besides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cluster.ray.placement import GPU_KIND, Node
from cluster.ray.record_url import without_password
from cluster.requirements import LabelKey, LabelValue, ResourceName

from .errors import LaunchError

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
"""As Kubernetes and the clouds allow it."""
Machine = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._:-]{0,252}[A-Za-z0-9])?$")]
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f]+$")]
File = Annotated[str, Field(pattern=r"^/[^\x00-\x1f:]+$")]
"""A path from the root, that a container can be given too."""


class Table(BaseModel):
    """Knows its keys, and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NodeTable(Table):
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
    resources: dict[ResourceName, Annotated[int, Field(ge=1)]] = {}
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
    """The machine that coordinates; on premise it works too."""

    name: Name = "head"
    nodes: Literal[1] = 1
    max_nodes: None = None


class SshTable(Table):
    """How machines are reached."""

    user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]*$")] = "ubuntu"
    key: Line | None = None
    port: int = Field(22, ge=1, le=65535)
    options: tuple[Line, ...] = ()
    """More `-o` options of ssh."""


class TlsTable(Table):
    """Paths on every machine, for Ray's own gRPC; a container is given them from there."""

    cert: File
    key: File
    ca: File


class CloudTable(Table):
    """Where in the cloud."""

    region: Line
    zone: Line | None = None
    project: Line | None = None
    """GCP's."""


class KubernetesTable(Table):
    """What manifests need besides."""

    namespace: Name = "default"
    config: Line = "configs/ocr.toml"
    """That the RayJob runs."""
    record: Annotated[Line, AfterValidator(without_password)] | None = None
    """SQLAlchemy URL of the job's record: a pod's own disk ends with the pod."""
    serve_model: Line | None = None
    """Model that the RayService serves over the OpenAI protocol; None: no RayService."""
    secret: Name | None = None
    """Secret whose keys are variables of all pods: passwords and keys of APIs."""
    tls: bool = False
    """mTLS by the operator (KubeRay 1.7 with the gate RayClusterMTLS, and cert-manager)."""
