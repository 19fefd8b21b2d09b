"""Machines of a Ray cluster: who goes where, what is waited for, and what happens when one leaves."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from cluster import LocalPool, Pool, PoolError, RayPool, RaySession, RoundResult
from cluster.requirements import Requirements
from miners import Miner
from subnets import Caller
from tests.cluster import fakes
from tests.cluster.conftest import alive, until
from tests.cluster.fakes import Words, query
from validators import Validator

AddNodes = Callable[..., list[Any]]


@pytest.fixture
def session(ray_cluster: Any) -> RaySession:
    return RaySession(address=ray_cluster.address)


def nodes_of(pool: RayPool) -> dict[str, str | None]:
    return {actor.name: actor.node for actor in pool._actors()}


def requested() -> list[dict[str, float]]:
    """What the autoscaler is asked for, where there is one."""
    from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
    from ray.experimental.internal_kv import _internal_kv_get

    nodes: list[dict[str, float]] = json.loads(_internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL) or "[]")
    return nodes


def drain(cluster: Any, node: str, within_s: float) -> None:
    """Have Ray drain a machine, as when its spot instance is about to end."""
    from ray._raylet import GcsClient
    from ray.core.generated import autoscaler_pb2

    accepted, message = GcsClient(address=cluster.address).drain_node(
        node, autoscaler_pb2.DRAIN_NODE_REASON_PREEMPTION, "a test", int((time.time() + within_s) * 1000)
    )
    assert accepted, message


async def test_every_host_goes_to_a_suitable_machine(add_nodes: AddNodes, session: RaySession) -> None:
    small, large, plain = add_nodes(
        {"num_gpus": 1, "labels": {"ray.io/accelerator-type": "T4", "zone": "a"}, "resources": {"nvme": 1}},
        {"num_gpus": 1, "labels": {"ray.io/accelerator-type": "H100"}, "num_cpus": 3},
        {"num_cpus": 2},
    )
    miners: dict[int, Miner] = {
        0: fakes.Works(engine=fakes.Model(name="one", wants_gpus=0.5)),
        1: fakes.Works(engine=fakes.Model(name="two", wants_gpus=0.5)),
        2: fakes.Works(seed=2),
        3: fakes.Says(),
        4: fakes.Pid(),
    }
    requirements = {
        2: Requirements(resources={"nvme": 1.0}),
        3: Requirements(labels={"zone": "!in(b, c)", "ray.io/accelerator-type": "T4"}),
    }
    async with RayPool(Words(), miners, {}, gpu_gb=24, requirements=requirements, session=session) as pool:
        nodes = nodes_of(pool)
        responses = await pool.query(query(), range(5))
    assert [response.fault for response in responses] == [None] * 5
    assert nodes.pop("cpu@nvme=1") == small.node_id
    assert nodes.pop("io@ray.io/accelerator-type=T4,zone=!in(b, c)") == small.node_id
    assert {nodes.pop("model-0"), nodes.pop("model-1")} == {large.node_id}
    assert sorted(nodes) == ["cpu-0", "cpu-1", "cpu-2"]
    assert sorted(map(str, nodes.values())) == sorted([plain.node_id, plain.node_id, large.node_id])


async def test_hosts_are_packed_and_go_elsewhere_if_that_machine_is_taken(
    add_nodes: AddNodes, session: RaySession
) -> None:
    add_nodes({"num_cpus": 2}, {"num_cpus": 2})
    pools = [RayPool(Words(), {0: fakes.Pid()}, {}, max_replicas=2, session=session) for _ in range(2)]
    async with pools[0], pools[1]:  # both are planned for the same machine
        first, second = (set(nodes_of(pool).values()) for pool in pools)
    assert (len(first), len(second), len(first | second)) == (1, 1, 2)


async def test_a_run_waits_for_a_machine_that_it_requests_and_says_so_and_again_if_that_leaves(
    add_nodes: AddNodes, session: RaySession, ray_cluster: Any
) -> None:
    lines: list[str] = []
    asked: list[list[dict[str, float]]] = []

    def report(line: str) -> None:
        lines.append(line)
        asked.append(requested())

    requirements = {0: Requirements(labels={"zone": "c"})}
    pool = RayPool(
        Words(),
        {0: fakes.Works()},
        {},
        requirements=requirements,
        session=session,
        wait_for_nodes_s=60.0,
        max_replicas=2,
        report=report,
    )
    starting = asyncio.create_task(pool.start())
    while not lines and not starting.done():
        await asyncio.sleep(0.05)
    (node,) = add_nodes({"num_cpus": 2, "labels": {"zone": "c"}})
    try:
        await starting
        (response,) = await pool.query(query(), (0,))
        assert response.fault is None
        assert set(nodes_of(pool).values()) == {node.node_id}
        assert requested() == []
        drain(ray_cluster, node.node_id, within_s=30.0)
        await asyncio.to_thread(until, lambda: node.node_id not in alive())
        asking = asyncio.create_task(pool.query(query(), (0,)))
        (other,) = add_nodes({"num_cpus": 2, "labels": {"zone": "c"}})
        (response,) = await asking
        assert response.fault is None
        assert set(nodes_of(pool).values()) <= {other.node_id, None}
    finally:
        await pool.close()
    assert re.fullmatch(
        r"waiting for nodes: cpu@zone=c-0 needs a node with zone = c; the cluster has no zone; \d+ s of 60 s", lines[0]
    )
    assert asked[0] == [{"CPU": 1.0}] * 2


async def test_what_does_not_come_in_time_is_refused_whatever_another_run_requests(
    session: RaySession,
) -> None:
    asked: list[list[dict[str, float]]] = []

    def another_ends(_: str) -> None:
        from ray.autoscaler.sdk import request_resources

        asked.append(requested())
        request_resources(bundles=[])

    pool = RayPool(
        *(Words(), {0: fakes.Works(), 1: fakes.Says()}, {}),
        **{"session": session, "wait_for_nodes_s": 2.0, "report": another_ends},
        requirements={1: Requirements(labels={"zone": "far"})},
    )
    with pytest.raises(
        PoolError, match="cpu needs 1 CPU; the cluster has 0 CPU; no machine with room for it came in 2 s; free what"
    ):
        async with pool:
            pass
    assert len(asked) >= 2 and all(sorted(map(str, bundles)) == ["{'CPU': 1.0}"] * 2 for bundles in asked)
    assert requested() == []


async def play(pool: Pool, miners: Iterable[int]) -> list[RoundResult]:
    stakes = dict.fromkeys(miners, 1.0)
    return await asyncio.gather(
        *(pool.play(uid, number, stakes, Caller()) for uid in sorted(pool.validators) for number in range(4))
    )


async def test_a_machine_that_leaves_in_mid_run_costs_nothing_and_nobody_is_asked_twice(
    add_nodes: AddNodes, session: RaySession, ray_cluster: Any, tmp_path: Path
) -> None:
    add_nodes({"num_cpus": 2}, {"num_cpus": 2}, {"num_cpus": 2})
    note = tmp_path / "asked"
    miners = {uid: fakes.Logs(seed=uid, note=str(note)) for uid in range(4)}
    calm = {uid: fakes.Logs(seed=uid, note=str(tmp_path / "calm"), for_s=0.0) for uid in miners}
    validators = {8: Validator(seed=8), 9: Validator(seed=9)}
    async with LocalPool(Words(), calm, validators, processes=False) as local:
        expected = await play(local, calm)
    options: dict[str, Any] = {"max_replicas": 2, "placement": "spread", "session": session}
    async with RayPool(Words(), miners, validators, **options) as pool:
        before = nodes_of(pool)
        assert before["cpu-0"] != before["cpu-1"]
        leaving = {before["validators-0"], before["cpu-0"]} - {ray_cluster.head_node.node_id}
        playing = asyncio.create_task(play(pool, miners))
        await asyncio.sleep(0.5)
        for node in leaving:
            drain(ray_cluster, str(node), within_s=30.0)
        played = await playing
        await asyncio.to_thread(until, lambda: not leaving & alive())
        after = nodes_of(pool)
        (served,) = await pool.query(query(), (0,))
    assert [one.scores for one in played] == [one.scores for one in expected]
    assert {response.fault for one in played for response in one.responses} == {None}
    asked = note.read_text().splitlines()
    assert len(asked) == len(set(asked)) == 2 * 4 * 4 + 1
    assert before.keys() == after.keys() and not leaving & set(after.values())
    assert served.fault is None
