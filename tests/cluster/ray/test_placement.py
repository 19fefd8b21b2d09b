"""What fits on which machines, and what is reported if it doesn't."""

from dataclasses import replace
from typing import Any

import pytest

from cluster.plan import Group, Plan, plan
from cluster.ray.placement import Node, fit, label_selector, read_nodes, room
from cluster.requirements import Requirements
from miners import Miner
from tests.cluster import fakes


def of(*groups: Group) -> Plan:
    return Plan(groups)


IO = Group("io", {})
CPU = Group("cpu", {}, hosts=3, cpus=1.0)


def gpu(name: str, gpus: float, cpus: float = 1.0) -> Group:
    return Group(name, {}, cpus=cpus, gpus=gpus)


def test_hosts_are_laid_out_so_that_gpus_are_kept_for_those_that_need_them() -> None:
    nodes = [Node("gpu", cpus=4, gpus=1, gpu="L4"), Node("head", cpus=2)]
    layout = fit(of(IO, CPU, gpu("vllm-0", 0.9)), nodes)
    assert layout.missing == ""
    assert {placed.host: placed.node for placed in layout.placed} == {
        **{"io": "head", "cpu-0": "head", "cpu-1": "head", "cpu-2": "gpu"},
        "vllm-0": "gpu",
    }


def test_two_shares_of_one_gpu_fit_on_it_and_a_third_does_not() -> None:
    nodes = [Node("gpu", cpus=8, gpus=1)]
    assert fit(of(gpu("a", 0.5), gpu("b", 0.5)), nodes).missing == ""
    layout = fit(of(gpu("a", 0.5), gpu("b", 0.5), gpu("c", 0.5)), nodes)
    assert layout.missing == (
        "c needs 1 CPU and 0.5 GPU; the other hosts leave 6 CPU and 0 GPU of the cluster's 8 CPU and 1 GPU"
    )
    assert [placed.node for placed in layout.placed] == ["gpu", "gpu", None]


def test_what_the_cluster_lacks_is_named_with_its_memory() -> None:
    nodes = [Node("a", cpus=8, gpus=1, gpu="L4"), Node("b", cpus=8, gpus=4, gpu="T4")]
    layout = fit(of(gpu("vllm-0", 2.0)), nodes, gpu_gb=24)
    assert layout.missing == "vllm-0 needs 2 GPU with 24 GB; the cluster has 1 GPU with 24 GB"
    assert fit(of(gpu("vllm-0", 2.0)), nodes, gpu_gb=16).missing == ""


def test_gpus_of_several_nodes_do_not_make_one_node() -> None:
    nodes = [Node("a", cpus=8, gpus=1), Node("b", cpus=8, gpus=1)]
    assert fit(of(gpu("vllm-0", 2.0)), nodes).missing == (
        "vllm-0 needs 1 CPU and 2 GPU on one node; no node of the cluster has that, the most is 8 CPU and 1 GPU"
    )


def test_a_share_is_of_one_gpu_and_not_of_several() -> None:
    nodes = [Node("gpu", cpus=8, gpus=2)]
    assert fit(of(gpu("a", 0.6), gpu("b", 0.4), gpu("c", 0.6), gpu("d", 0.4)), nodes).missing == ""
    assert fit(of(gpu("a", 0.6), gpu("b", 0.6), gpu("c", 0.6)), nodes).missing == (
        "c needs 1 CPU and 0.6 GPU on one node; the other hosts leave no node of the cluster that has it"
    )
    assert fit(of(gpu("a", 0.5), gpu("b", 2.0)), nodes).missing == (
        "a needs 1 CPU and 0.5 GPU; the other hosts leave 7 CPU and 0 GPU of the cluster's 8 CPU and 2 GPU"
    )


def requiring(name: str, *, hosts: int = 1, cpus: float = 1.0, gpus: float = 0.0, **requirements: Any) -> Group:
    return Group(name, {}, hosts=hosts, cpus=cpus, gpus=gpus, requirements=Requirements(**requirements))


ZONES = [
    Node("a", cpus=2, gpus=1, gpu="T4", labels={"zone": "a"}, resources={"nvme": 1.0}),
    Node("b", cpus=2, gpus=1, gpu="H100", labels={"zone": "b"}),
    Node("c", cpus=2),
]


@pytest.mark.parametrize(
    ("zone", "nodes"),
    [("a", {"a"}), ("!a", {"b", "c"}), ("in(a, b)", {"a", "b"}), ("!in(a,b)", {"c"}), ("in(b)", {"b"})],
)
def test_hosts_go_where_the_labels_satisfy_their_selectors(zone: str, nodes: set[str]) -> None:
    group = requiring("cpu", hosts=2 * len(nodes), labels={"zone": zone})
    layout = fit(of(group), ZONES)
    assert (layout.missing, {placed.node for placed in layout.placed}) == ("", nodes)
    assert room(ZONES)(group, ()) == 2 * len(nodes)


