"""The files of a cluster, from the templates in `cluster/launch/templates`.

launcher_file(spec, "aws.toml")        # the YAML of Ray's own launcher
manifests(spec, "kubernetes.toml")     # by file name: KubeRay's objects, a NetworkPolicy and a Containerfile

Every value from the TOML is quoted: as JSON, which is also YAML, or for the shell.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cluster.ray.code_upload import ROOMS

from .errors import LaunchError
from .spec import ClusterSpec
from .tables import HeadTable, NodeTable

TEMPLATES = Path(__file__).with_name("templates")
CLOUD_CLIENTS = {"aws": "boto3", "gcp": "google-api-python-client"}
"""Packages through which Ray's launcher talks to a cloud, needed here and on the head."""
MOUNTED = "/tmp/ray_tmp_mount"
"""Folder on a machine in which Ray's launcher keeps what it mounts into the container."""


def launcher_file(spec: ClusterSpec, source: str) -> str:
    """Return the YAML for `ray up`, which names `source` as its origin."""
    if spec.provider == "kubernetes":
        raise LaunchError("Ray's launcher does not start Kubernetes clusters; write the manifests instead")
    client = CLOUD_CLIENTS.get(spec.provider)
    # In the cloud each kind of machine lists its own resources; on premise all workers are alike.
    worker = None if client or not spec.workers else spec.workers[0]
    certificates = dict.fromkeys([spec.tls.cert, spec.tls.key, spec.tls.ca]) if spec.tls else {}
    return _render(
        "ray_up.yaml",
        spec=spec,
        source=source,
        mounted=f"{MOUNTED}/{spec.name}",
        certificates=[word for file in certificates for word in ("-v", shlex.quote(f"{file}:{file}:ro"))],
        head_setup=[f"pip install {client}"] if client else [],
        head_start=_prefixed(spec, start_command(spec, spec.head, None)),
        worker_start=_prefixed(spec, start_command(spec, worker, None, head="$RAY_HEAD_IP")),
    )


def settings(spec: ClusterSpec) -> str:
    """Return the environment variables of Ray's commands on a machine, quoted for its shell; none is a secret."""
    words = [f"{key}={shlex.quote(value)}" for key, value in spec.environment().items()]
    return " ".join([*words, f"RAY_AUTH_TOKEN_PATH={spec.folder}/token"])


def manifest_names(spec: ClusterSpec) -> list[str]:
    """Return the names of a cluster's manifests, the cluster first and the NetworkPolicy last."""
    service = ["rayservice.yaml"] if spec.kubernetes.serve_model else []
    return ["raycluster.yaml", "rayjob.yaml", *service, "networkpolicy.yaml"]


def manifests(spec: ClusterSpec, source: str) -> dict[str, str]:
    """Return the Containerfile, and on Kubernetes KubeRay's manifests, by file name."""
    files = {
        file: _render(
            file,
            spec=spec,
            source=source,
            file=file,
            entrypoint=_entrypoint(spec),
            serve_config=json.dumps(_serve_config(spec), indent=2),
        )
        for file in (manifest_names(spec) if spec.provider == "kubernetes" else ())
    }
    return files | {"Containerfile": containerfile(spec, source)}


def containerfile(spec: ClusterSpec, source: str) -> str:
    """Return the file from which the cluster's image is built."""
    gpus = any(table.gpus for table in spec.nodes)
    return _render("Containerfile", spec=spec, source=source, file="Containerfile", gpus=gpus, rooms=ROOMS)


def start_script(spec: ClusterSpec, table: NodeTable, machine: str) -> str:
    """Return the script that starts Ray on a machine on premise."""
    is_head = table is spec.head
    head = None if is_head else spec.head.machine
    start = start_command(spec, table, machine, head=head) + ["--block", "--temp-dir", temp_dir(spec)]
    return _render(
        "start.sh",
        spec=spec,
        environment=spec.environment(),
        start=shlex.join(start),
        temp_dir=temp_dir(spec),
        machine=machine,
    )


def stop_script(spec: ClusterSpec, machine: str) -> str:
    """Return the script that ends Ray on a machine on premise."""
    return _render("stop.sh", spec=spec, temp_dir=temp_dir(spec), machine=machine)


