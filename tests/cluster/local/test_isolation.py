"""Plug-ins of others run in processes of their own, so that what they break is theirs."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from cluster import LocalPool, RayPool
from cluster.plan import plan
from lab.config.run_config import RunConfig
from lab.record.entries import GradedRound
from lab.run.audit import audit
from lab.run.session import run
from miners import Miner
from miners.fakes import Echo, Slow
from subnets import Fault
from tests.cluster import fakes
from tests.cluster.fakes import Words, query

WAYS = ("exit", "kill", "close", "patch", "stop")
SAYS, PID = "tests.cluster.fakes.Says", "tests.cluster.fakes.LightPid"


def groups(miners: Mapping[int, Miner], *, isolate: bool = True) -> dict[str, tuple[tuple[int, ...], bool]]:
    return {group.name: (tuple(group.miners), group.isolated) for group in plan(miners, 2, isolate=isolate).groups}


def test_light_miners_of_others_have_a_host_for_each_class() -> None:
    miners = {0: Echo(), 1: fakes.Says(), 2: fakes.Says(seed=2), 3: fakes.LightPid(), 4: fakes.Works()}
    assert groups(miners) == {
        **{"io": ((0,), False), f"io:{SAYS}": ((1, 2), True), f"io:{PID}": ((3,), True)},
        "cpu": ((4,), False),
    }
    assert groups(miners, isolate=False) == {"io": ((0, 1, 2, 3), False), "cpu": ((4,), False)}


def test_a_miner_of_ours_is_isolated_with_what_it_holds_or_copies_or_shares_an_engine_with() -> None:
    copies = "tests.cluster.fakes.Copies"
    assert groups({0: Slow(miner=fakes.Says()), 1: Slow()}) == {"io": ((1,), False), f"io:{SAYS}": ((0,), True)}
    assert groups({0: fakes.Says(), 1: fakes.Copies(victim=fakes.Says())}) == {f"io:{copies}+{SAYS}": ((0, 1), True)}
    assert groups({0: fakes.Works.model_construct(engine=fakes.Api(), seed=0)}) == {"api-0": ((0,), True)}


def test_on_ray_too_foreign_classes_have_hosts_of_their_own() -> None:
    pool = RayPool(Words(), {0: Echo(), 1: fakes.Says(), 2: fakes.LightPid()}, {}, cores=2, isolate=True)
    assert {group.name for group in pool.plan.groups} == {"io", f"io:{SAYS}", f"io:{PID}"}


async def test_isolated_miners_leave_the_process_of_the_pool() -> None:
    miners = {0: fakes.LightPid(), 1: fakes.LightPid(seed=1), 2: Echo()}
    async with LocalPool(Words(), miners, {}, cores=1, isolate=True) as pool:
        first, second, _ = await pool.query(query(), (0, 1, 2))
        pids = {member.name: member.pid for member in (await pool.status()).members}
    assert first.body == second.body
    assert str(os.getpid()).encode() not in first.body
    assert pids["io"] == os.getpid() != pids[f"io:{PID}"]


@pytest.mark.slow
def test_miners_that_break_their_process_are_charged_and_their_run_ends_whole(tmp_path: Path) -> None:
    says = {"name": "fine", "kind": "tests.cluster.fakes:Says"}
    breaking = [{"name": how, "kind": "tests.cluster.fakes:Breaks", "how": how} for how in WAYS]
    config = {
        "subnet": {"kind": "tests.cluster.fakes:Words"},
        "miners": [says, *breaking, {"name": "echo", "kind": "echo"}],
        "validators": [{"name": "validator"}],
        "chain": {"epochs": 1, "rounds_per_epoch": 1},
        "pool": {"kind": "local"},
    }
    with run(RunConfig.parse(config), tmp_path) as record:
        assert audit(record).complete
        (graded,) = map(GradedRound.of, record.entries("round"))
    faults = {uid: (answer.fault, answer.score) for uid, answer in enumerate(graded.answers)}
    assert faults == {0: (None, 1.0), **dict.fromkeys(range(1, 6), (Fault.ERROR, 0.0)), 6: (None, 1.0)}
    reasons = {answer.reason for answer in graded.answers if answer.fault}
    assert reasons == {"its host died while serving it alone"}