def test_a_missing_label_is_named_with_those_that_there_are() -> None:
    assert fit(of(requiring("cpu", labels={"zone": "d"})), ZONES).missing == (
        "cpu needs a node with zone = d; the cluster has zone = a, b"
    )
    assert fit(of(requiring("cpu", labels={"rack": "1"})), ZONES).missing == (
        "cpu needs a node with rack = 1; the cluster has no rack"
    )
    assert fit(of(requiring("vllm-0", gpus=2.0, labels={"zone": "a"})), ZONES).missing == (
        "vllm-0 needs 2 GPU; the nodes with zone = a have 1 GPU"
    )
    assert fit(of(requiring("cpu", hosts=3, labels={"zone": "a"})), ZONES).missing == (
        "cpu-2 needs 1 CPU; the other hosts leave 0 CPU of the 2 CPU of the nodes with zone = a"
    )


def test_custom_resources_are_counted_as_cpus_are() -> None:
    group = requiring("cpu", hosts=2, resources={"nvme": 0.6})
    assert room(ZONES)(group, ()) == 1
    assert fit(of(group), ZONES).missing == (
        "cpu-1 needs 1 CPU and 0.6 nvme; the other hosts leave 5 CPU and 0.4 nvme of the cluster's 6 CPU and 1 nvme"
    )
    assert fit(of(requiring("cpu", resources={"ssd": 1.0})), ZONES).missing == "cpu needs 1 ssd; the cluster has 0 ssd"


def test_replicas_take_the_room_that_all_others_leave() -> None:
    reader = Group("cpu", {}, cpus=1.0)
    assert room(ZONES)(reader, ()) == 6
    assert room(ZONES)(reader, (gpu("vllm-0", 1.0), requiring("cpu@zone=a", labels={"zone": "a"}))) == 4
    miners: dict[int, Miner] = {0: fakes.Works(), 1: fakes.Works(engine=fakes.Model()), 2: fakes.Works(seed=2)}
    layout = plan(miners, room(ZONES), requirements={2: Requirements(labels={"zone": "a"})})
    assert {group.name: group.hosts for group in layout.groups} == {"cpu": 3, "cpu@zone=a": 2, "model-0": 1}
    assert fit(layout, ZONES).missing == ""


def test_ray_is_kept_from_gpus_that_are_known_to_be_too_small() -> None:
    assert label_selector(gpu("vllm-0", 1.0), gpu_gb=24) == {"ray.io/accelerator-type": "!in(K80,P100,P4,T4)"}
    assert label_selector(gpu("vllm-0", 1.0)) == label_selector(CPU, gpu_gb=24) == {}
    assert label_selector(requiring("vllm-0", gpus=1.0, labels={"zone": "a"})) == {"zone": "a"}
    for kind in ("Ponte-Vecchio", "A100"):  # of 40 or of 80 GB
        unknown = Node("d", cpus=1, gpus=1, gpu=kind)
        assert fit(of(gpu("vllm-0", 1.0), gpu("vllm-1", 1.0)), [*ZONES, unknown], gpu_gb=80).missing == ""


def test_shares_are_counted_gpu_by_gpu() -> None:
    nodes = [Node("two", cpus=8, gpus=2)]
    shares = replace(gpu("reader", 0.4), hosts=(most := room(nodes)(gpu("reader", 0.4), ())))
    assert most == 4 and fit(of(shares), nodes).missing == ""


def test_hosts_are_packed_on_few_nodes_or_spread_over_many() -> None:
    nodes = [Node(name, cpus=4) for name in "abc"]
    for placement, used in (("pack", 1), ("spread", 3)):
        layout = fit(of(CPU), nodes, placement=placement)  # type: ignore[arg-type]
        assert len({placed.node for placed in layout.placed}) == used
    both = of(Group("small", {}, hosts=2, cpus=2.0), Group("large", {}, cpus=4.0))
    assert fit(both, nodes[:2], placement="spread").missing == ""


def test_without_nodes_even_a_light_host_fits_nowhere() -> None:
    assert fit(of(CPU), []).missing == "cpu-0 needs 1 CPU; the cluster has 0 CPU"
    assert fit(of(IO), []).missing == "io needs a node; the cluster has none"
    assert fit(of(IO), [Node("head", cpus=0)]).missing == ""


def test_the_nodes_of_a_running_cluster_are_read_with_their_kind_of_gpu() -> None:
    rows = [
        {"Alive": True, "NodeManagerAddress": "10.0.0.1", "NodeID": "c0", "Resources": {"CPU": 4.0}, "Labels": {}},
        {"Alive": False, "NodeManagerAddress": "10.0.0.2", "NodeID": "d0", "Resources": {"CPU": 4.0}, "Labels": {}},
        {
            **{"Alive": True, "NodeManagerAddress": "10.0.0.3", "NodeID": "f00"},
            "Resources": {"CPU": 8.0, "GPU": 1.0, "nvme": 2.0, "memory": 1e9, "node:10.0.0.3": 1.0},
            "Labels": {"ray.io/accelerator-type": "H100", "zone": "a"},
        },
    ]
    head, worker = read_nodes(rows)
    assert [node.name for node in read_nodes([*rows, rows[0]])] == ["10.0.0.1", "10.0.0.3", "10.0.0.1#2"]
    assert (head.id, head.cpus, head.gpus, head.known_gpu_gb) == ("c0", 4.0, 0.0, None)
    assert (worker.gpus, worker.known_gpu_gb, worker.resources) == (1.0, 80, {"nvme": 2.0})
    assert (worker.label("zone"), worker.label("ray.io/accelerator-type")) == ("a", "H100")
