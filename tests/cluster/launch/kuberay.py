"""What KubeRay's objects may hold: its own fields as its 1.7 reference documents them, pods as Kubernetes' own schema.

They were compared with KubeRay's own: a RayCluster's with its CRD (ray-project/kuberay, 017710c), the later
`tlsOptions` with the Go type of 1.7, a RayJob's and a RayService's with theirs (0057210, 0074129). No copy of a CRD is
kept here: a field of its own that is missing below is refused, whether KubeRay has it or not. `kubectl apply
--dry-run=server` asks a real API server.
"""

from collections.abc import Iterator
from typing import Any

import jsonschema
import kubernetes_validate

KUBERNETES = "1.37"
STRING: dict[str, Any] = {"type": "string"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
STRINGS: dict[str, Any] = {"type": "object", "additionalProperties": STRING}
START: dict[str, Any] = STRINGS | {"propertyNames": {"not": {"const": "labels"}}}
"""Labels have a field of their own: the operator refuses them here."""
FLAG: dict[str, Any] = {"type": "boolean"}
NAME: dict[str, Any] = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
POD: dict[str, Any] = {"type": "object"}
"""A template of pods: `check` holds it against Kubernetes' schema."""


def table(required: str = "", **properties: Any) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required.split(),
    }


METADATA = table("name namespace", name=NAME, namespace=NAME)
CLUSTER = table(
    "rayVersion authOptions headGroupSpec workerGroupSpecs",
    rayVersion=STRING,
    authOptions=table("mode", mode={"const": "token"}),
    tlsOptions=table("enabled", enabled=FLAG),
    enableInTreeAutoscaling=FLAG,
    autoscalerOptions=table(
        version={"enum": ["v1", "v2"]},
        idleTimeoutSeconds=COUNT,
        upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]},
    ),
    headGroupSpec=table(
        "template rayStartParams", serviceType={"const": "ClusterIP"}, rayStartParams=START, template=POD
    ),
    workerGroupSpecs={
        "type": "array",
        "items": table(
            "groupName replicas minReplicas maxReplicas template",
            groupName=NAME,
            replicas=COUNT,
            minReplicas=COUNT,
            maxReplicas=COUNT,
            labels=STRINGS,
            rayStartParams=START,
            template=POD,
        ),
    },
)
JOB = table(
    "entrypoint rayClusterSpec",
    entrypoint=STRING,
    submissionMode={"enum": ["K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode"]},
    shutdownAfterJobFinishes=FLAG,
    ttlSecondsAfterFinished=COUNT,
    backoffLimit=COUNT,
    rayClusterSpec=CLUSTER,
)
SERVICE = table("serveConfigV2 rayClusterConfig", serveConfigV2=STRING, rayClusterConfig=CLUSTER)


def kind(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return table(
        "apiVersion kind metadata spec",
        apiVersion={"const": "ray.io/v1"},
        kind={"const": name},
        metadata=METADATA,
        spec=spec,
    )


SCHEMAS = {
    "raycluster.yaml": kind("RayCluster", CLUSTER),
    "rayjob.yaml": kind("RayJob", JOB),
    "rayservice.yaml": kind("RayService", SERVICE),
}


def check(name: str, made: dict[str, Any]) -> None:
    """Raise jsonschema.ValidationError for an object that an operator would refuse, or take otherwise than meant."""
    if name not in SCHEMAS:
        kubernetes_validate.validate(made, KUBERNETES, strict=True)
        return
    jsonschema.validate(made, SCHEMAS[name])
    for template in templates(made):
        kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod"} | template, KUBERNETES, strict=True)


def templates(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all templates of pods in an object."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        if key == "template":
            yield inner
        else:
            yield from templates(inner)
