"""The fields of KubeRay's objects that ours use, with their types, as KubeRay 1.7's API reference documents them.

Not KubeRay's own schema, of which no copy is kept here: a field that is missing below is refused, whether KubeRay
has it or not. `kubectl apply --dry-run=server` asks a real operator.
"""

from typing import Any

STRING: dict[str, Any] = {"type": "string"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
STRINGS: dict[str, Any] = {"type": "object", "additionalProperties": STRING}
NAME: dict[str, Any] = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}


def table(required: str = "", **properties: Any) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required.split(),
    }


def rows(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


LABELS = rows(
    table("key operator", key=STRING, operator={"enum": ["In", "NotIn", "Exists", "DoesNotExist"]}, values=rows(STRING))
)
SELECTOR = table(matchLabels=STRINGS, matchExpressions=LABELS)
METADATA = table("name namespace", name=NAME, namespace=NAME)
CONTAINER = table(
    "name image resources",
    name=NAME,
    image=STRING,
    resources=table("requests limits", requests=STRINGS, limits=STRINGS),
    securityContext=table(
        allowPrivilegeEscalation={"type": "boolean"}, capabilities=table(drop=rows(STRING), add=rows(STRING))
    ),
    ports=rows(table("containerPort name", containerPort=COUNT, name=NAME)),
    volumeMounts=rows(table("name mountPath", name=NAME, mountPath=STRING)),
)
POD = table(
    "metadata spec",
    metadata=table(labels=STRINGS),
    spec=table(
        "containers",
        automountServiceAccountToken={"type": "boolean"},
        nodeSelector=STRINGS,
        tolerations=rows(table(key=STRING, operator=STRING, effect=STRING)),
        containers=rows(CONTAINER),
        volumes=rows(table("name emptyDir", name=NAME, emptyDir=table(medium=STRING, sizeLimit=STRING))),
    ),
)
CLUSTER = table(
    "rayVersion authOptions headGroupSpec workerGroupSpecs",
    rayVersion=STRING,
    authOptions=table("mode", mode={"const": "token"}),
    tlsOptions=table("enabled", enabled={"type": "boolean"}),
    headGroupSpec=table(
        "template rayStartParams", serviceType={"const": "ClusterIP"}, rayStartParams=STRINGS, template=POD
    ),
    workerGroupSpecs={
        "type": "array",
        "items": table(
            "groupName replicas minReplicas maxReplicas template",
            groupName=NAME,
            replicas=COUNT,
            minReplicas=COUNT,
            maxReplicas=COUNT,
            rayStartParams=STRINGS,
            template=POD,
        ),
    },
)
JOB = table(
    "entrypoint rayClusterSpec",
    entrypoint=STRING,
    submissionMode={"enum": ["K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode"]},
    shutdownAfterJobFinishes={"type": "boolean"},
    ttlSecondsAfterFinished=COUNT,
    backoffLimit=COUNT,
    rayClusterSpec=CLUSTER,
)
SERVICE = table("serveConfigV2 rayClusterConfig", serveConfigV2=STRING, rayClusterConfig=CLUSTER)
PEERS = rows(table(podSelector=SELECTOR, namespaceSelector=SELECTOR))
POLICY = table(
    "podSelector policyTypes ingress",
    podSelector=SELECTOR,
    policyTypes=rows({"enum": ["Ingress", "Egress"]}),
    ingress=rows(table("from", ports=rows(table(protocol=STRING, port=COUNT)), **{"from": PEERS})),
)


def kind(name: str, spec: dict[str, Any], api: str = "ray.io/v1") -> dict[str, Any]:
    return table(
        "apiVersion kind metadata spec", apiVersion={"const": api}, kind={"const": name}, metadata=METADATA, spec=spec
    )


SCHEMAS = {
    "raycluster.yaml": kind("RayCluster", CLUSTER),
    "rayjob.yaml": kind("RayJob", JOB),
    "rayservice.yaml": kind("RayService", SERVICE),
    "networkpolicy.yaml": kind("NetworkPolicy", POLICY, "networking.k8s.io/v1"),
}
