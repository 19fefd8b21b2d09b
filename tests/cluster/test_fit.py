"""What fits on which machines, and what is said where it doesn't."""

import pytest

from cluster import PoolError
from cluster.fit import Node, fit, nodes_of, require
from cluster.plan import Group, Plan


def of(*groups: Group) -> Plan:
    return Plan(groups, {})


IO = Group("io", {})
CPU = Group("cpu", {}, hosts=3, cpus=1.0)


def gpu(name: str, gpus: float, cpus: float = 1.0) -> Group:
    return Group(name, {}, cpus=cpus, gpus=gpus)


def test_hosts_are_laid_out_so_that_gpus_are_kept_for_those_that_need_them() -> None:
    nodes = [Node("gpu", cpus=4, gpus=1, gpu="L4"), Node("head", cpus=2)]
    found = fit(of(IO, CPU, gpu("vllm-0", 0.9)), nodes)
    assert found.missing == ""
    assert {placed.host: placed.node for placed in found.placed} == {
        **{"io": "head", "cpu-0": "head", "cpu-1": "head", "cpu-2": "gpu"},
        "vllm-0": "gpu",
    }


def test_two_shares_of_one_gpu_fit_on_it_and_a_third_does_not() -> None:
    nodes = [Node("gpu", cpus=8, gpus=1)]
    assert fit(of(gpu("a", 0.5), gpu("b", 0.5)), nodes).missing == ""
    found = fit(of(gpu("a", 0.5), gpu("b", 0.5), gpu("c", 0.5)), nodes)
    assert found.missing == (
        "c needs 1 CPU and 0.5 GPU; the other hosts leave 6 CPU and 0 GPU of the cluster's 8 CPU and 1 GPU"
    )
    assert [placed.node for placed in found.placed] == ["gpu", "gpu", None]


def test_what_the_cluster_has_not_got_is_named_with_its_memory() -> None:
    nodes = [Node("a", cpus=8, gpus=1, gpu="L4"), Node("b", cpus=8, gpus=4, gpu="T4")]
    found = fit(of(gpu("vllm-0", 2.0)), nodes, gpu_gb=24)
    assert found.missing == "vllm-0 needs 2 GPU with 24 GB; the cluster has 1 GPU with 24 GB"
    assert fit(of(gpu("vllm-0", 2.0)), nodes, gpu_gb=16).missing == ""


def test_what_is_spread_over_nodes_does_not_make_one() -> None:
    nodes = [Node("a", cpus=8, gpus=1), Node("b", cpus=8, gpus=1)]
    assert fit(of(gpu("vllm-0", 2.0)), nodes).missing == (
        "vllm-0 needs 1 CPU and 2 GPU on one node; no node of the cluster has that, the most is 8 CPU and 1 GPU"
    )


def test_a_plan_that_does_not_fit_is_a_pool_error_with_the_fix() -> None:
    with pytest.raises(PoolError, match="cpu-0 needs 1 CPU; the cluster has 0 CPU; .* add a node, or ask for fewer"):
        require(of(CPU), [])
    require(of(IO), [Node("head", cpus=0)])


def test_the_nodes_of_a_running_cluster_are_read_with_their_kind_of_gpu() -> None:
    rows = [
        {"Alive": True, "NodeManagerAddress": "10.0.0.1", "Resources": {"CPU": 4.0}, "Labels": {}},
        {"Alive": False, "NodeManagerAddress": "10.0.0.2", "Resources": {"CPU": 4.0}, "Labels": {}},
        {
            **{"Alive": True, "NodeManagerAddress": "10.0.0.3", "Resources": {"CPU": 8.0, "GPU": 1.0}},
            "Labels": {"ray.io/accelerator-type": "H100"},
        },
    ]
    head, worker = nodes_of(rows)
    assert [node.name for node in nodes_of([*rows, rows[0]])] == ["10.0.0.1", "10.0.0.3", "10.0.0.1#2"]
    assert (head.cpus, head.gpus, head.known_gpu_gb) == (4.0, 0.0, None)
    assert (worker.gpus, worker.known_gpu_gb) == (1.0, 80)