def temp_dir(spec: ClusterSpec) -> str:
    """Return Ray's folder for sockets and logs on a machine on premise; socket paths must be short.

    Ray makes it world-writable, so the folder around it keeps other users of the machine out.
    """
    return f"/tmp/subnetlab-{spec.name}/ray"


def start_command(
    spec: ClusterSpec, table: NodeTable | None, machine: str | None, head: str | None = None
) -> list[str]:
    """Return `ray start` for the head, or for a worker of the head at `head`; without `table` Ray detects resources."""
    words = [*spec.command.split(), "start", "--disable-usage-stats"]
    if head is None:
        words += ["--head", f"--port={spec.port}", f"--dashboard-host={spec.dashboard_host}"]
    else:
        words += [f"--address={head}:{spec.port}"]
    if machine is not None:
        words += [f"--node-ip-address={machine}"]
    if head is None and spec.provider in CLOUD_CLIENTS:
        words += ["--num-cpus=0", "--num-gpus=0"]
    elif table is not None:
        words += [f"--num-cpus={table.cpus}"] if table.cpus is not None else []
        words += [f"--num-gpus={table.gpus}"] if table.gpus else []
        words += [f"--labels={_pairs(table.ray_labels)}"] if table.ray_labels else []
        words += [f"--resources={json.dumps(table.resources)}"] if table.resources else []
    return words


def _prefixed(spec: ClusterSpec, words: list[str]) -> str:
    # The shell fills in $RAY_HEAD_IP; all other words are quoted.
    command = [word if word.startswith("--address=$RAY_HEAD_IP") else shlex.quote(word) for word in words]
    return " ".join(["ulimit -n 65536;", settings(spec), *command])


def _entrypoint(spec: ClusterSpec) -> str:
    words = ["subnetlab", "run", spec.kubernetes.config, "--address", "auto", "--out", "runs/job"]
    return shlex.join(words + (["--record", spec.kubernetes.record] if spec.kubernetes.record else []))


def _serve_config(spec: ClusterSpec) -> dict[str, Any]:
    """Return the config of one model behind `ray.serve.llm`'s OpenAI application."""
    kinds = [table.gpu for table in spec.workers if table.gpu]
    model: dict[str, Any] = {
        "model_loading_config": {"model_id": spec.kubernetes.serve_model},
        "deployment_config": {"autoscaling_config": {"min_replicas": 1, "max_replicas": 1}},
    }
    if kinds:
        model["accelerator_type"] = kinds[0]
    application = {
        "name": "llm",
        "route_prefix": "/",
        "import_path": "ray.serve.llm:build_openai_app",
        "args": {"llm_configs": [model]},
    }
    return {"proxy_location": "EveryNode", "http_options": {"host": "0.0.0.0"}, "applications": [application]}


def _render(template: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[[Any], Any]] = {
        "quoted": lambda value: json.dumps(value, ensure_ascii=False),
        "shell": shlex.quote,
        "resources": _resources,
        "requests": _requests,
        "shm": _shm,
        "start_params": _start_params,
    }
    environment.filters.update(filters)
    lines = environment.get_template(template).render(**values).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip()) + "\n"


def _resources(table: NodeTable) -> dict[str, int]:
    """Return the resources of a node in the cloud, for Ray's launcher, which detects any that are left out."""
    if isinstance(table, HeadTable):
        return {"CPU": 0, "GPU": 0}
    resources = {"CPU": table.cpus, "GPU": table.gpus or None, **table.resources}
    return {key: amount for key, amount in resources.items() if amount is not None}


def _requests(table: NodeTable) -> dict[str, str]:
    requests = {"cpu": str(table.cpus), "memory": f"{table.memory_gb:g}Gi"}
    return requests | ({"nvidia.com/gpu": str(table.gpus)} if table.gpus else {})


def _shm(table: NodeTable) -> str:
    """Return the size of the object store: 30 % of memory, Ray's default."""
    return f"{max(1, int(0.3 * (table.memory_gb or 0.0)))}Gi"


def _start_params(table: NodeTable) -> dict[str, str]:
    # Quoted twice, for the shell in which the operator starts Ray.
    return {"resources": json.dumps(json.dumps(table.resources))} if table.resources else {}


def _pairs(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())
