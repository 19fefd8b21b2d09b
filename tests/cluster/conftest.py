"""A Ray cluster of several machines on this one, for the tests whose machines come and go.

A process is in one Ray at a time: these tests come last, when nobody needs the test run's own any more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.ray.session import LOOPBACK
from cluster.ray.token import guard_token

SETTINGS = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # 127.0.0.1 is meant
    # A machine that is killed is noticed after 2 s, one that hangs after 10; by default it takes 15 and 65.
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "4",
}
MACHINE = {"num_cpus": 1, "node_ip_address": LOOPBACK, "object_store_memory": 80_000_000}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of several machines last."""
    items.sort(key=lambda item: "ray_cluster" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """A `ray.cluster_utils.Cluster` whose head has the driver and no CPU; `add_nodes` adds machines to it."""
    guard_token()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        import ray
        from ray._private import ray_constants
        from ray.cluster_utils import Cluster

        patch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
        ray.shutdown()
        cluster = Cluster(initialize_head=True, head_node_args=MACHINE | {"num_cpus": 0, "include_dashboard": False})
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        yield cluster
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def add_nodes(ray_cluster: Any) -> Iterator[Callable[..., list[Any]]]:
    """Add machines at once, as in `add_nodes({"num_cpus": 2}, {"num_gpus": 1})`; they leave with the test."""
    added: list[Any] = []

    def add(*machines: dict[str, Any]) -> list[Any]:
        nodes = [ray_cluster.add_node(wait=False, **MACHINE | machine) for machine in machines]
        added.extend(nodes)
        until(lambda: {node.node_id for node in nodes} <= alive())
        return nodes

    yield add
    for node in added:
        if node in ray_cluster.worker_nodes:
            ray_cluster.remove_node(node)
    until(lambda: not {node.node_id for node in added} & alive())


def alive() -> set[str]:
    """Return the ids of the machines that Ray takes for alive."""
    import ray

    return {row["NodeID"] for row in ray.nodes() if row["Alive"]}  # type: ignore[no-untyped-call]


def until(holds: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, f"not within {timeout_s:g} s"
        time.sleep(0.05)
