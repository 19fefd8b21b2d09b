"""The description of a cluster: what is refused, and with which words."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.launch import ClusterSpec, LaunchError

HERE = {"name": "here", "provider": "on_premise", "head": {"machine": "127.0.0.1"}}
RACK = {
    **{"name": "rack", "provider": "on_premise", "ray": "2.60.0", "head": {"machine": "10.0.0.1", "cpus": 4}},
    "workers": [{"machines": ["10.0.0.2", "10.0.0.3"], "cpus": 8, "gpus": 2, "gpu": "L4", "price_hour_usd": 0.5}],
}
WORKER = {"name": "l4", "machine": "g6.2xlarge", "machine_image": "ami-1", "cpus": 8}
CLOUD: dict[str, Any] = {
    **{"name": "cloud", "provider": "aws", "ray": "2.60.0", "cloud": {"region": "us-west-2"}, "workers": [WORKER]},
    "head": {"machine": "m7i.xlarge", "machine_image": "ami-1", "price_hour_usd": 0.25},
}
PODS: dict[str, Any] = {
    **{"name": "pods", "provider": "kubernetes", "ray": "2.60.0", "image": "i"},
    "head": {"cpus": 2, "memory_gb": 8},
    "workers": [{"cpus": 8, "memory_gb": 16}],
}
SHIPPED = sorted((Path(__file__).parents[3] / "configs" / "clusters").glob("*.toml"))


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def written(path: Path, table: dict[str, Any]) -> Path:
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in table.items()))
    return path


WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (RACK, {"token": False}, r"token: false, and the cluster is on a network: .* ShadowRay\); leave it true"),
    (RACK, {"ray": "2.51.0"}, r"ray: 2\.51\.0 has no token authentication; use 2\.52 or newer"),
    (
        RACK,
        {"dashboard_host": "0.0.0.0"},
        r"dashboard_host: '0\.0\.0\.0' opens the dashboard to the network; .* ssh -L",
    ),
    (RACK, {"head": {"machine": "127.0.0.1"}}, r"127\.0\.0\.1 can't be reached by the other machines"),
    (RACK, {"head": {"machine": "10.0.0.2"}}, r"the machine 10\.0\.0\.2 is named twice"),
    (RACK, {"head": {"machine": "-oProxyCommand=x"}}, r"head\.machine: give an address or an instance type"),
    (RACK, {"name": "a" * 27}, r"name: 27 characters; Ray's sockets leave room for 26"),
    (RACK, {"command": "ray; reboot"}, r"command: give a path of letters"),
    (RACK, {"image": "x"}, r"image: plain ssh starts Ray without a container; use launcher = \"ray\""),
    (RACK, {"worker": []}, r"worker: unknown key; known: .*workers"),
    (RACK, {"provider": "azure"}, r"provider: give 'on_premise', 'aws', 'gcp' or 'kubernetes'"),
    (RACK, {"provider": "aws"}, r"cloud: give region"),
    (RACK, {"provider": "kubernetes"}, r"head: a pod needs cpus and memory_gb; give both"),
    (CLOUD, {"workers": [WORKER | {"nodes": 3, "max_nodes": 2}]}, r"l4\.max_nodes: 2 is less than nodes, 3; raise it"),
    (CLOUD, {"workers": [WORKER | {"nodes": 0}]}, r"l4\.nodes: 0; give max_nodes, the limit of the autoscaler"),
    (RACK, {"workers": [{"machines": ["10.0.0.2"], "max_nodes": 2}]}, r"max_nodes: machines on premise can't be added"),
    (HERE, {"head": {}}, r"head\.machine: missing; give the address of the head"),
    (
        HERE,
        {"head": {"machine": "fd00::1"}},
        r"machine: 'fd00::1' looks like host:port; give a name or an IPv4",
    ),
    (CLOUD, {"head": CLOUD["head"] | {"cpus": 4}}, r"head\.cpus: does nothing with the provider aws; leave it out"),
    (CLOUD, {"ssh": {"key": "~/k"}}, r"ssh\.key: Ray makes a key of its own in the cloud and keeps it in ~/\.ssh"),
    (
        CLOUD,
        {"ssh": {"port": 2222}},
        r"ssh: Ray's launcher takes neither port nor options; set both in ~/\.ssh/config",
    ),
    (CLOUD, {"cloud": {"region": "r", "project": "p"}}, r"cloud\.project: does nothing with the provider aws"),
    (CLOUD, {"launcher": "ray"}, r"launcher: does nothing with the provider aws; leave it out"),
    (RACK, {"launcher": "ray", "ssh": {"options": ["ProxyJump=a"]}}, r"neither port nor options"),
    (
        RACK,
        {
            "launcher": "ray",
            "workers": [{"machines": ["10.0.0.2"], "cpus": 8}, {"name": "b", "machines": ["10.0.0.3"]}],
        },
        r"workers: Ray's launcher starts all of them alike; .* or use launcher = \"ssh\"",
    ),
    (RACK, {"workers": [{"machines": ["10.0.0.2"], "memory_gb": 8}]}, r"worker\.memory_gb: does nothing .* on_premise"),
    (PODS, {"workers": []}, r"workers: missing; with the provider kubernetes the head takes no hosts: add workers"),
    (PODS, {"port": 6380}, r"port: does nothing with the provider kubernetes; leave it out"),
    (
        PODS,
        {"kubernetes": {"record": "postgresql://me:hunter2@db/runs"}},
        r"kubernetes\.record: the URL holds a password",
    ),
    (
        PODS,
        {"kubernetes": {"record": "postgresql://me@db/runs?password=x"}},
        r"record: the URL holds a password; leave",
    ),
    (PODS, {"ssh": {"user": "me"}}, r"ssh: does nothing with the provider kubernetes; leave it out"),
    (PODS, {"set_up": ["true"]}, r"set_up: does nothing with the provider kubernetes; leave it out"),
    (PODS, {"tls": {"cert": "/c", "key": "/k", "ca": "/a"}}, r"tls: does nothing .*; use kubernetes\.tls"),
    (
        PODS,
        {"head": PODS["head"] | {"labels": {"zone": "a"}}},
        r"head\.labels: does nothing with the provider kubernetes",
    ),
]


@pytest.mark.parametrize(("table", "change", "message"), WRONG)
def test_what_is_wrong_or_unsafe_is_one_line_with_the_fix(
    tmp_path: Path, table: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(LaunchError, match=message) as caught:
        ClusterSpec.read(written(tmp_path / "c.toml", table | change))
    assert str(caught.value).startswith(f"{tmp_path}/c.toml: ")
    assert "\n" not in str(caught.value)


def test_a_ray_on_loopback_alone_may_do_without_a_token() -> None:
    assert ClusterSpec.model_validate(HERE | {"token": False}).environment() == {
        "RAY_AUTH_MODE": "disabled",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }
    assert ClusterSpec.model_validate(RACK).environment() == {"RAY_AUTH_MODE": "token"}


def test_the_cost_of_an_hour_is_that_of_all_nodes_and_unknown_where_one_has_no_price() -> None:
    assert ClusterSpec.model_validate(RACK).hourly_usd() is None
    priced = RACK | {"head": {"machine": "10.0.0.1", "price_hour_usd": 0.25}}
    assert ClusterSpec.model_validate(priced).hourly_usd() == 1.25
    growing = CLOUD | {"workers": [WORKER | {"nodes": 0, "max_nodes": 8, "price_hour_usd": 1.0}]}
    cluster = ClusterSpec.model_validate(growing)
    assert (cluster.hourly_usd(), cluster.hourly_usd(grown=True), len(cluster.plan_nodes)) == (0.25, 8.25, 8)


def test_its_machines_are_those_of_a_plan() -> None:
    nodes = ClusterSpec.model_validate(RACK).plan_nodes
    assert [(node.name, node.cpus, node.gpus, node.known_gpu_gb) for node in nodes] == [
        ("head-0", 4.0, 0.0, None),
        ("worker-0", 8.0, 2.0, 24),
        ("worker-1", 8.0, 2.0, 24),
    ]
    with pytest.raises(LaunchError, match="head: its number of CPUs is not known"):
        _ = ClusterSpec.model_validate(HERE).plan_nodes


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_description_is_read(path: Path) -> None:
    assert ClusterSpec.read(path).name
    assert path.read_text().startswith(f"# subnetlab cluster {'manifest' if path.stem == 'kubernetes' else 'up'} ")
