"""The pool on Ray: one cluster for the whole run."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster import LocalPool, PoolError, RayPool, RaySession
from cluster.ray.error_text import shorten
from cluster.ray.validators import RayValidators
from miners import Miner
from miners.fakes import Crashing
from subnets import Caller, Fault
from tests.cluster import fakes
from tests.cluster.conftest import until
from tests.cluster.fakes import Words, query
from validators import Validator


def ray_pool(session: RaySession, miners: Mapping[int, Miner], *, cores: int = 1) -> RayPool:
    return RayPool(Words(image_bytes=1000), miners, {9: Validator(seed=1)}, cores=cores, session=session)


async def test_the_same_seed_gives_the_same_scores_on_both_pools(ray_session: RaySession) -> None:
    miners: dict[int, Miner] = {
        0: fakes.Says(),
        1: fakes.Works(),
        2: fakes.Says(text="no"),
        3: fakes.Raises(),
        4: fakes.Returns(what="surrogate"),
        5: fakes.Copies(victim=fakes.Works()),
        6: fakes.Draws(seed=6),
    }
    stakes = dict.fromkeys(miners, 1.0)
    async with ray_pool(ray_session, miners) as pool:
        on_ray = [await pool.play(9, number, stakes, Caller()) for number in range(3)]
    async with LocalPool(Words(image_bytes=1000), miners, {9: Validator(seed=1)}, cores=1) as pool:
        here = [await pool.play(9, number, stakes, Caller()) for number in range(3)]
    assert [played.task for played in on_ray] == [played.task for played in here]
    assert [played.scores for played in on_ray] == [played.scores for played in here]
    assert [[r.body for r in played.responses] for played in on_ray] == [
        [r.body for r in played.responses] for played in here
    ]
    assert [score.value for score in here[0].scores] == [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


async def test_the_cluster_is_our_own_on_loopback_behind_a_token(ray_session: RaySession) -> None:
    import ray

    assert ray.util.get_node_ip_address() == "127.0.0.1"
    assert os.environ["RAY_AUTH_MODE"] == "token"
    listening: list[str] = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a worker of the test before may be ending
            connections = process.net_connections(kind="inet")
            listening += [connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN]
    assert listening
    assert set(listening) <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


async def test_every_query_has_one_response_in_order_whatever_happens(ray_session: RaySession, tmp_path: Path) -> None:
    miners: dict[int, Miner] = {
        4: fakes.Says(),
        0: fakes.Exits(),
        7: fakes.Sleeps(note=str(tmp_path / "slow")),
        3: fakes.Returns(what="huge"),
        5: fakes.Refuses(),
        1: fakes.DiesOnce(note=str(tmp_path / "died")),
        2: fakes.Works(),
    }
    async with ray_pool(ray_session, miners) as pool:
        before = {row.name: row for row in await pool.usage()}
        first = await pool.query(query(id="1", timeout_s=2.0), (7, 3, 0, 5, 1, 2, 4))
        second = await pool.query(query(id="2", timeout_s=2.0), (1, 2))
        after = {row.name: row for row in await pool.usage()}
    assert [response.uid for response in first] == [7, 3, 0, 5, 1, 2, 4]
    assert [response.fault for response in first] == [
        *(Fault.TIMEOUT, Fault.MALFORMED, Fault.ERROR, Fault.REFUSED),
        *(None, None, None),
    ]
    assert [response.fault for response in second] == [None, None]
    assert (tmp_path / "slow").read_text() == "cancelled"
    assert {row.role for row in after.values()} == {"driver", "host", "validator", "system"}
    assert all(after[name].cpu_s >= before[name].cpu_s for name in before)


async def test_a_host_killed_in_mid_work_restarts_and_does_it_again(ray_session: RaySession) -> None:
    async with ray_pool(ray_session, {0: fakes.Pid(), 1: fakes.SleepsOnCore(for_s=1.0)}) as pool:
        pid = pool._links["cpu"][0].pid  # type: ignore[attr-defined]
        asyncio.get_running_loop().call_later(0.3, os.kill, pid, signal.SIGKILL)
        (again,) = await pool.query(query(timeout_s=30.0), (1,))
        (served,) = await pool.query(query(), (0,))
    assert (again.fault, served.fault) == (None, None)
    assert served.body != b'{"text":"%d"}' % pid


async def test_a_miner_that_its_host_dies_of_harms_nobody_else(ray_session: RaySession) -> None:
    miners: dict[int, Miner] = {**{uid: fakes.Says(seed=uid) for uid in range(5)}, 5: Crashing(how="kill")}
    async with ray_pool(ray_session, miners) as pool:
        for number in range(2):
            responses = await pool.query(query(id=str(number)), range(6))
            assert [response.fault for response in responses] == [None] * 5 + [Fault.ERROR]
        assert await pool.baseline(5, []) == []
        assert await pool.baseline(5, [query()]) == [None]


async def test_a_killed_validator_worker_is_replaced_and_asked_again(ray_session: RaySession) -> None:
    async with ray_pool(ray_session, {0: fakes.Says()}) as pool:
        first = await pool.prepare(9, 0, {0: 1.0}, Caller())
        assert pool._workers[0].pid is not None
        os.kill(pool._workers[0].pid, signal.SIGKILL)
        again = await pool.prepare(9, 0, {0: 1.0}, Caller())
    assert first.task == again.task


async def test_the_deadline_cuts_off_running_queries_and_names_those_that_never_started(
    ray_session: RaySession, tmp_path: Path
) -> None:
    miners: dict[int, Miner] = {uid: fakes.SleepsOnCore(note=str(tmp_path / "cut"), seed=uid) for uid in (0, 1)}
    async with ray_pool(ray_session, miners) as pool:
        responses = await pool.query(query(timeout_s=30.0), (0, 1), deadline_s=1.5)
        await asyncio.to_thread(until, lambda: (tmp_path / "cut").read_text() == "cancelled")
    assert [response.fault for response in responses] == [Fault.LOST, Fault.LOST]
    assert responses[0].reason.startswith("cut off after ")
    assert responses[1].reason == "not started within 1.5 s"


async def test_a_picture_leaves_the_driver_once_for_each_machine(ray_session: RaySession) -> None:
    picture = os.urandom(300_000)
    async with ray_pool(ray_session, {uid: fakes.Works(seed=uid) for uid in range(32)}, cores=2) as pool:
        sent_before = psutil.Process().io_counters().write_chars
        responses = await pool.query(query(image=picture), range(32))
        sent = psutil.Process().io_counters().write_chars - sent_before
    assert [response.fault for response in responses] == [None] * 32
    assert sent < 2 * len(picture)


async def test_a_relay_that_is_killed_costs_nobody_anything_and_no_host_restarts(ray_session: RaySession) -> None:
    miners: dict[int, Miner] = {0: fakes.Pid(), 1: fakes.SleepsOnCore(for_s=1.0), 2: fakes.Says()}
    async with ray_pool(ray_session, miners) as pool:
        pids = [link.pid for link in pool._all_links()]
        (relay,) = pool._relays.actors()
        assert relay.pid is not None
        asyncio.get_running_loop().call_later(0.3, os.kill, relay.pid, signal.SIGKILL)
        responses = await pool.query(query(timeout_s=30.0), (2, 1, 0))
        assert [(response.uid, response.fault) for response in responses] == [(2, None), (1, None), (0, None)]
        assert [link.pid for link in pool._all_links()] == pids
        assert [member.restarts for member in (await pool.status()).members] == [0] * 4


async def test_a_missing_resource_is_reported_at_once_with_what_there_is(ray_session: RaySession) -> None:
    miners = {0: fakes.Works(engine=fakes.Model(wants_gpus=2.0))}
    with pytest.raises(PoolError, match="model-0 needs 2 GPU; the cluster has 0 GPU"):
        async with ray_pool(ray_session, miners):
            pass


async def test_a_plan_that_does_not_fit_as_a_whole_is_refused_before_any_host_is_placed(
    ray_session: RaySession,
) -> None:
    miners: dict[int, Miner] = {0: fakes.Works(), 1: fakes.Works(engine=fakes.Model())}
    with pytest.raises(PoolError, match="needs 1 CPU; the other hosts leave 0 CPU of the cluster's 2 CPU; free what"):
        async with RayPool(Words(), miners, {}, cores=2, session=ray_session):
            pass


async def test_a_resource_in_use_is_reported_in_time(ray_session: RaySession) -> None:
    pool = RayPool(
        Words(), {0: fakes.Works(engine=fakes.Model())}, {}, cores=2, session=ray_session, start_timeout_s=6.0
    )
    async with RayPool(Words(), {0: fakes.Works()}, {}, cores=2, session=ray_session):
        with pytest.raises(PoolError, match=r"was not placed within 6 s: it needs 1 CPU; .* has 0 CPU free of 2 CPU"):
            async with pool:
                pass


async def test_validators_that_were_not_placed_in_time_are_placed_at_the_next_call(
    ray_session: RaySession,
) -> None:
    worker = RayValidators("validators", (Words(), {8: Validator(seed=8)}), {}, 0.0)
    with pytest.raises(PoolError, match="validators was not placed within 0 s"):
        await worker.start()
    worker._start_timeout_s = 60.0
    try:
        await worker.ask("prepare", 8, 0, {0: 1.0}, Caller(), restarts=0)
        assert worker.pid is not None
    finally:
        await worker.end()


class Unlucky(RayValidators):
    """Is first given a machine that is gone."""

    tries = 0

    async def place(self, *arguments: Any) -> None:
        self.tries += 1
        if self.tries == 1:
            raise PoolError("validators can't be started: its node has died")
        await super().place(*arguments)


async def test_validators_given_to_a_machine_that_is_gone_are_placed_again(ray_session: RaySession) -> None:
    worker = Unlucky("validators", (Words(), {8: Validator(seed=8)}), {}, 60.0)
    try:
        await worker.ask("prepare", 8, 0, {0: 1.0}, Caller(), restarts=1)
        assert worker.tries == 2
    finally:
        await worker.end()


async def test_an_engine_that_does_not_open_is_reported_with_its_reason(ray_session: RaySession) -> None:
    with pytest.raises(PoolError, match="host unopenable-0: FileNotFoundError: no weights at /nowhere; download"):
        async with ray_pool(ray_session, {0: fakes.Works(engine=fakes.Unopenable())}):
            pass


async def test_the_engines_of_a_host_that_lives_have_the_time_that_they_take_to_close(
    ray_session: RaySession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.ray.actor.HEALTH_S", 0.7)
    engine = fakes.ClosesSlowly(note=str(tmp_path / "note"), for_s=1.0)
    async with RayPool(Words(), {0: fakes.Works(engine=engine)}, {}, cores=1, session=ray_session):
        pass
    assert (tmp_path / "note").read_text() == "closed"


async def test_bare_work_is_measured_on_a_host(ray_session: RaySession) -> None:
    async with ray_pool(ray_session, {0: fakes.Works(engine=fakes.Core(busy_s=0.2)), 1: fakes.Raises()}) as pool:
        (cost,) = await pool.baseline(0, [query()])
        assert cost is not None
        assert 0.2 <= cost.cpu_s < 0.4
        with pytest.raises(PoolError, match="miner 1 alone: ValueError: what a pity"):
            await pool.baseline(1, [query()])


def test_a_remote_traceback_is_cut_down_to_the_exception() -> None:
    message = (
        "The actor died because of an error raised in its creation, \x1b[36mray::ValidatorActor.__init__()\x1b[39m\n"
        "  At least one of the input arguments for this task could not be computed:\n"
        "ray.exceptions.RaySystemError: System error: No module named 'mine'\n"
        "traceback: Traceback (most recent call last):\n"
        '  File "serialization.py", line 1\n'
        "ModuleNotFoundError: No module named 'mine'"
    )
    assert shorten(RuntimeError(message)) == "RuntimeError: ModuleNotFoundError: No module named 'mine'"
    assert shorten(RuntimeError("\x1b[31mgone\x1b[39m\n\nfor good")) == "RuntimeError: gone for good"
