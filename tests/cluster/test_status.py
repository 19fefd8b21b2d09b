"""What the status of a pool shows."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from cluster import LocalPool, PoolError
from cluster.status import Member, PoolStatus, UsageSampler, measure_processes
from tests.cluster import fakes
from tests.cluster.fakes import Words, query
from validators import Validator


async def until(pool: LocalPool, seen: Callable[[PoolStatus, Member], bool]) -> tuple[PoolStatus, Member]:
    """Wait until the status of the host of the group "cpu" satisfies a condition."""
    async with asyncio.timeout(30):
        while True:
            status = await pool.status()
            host = next(member for member in status.members if member.group == "cpu")
            if seen(status, host):
                return status, host
            await asyncio.sleep(0.02)


async def test_queues_and_restarting_hosts_are_shown() -> None:
    miners = {0: fakes.SleepsOnCore(for_s=1.0), 1: fakes.SleepsOnCore(for_s=1.0, seed=1), 2: fakes.Says()}
    async with LocalPool(Words(), miners, {9: Validator(seed=1)}, cores=1) as pool:
        work = asyncio.create_task(pool.query(query(timeout_s=30.0), (0, 1)))
        status, host = await until(pool, lambda status, host: host.in_flight == 1)
        assert (host.name, host.state, host.slots, host.restarts) == ("cpu", "up", 1, 0)
        assert [(group.name, group.miners, group.engines, group.waiting) for group in status.groups] == [
            ("io", (2,), (), 0),
            ("cpu", (0, 1), ("core",), 1),
        ]
        driver = next(member for member in status.members if member.role == "driver")
        assert (driver.pid, driver.validators) == (os.getpid(), (9,))
        assert host.pid is not None and host.pid != driver.pid
        os.kill(host.pid, signal.SIGKILL)
        await until(pool, lambda status, host: host.state == "restarting")
        _, again = await until(pool, lambda status, host: host.state == "up")
        assert again.restarts == 1 and again.pid != host.pid
        assert [response.fault for response in await work] == [None, None]


async def test_a_host_is_starting_until_its_engines_are_open() -> None:
    pool = LocalPool(Words(), {0: fakes.Works(engine=fakes.NeverOpen())}, {}, cores=1, start_timeout_s=3.0)
    start = asyncio.create_task(pool.start())
    async with asyncio.timeout(10):
        while not [member for member in (await pool.status()).members if member.role == "host"]:
            await asyncio.sleep(0.02)
    assert [member.state for member in (await pool.status()).members if member.role == "host"] == ["starting"]
    with pytest.raises(PoolError):
        await start
    await pool.close()


def test_memory_and_cpu_are_those_of_a_process_and_its_children() -> None:
    hungry = (
        "import time; held = bytearray(50_000_000)\nwhile time.process_time() < 0.5: pass\nprint(flush=True); input()"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hungry!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        usage = measure_processes({"child": child.pid, "nobody": 2**22 - 1}, "here")
        child.communicate(b"\n")
    assert usage.keys() == {"child"}
    assert usage["child"].cpu_s >= 0.4 and usage["child"].memory_mb >= 50.0


async def test_processes_are_not_measured_at_every_refresh() -> None:
    looks = []

    async def look() -> dict[str, object]:
        looks.append(1)
        return {}

    sampler = UsageSampler()
    for _ in range(5):
        await sampler.refresh(look)  # type: ignore[arg-type]
    assert len(looks) == 1 and sampler.fields("anybody") == {}
