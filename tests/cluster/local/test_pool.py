"""The pool in this process and its children."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from cluster import LocalPool, PoolError
from cluster.scheduling.scheduler import Scheduler
from miners import Miner, Pay
from subnets import Caller, Fault
from tests.cluster import fakes
from tests.cluster.conftest import until
from tests.cluster.fakes import Words, query
from validators import Validator

ROOT = Path(__file__).parents[3]
HUNG = """
import asyncio
from cluster import LocalPool
from cluster.local import process
from tests.cluster import fakes
process.END_S = 0.2
async def main():
    pool = LocalPool(fakes.Words(), {0: fakes.HoldsOnCore(for_s=3600.0)}, {}, cores=1)
    await pool.start()
    await pool.query(fakes.query(), (0,), deadline_s=0.2)
    print(*(member.pid for member in (await pool.status()).members if member.role == "host"), flush=True)
    await asyncio.sleep(3600)
if __name__ == "__main__":
    asyncio.run(main())
"""


def local_pool(miners: Mapping[int, Miner], *, cores: int = 1, processes: bool = True) -> LocalPool:
    return LocalPool(Words(), miners, {9: Validator(seed=1)}, cores=cores, processes=processes)


async def test_a_round_is_prepared_asked_and_graded() -> None:
    async with local_pool({0: fakes.Says(), 1: fakes.Works(), 2: fakes.Says(text="no")}) as pool:
        played = await pool.play(9, 0, {0: 1.0, 1: 1.0, 2: 1.0}, Caller())
    assert [score.value for score in played.scores] == [1.0, 1.0, 0.0]
    assert [response.uid for response in played.responses] == [0, 1, 2]


async def test_a_pool_that_serves_miners_alone_needs_no_subnet() -> None:
    async with LocalPool(None, {0: fakes.Says()}, {}) as pool:
        (response,) = await pool.query(query(), (0,))
    assert response.fault is None


def test_validators_without_a_subnet_are_refused() -> None:
    with pytest.raises(PoolError, match="validators need a subnet"):
        LocalPool(None, {}, {9: Validator(seed=1)})


async def test_miners_that_need_a_core_share_one_child_process_a_core() -> None:
    miners = {uid: fakes.Pid(seed=uid) for uid in range(12)}
    async with local_pool(miners, cores=2) as pool:
        responses = await pool.query(query(), range(12))
    pids = {response.body for response in responses}
    assert len(pids) == 2
    assert str(os.getpid()).encode() not in b"".join(pids)


@pytest.mark.slow
async def test_a_miner_that_its_host_dies_of_is_at_fault_and_waiting_queries_are_served() -> None:
    miners = {0: fakes.Says(), 1: fakes.Dies(), 2: fakes.Works()}
    async with local_pool(miners) as pool:
        responses = await pool.query(query(), (0, 1, 2))
    assert [response.fault for response in responses] == [None, Fault.ERROR, None]
    assert responses[1].reason == "its host died while serving it alone"


async def test_a_killed_host_comes_back_and_does_its_work_again() -> None:
    async with local_pool({0: fakes.Pid(), 1: fakes.SleepsOnCore(for_s=1.0)}) as pool:
        before = int((await pool.query(query(), (0,)))[0].body.split(b'"')[3])
        asyncio.get_running_loop().call_later(0.2, os.kill, before, signal.SIGKILL)
        again = await pool.query(query(), (1,))
        after = int((await pool.query(query(), (0,)))[0].body.split(b'"')[3])
    assert again[0].fault is None
    assert before != after


async def test_an_engine_that_does_not_open_is_a_pool_error_with_its_reason() -> None:
    with pytest.raises(PoolError, match="unopenable-0: FileNotFoundError: no weights at /nowhere; download"):
        async with local_pool({0: fakes.Works(engine=fakes.Unopenable())}):
            pass


async def test_a_host_that_is_not_ready_in_time_is_a_pool_error() -> None:
    miners = {0: fakes.Works(engine=fakes.NeverOpen())}
    with pytest.raises(PoolError, match=r"neveropen-0 was not ready within 1 s; pool.start_timeout_s gives"):
        async with LocalPool(Words(), miners, {}, cores=1, start_timeout_s=1.0):
            pass


async def test_a_host_that_was_given_up_leaves_no_process_and_takes_part_in_nothing_more(tmp_path: Path) -> None:
    engine = fakes.OpensOnce(note=str(tmp_path / "opened"))
    async with LocalPool(Words(), {0: fakes.Learns(engine=engine)}, {}, cores=1, max_restarts=1) as pool:
        (member,) = [member for member in (await pool.status()).members if member.role == "host"]
        os.kill(member.pid or 0, signal.SIGKILL)
        (lost,) = await pool.query(query(), (0,))
        assert lost.fault is Fault.LOST
        assert await pool.baseline(0, [query(id="1")]) == [None]
        await pool.paid({0: Pay(0, earned_usd=1.0, cost_usd=0.5, answers=1)})
        (given_up,) = [member for member in (await pool.status()).members if member.role == "host"]
    assert (given_up.state, given_up.pid) == ("given up", None)
    assert (tmp_path / "opened").read_text() == "open\nopen\n"


async def test_the_hosts_end_whatever_fails_at_the_close(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    note = tmp_path / "note"
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with local_pool({0: fakes.SleepsOnCore(note=str(note))}) as pool:
        work = asyncio.create_task(pool.query(query(timeout_s=50.0), (0,)))
        await asyncio.to_thread(until, note.exists)
        monkeypatch.setattr(Scheduler, "_give_up", fail)
    assert [response.fault for response in await work] == [Fault.LOST]
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert [child.name() for child in left if "resource_tracker" not in " ".join(child.cmdline())] == []


async def test_a_closed_pool_leaves_no_process_behind(tmp_path: Path) -> None:
    note = tmp_path / "note"
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with local_pool({0: fakes.Works(), 1: fakes.SleepsOnCore(note=str(note))}, cores=2) as pool:
        work = asyncio.create_task(pool.query(query(timeout_s=50.0), (0, 1)))
        async with asyncio.timeout(30):
            while not note.exists() or sum(member.in_flight for member in (await pool.status()).members) != 1:
                await asyncio.sleep(0.02)
    assert [response.fault for response in await work] == [None, Fault.LOST]
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert [child.name() for child in left if "resource_tracker" not in " ".join(child.cmdline())] == []


async def test_a_host_that_hangs_ends_though_the_close_of_its_pool_is_cut_short() -> None:
    pool = local_pool({0: fakes.HoldsOnCore(for_s=3600.0)})
    await pool.start()
    (host,) = [member.pid for member in (await pool.status()).members if member.role == "host"]
    await pool.query(query(), (0,), deadline_s=0.2)
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0.3)
    assert host is not None and psutil.pid_exists(host)
    closing.cancel()
    await asyncio.wait({closing})
    assert not psutil.pid_exists(host)


def test_a_host_that_hangs_ends_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(HUNG)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    host = psutil.Process(int(driver.stdout.readline()))
    driver.kill()
    driver.wait()
    driver.stdout.close()
    host.wait(timeout=5.0)


@pytest.mark.slow
async def test_a_host_that_died_keeps_its_cpu_though_another_child_reaped_it() -> None:
    async with local_pool({0: fakes.Works(engine=fakes.Core(busy_s=0.3))}) as pool:
        await pool.query(query(), (0,))
        before = {row.name: row.cpu_s for row in await pool.usage()}
        (host,) = [member.pid for member in (await pool.status()).members if member.role == "host"]
        os.kill(host or 0, signal.SIGKILL)
        with suppress(psutil.NoSuchProcess):  # the last thing before it is reaped
            dead = psutil.Process(host or 0)
            await asyncio.to_thread(until, lambda: dead.status() == psutil.STATUS_ZOMBIE)
        await asyncio.sleep(0.5)  # for its end to be heard of
        multiprocessing.active_children()  # which reaps, as the start of any other does
        assert not psutil.pid_exists(host or 0)
        reaped = {row.name: row.cpu_s for row in await pool.usage()}
        await pool.query(query(id="2"), (0,))
        after = {row.name: row.cpu_s for row in await pool.usage()}
    assert before["cpu"] - 0.05 <= reaped["cpu"] <= after["cpu"] - 0.3
    assert max(reaped["driver"], after["driver"]) - before["driver"] < 0.25


async def test_cancelling_a_query_cancels_the_miner(tmp_path: Path) -> None:
    note = tmp_path / "note"
    async with local_pool({0: fakes.SleepsOnCore(note=str(note))}) as pool:
        work = asyncio.create_task(pool.query(query(timeout_s=50.0), (0,)))
        await asyncio.to_thread(until, note.exists)
        work.cancel()
        await asyncio.to_thread(until, lambda: note.read_text() == "cancelled")
        with pytest.raises(asyncio.CancelledError):
            await work


@pytest.mark.slow
async def test_the_cpu_of_children_is_the_hosts_own_and_outlives_them(tmp_path: Path) -> None:
    miners = {0: fakes.Works(engine=fakes.Core(busy_s=0.5)), 1: fakes.DiesOnce(note=str(tmp_path / "note"), seed=1)}
    async with local_pool(miners) as pool:
        before = {row.name: row.cpu_s for row in await pool.usage()}
        responses = await pool.query(query(), (0, 1))
        assert responses[1].fault is None
        responses = await pool.query(query(), (0, 1))
        after = {row.name: row.cpu_s for row in await pool.usage()}
    assert 0.5 <= responses[0].cost.cpu_s < 0.6
    assert after["cpu"] - before["cpu"] >= 1.0
    assert after["driver"] - before["driver"] < 0.5


async def test_bare_work_costs_what_its_process_used() -> None:
    async with local_pool({0: fakes.Works(engine=fakes.Core(busy_s=0.2)), 1: fakes.Raises()}) as pool:
        costs = await pool.baseline(0, [query(id="1"), query(id="2")])
        assert all(cost and 0.2 <= cost.cpu_s < 0.3 and cost.wall_s >= 0.2 for cost in costs)
        with pytest.raises(PoolError, match="miner 1 alone: ValueError: what a pity"):
            await pool.baseline(1, [query()])


async def test_bare_work_that_kills_its_host_has_no_cost_and_ends_nothing() -> None:
    async with local_pool({0: fakes.Works(), 1: fakes.Dies()}) as pool:
        assert await pool.baseline(1, []) == []
        assert await pool.baseline(1, [query(id="1"), query(id="2")]) == [None, None]
        died, served = await pool.query(query(), (1, 0))
        assert (died.fault, served.fault) == (Fault.ERROR, None)
        (cost,) = await pool.baseline(0, [query()])
        assert cost is not None


async def test_a_validator_that_cannot_prepare_is_a_pool_error_that_names_the_line() -> None:
    async with LocalPool(fakes.BrokenWords(), {0: fakes.Says()}, {9: Validator()}) as pool:
        with pytest.raises(PoolError, match=r"validator 9 .* round 0: RuntimeError: no words today \(fakes.py:"):
            await pool.prepare(9, 0, {0: 1.0}, Caller())
        with pytest.raises(PoolError, match="no validator has uid 3; known: 9"):
            await pool.prepare(3, 0, {0: 1.0}, Caller())
        with pytest.raises(PoolError, match="no miner has uid 5; known: 0"):
            await pool.query(query(), (5,))


async def test_validators_at_work_do_not_hold_up_the_loop() -> None:
    async with local_pool({0: fakes.Says()}) as pool:
        graded = threading.Event()
        grading = asyncio.create_task(pool._in_thread(lambda: graded.wait(30.0)))
        await pool.query(query(timeout_s=60.0), (0,))
        assert not grading.done()
        graded.set()
        assert await grading


async def test_without_processes_every_host_is_in_this_process() -> None:
    async with local_pool({0: fakes.Pid(), 1: fakes.Pid(seed=1)}, cores=2, processes=False) as pool:
        responses = await pool.query(query(), (0, 1))
        assert [row.name for row in await pool.usage()] == ["driver"]
    assert {response.body for response in responses} == {b'{"text":"%d"}' % os.getpid()}
