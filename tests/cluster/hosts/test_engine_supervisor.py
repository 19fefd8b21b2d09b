"""Engines that die in mid-round: real processes, killed."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import psutil
import pytest

from cluster import LocalPool
from cluster.hosts.engine_supervisor import MAX_OPENINGS, EngineSupervisor
from cluster.hosts.host import Host
from miners import Miner
from subnets import Fault, Response
from tests.cluster import fakes
from tests.cluster.fakes import Words, query


@asynccontextmanager
async def hosting(miners: Mapping[int, Miner]) -> AsyncIterator[Host]:
    host = Host("test", miners)
    await host.open()
    try:
        yield host
    finally:
        await host.close()


def pid_of(response: Response) -> int:
    assert response.fault is None, response
    return int(response.body.decode().split('"')[3])


SERVED: dict[int, Miner] = {uid: fakes.Works(engine=fakes.Servant(), seed=uid) for uid in (0, 1)}


async def test_queries_on_a_killed_engine_are_lost_and_the_next_query_is_answered() -> None:
    engine = fakes.Servant(reopens_in_s=0.5)
    async with hosting({0: fakes.Works(engine=engine), 1: fakes.Works(engine=engine), 2: fakes.Says()}) as host:
        before = pid_of(await host.serve(0, query()))
        asyncio.get_running_loop().call_later(0.3, os.kill, before, signal.SIGKILL)
        first, second, light = await asyncio.gather(*(host.serve(uid, query("sleep 3")) for uid in (0, 1, 2)))
        assert (first.fault, second.fault, light.fault) == (Fault.LOST, Fault.LOST, None)
        assert first.reason == "the servant's process ended"
        started = time.perf_counter()
        again = await host.serve(1, query(id="2", timeout_s=60.0))
        took_s = time.perf_counter() - started
    assert pid_of(again) != before
    assert again.latency_s <= took_s - 0.5, "what it takes to open is nobody's"


@pytest.mark.parametrize("processes", [False, True])
async def test_a_miner_that_its_engine_dies_of_is_blamed_however_often_and_its_neighbour_is_served(
    processes: bool,
) -> None:
    miners: dict[int, Miner] = {0: fakes.KillsEngine(engine=fakes.Servant()), 1: SERVED[1]}
    async with LocalPool(Words(), miners, {}, cores=1, processes=processes) as pool:
        for number in range(MAX_OPENINGS + 1):
            killer, neighbour = await pool.query(query("sleep 0.1", id=str(number)), (0, 1))
            assert killer.fault is Fault.ERROR
            assert killer.reason == "its engine died while serving it alone: the servant's process ended"
            pid_of(neighbour)


async def test_an_engine_that_does_not_reopen_in_some_attempts_is_given_up_and_nobody_is_blamed() -> None:
    async with hosting({0: fakes.Works(engine=fakes.Servant(opens=1))}) as host:
        await host.serve(0, query("die"))
        faults = [(await host.serve(0, query(id=str(n)))).fault for n in range(MAX_OPENINGS + 2)]
        assert faults == [Fault.LOST] * (MAX_OPENINGS + 2)
        assert host._engines._states[fakes.Servant(opens=1).key].failures == MAX_OPENINGS


async def test_an_engine_that_does_not_reopen_is_named_and_the_others_go_on() -> None:
    miners = {0: fakes.Works(engine=fakes.Servant(opens=1)), 1: fakes.Works(engine=fakes.Servant())}
    async with hosting(miners) as host:
        assert (await host.serve(0, query("die"))).fault is Fault.LOST
        lost = await host.serve(0, query())
        assert lost.fault is Fault.LOST
        assert lost.reason == ("the servant's process ended; it did not open again: MemoryError: no memory for another")
        pid_of(await host.serve(1, query()))


async def test_a_miner_that_feigns_the_death_of_an_engine_is_at_fault() -> None:
    async with hosting({0: fakes.FeignsDeath()}) as host:
        response = await host.serve(0, query())
    assert (response.fault, response.reason) == (Fault.ERROR, "EngineDied: gone, all gone")


@pytest.mark.parametrize("what", ["burn 0.4", "die"])
async def test_bare_work_is_measured_in_the_engines_own_process_and_is_none_if_that_dies(what: str) -> None:
    async with LocalPool(Words(), {0: fakes.Works(engine=fakes.Servant())}, {}, cores=1) as pool:
        cost, other = await pool.baseline(0, [query(what), query("burn 0.1", id="2")])
    if what == "die":
        assert cost is None
    else:
        assert cost is not None and 0.38 <= cost.cpu_s < 0.7
    assert other is not None and 0.08 <= other.cpu_s < 0.3


async def test_an_engine_killed_from_outside_reopens_and_costs_nobody_anything() -> None:
    async with LocalPool(Words(), SERVED, {}, cores=1) as pool:
        (first,) = await pool.query(query(), (0,))
        asyncio.get_running_loop().call_later(0.3, os.kill, pid_of(first), signal.SIGKILL)
        asked = await pool.query(query("sleep 1", id="2"), (0, 1))
        (again,) = await pool.query(query(id="3"), (0,))
    assert {pid_of(response) for response in asked} == {pid_of(again)}
    assert pid_of(again) != pid_of(first)


async def test_an_engine_that_fails_to_close_keeps_no_other_open() -> None:
    miners: dict[int, Miner] = {0: fakes.Works(engine=fakes.Unclosable()), 1: fakes.Works(engine=fakes.Servant())}
    async with hosting(miners) as host:
        pid = pid_of(await host.serve(1, query()))
    assert not psutil.pid_exists(pid)


async def test_if_one_engine_fails_to_open_the_others_are_closed_though_one_fails_at_that_too() -> None:
    servant = fakes.Servant()
    engines = EngineSupervisor([fakes.Unclosable(), servant, fakes.Unopenable()])
    with pytest.raises(FileNotFoundError):
        await engines.open()
    assert servant._process.returncode is not None
