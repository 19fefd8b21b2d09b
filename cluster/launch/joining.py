"""How to use a cluster that is up."""

from __future__ import annotations

from .spec import ClusterSpec


def join_help(spec: ClusterSpec) -> str:
    """Return the commands that start a run on the cluster, from one of its machines and from elsewhere."""
    token = f"RAY_AUTH_TOKEN_PATH={spec.folder}/token"
    lines = []
    if spec.provider == "kubernetes":
        kubectl = f"kubectl --namespace {spec.kubernetes.namespace}"
        secret = f"{kubectl} get secret {spec.name} -o jsonpath='{{.data.auth_token}}' | base64 -d"
        lines.append(f"fetch its token:  (umask 077; mkdir -p {spec.folder}; {secret} > {spec.folder}/token)")
        forward = f"{kubectl} port-forward service/{spec.name}-head-svc 8265"
    else:
        variables = " ".join([token, *(f"{key}={value}" for key, value in spec.tls_environment().items())])
        address = "auto" if spec.uses_ray_launcher else f"{spec.head.machine}:{spec.port}"
        lines.append(f"on one of its machines:  {variables} subnetlab run CONFIG --address {address}")
        forward = f"ssh -p {spec.ssh.port} -L 8265:127.0.0.1:8265 {spec.ssh.user}@{spec.head.machine}"
        if spec.uses_ray_launcher:
            forward = f"ray dashboard .subnetlab/clusters/{spec.name}/ray_up.yaml"
    lines += [f"forward its dashboard here:  {forward}", f"then, from here:  {token} subnetlab submit CONFIG"]
    return "\n".join(lines)
