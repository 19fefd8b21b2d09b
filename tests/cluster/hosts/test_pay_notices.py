"""Pay notices on every pool."""

import asyncio
import os
import signal

import pytest

from cluster import LocalPool, RayPool, RaySession
from cluster.host_pool import HostPool
from cluster.hosts import pay_notices
from cluster.hosts.host import Host
from cluster.local import process
from miners import Miner, Pay
from miners.fakes import Slow
from tests.cluster import fakes
from tests.cluster.fakes import Words, query


def miners() -> dict[int, Miner]:
    return {3: fakes.Learns(), 4: Slow(miner=fakes.Learns(seed=4), delay_s=0.01), 5: fakes.Says()}


def pay(epoch: int, profit: float) -> Pay:
    return Pay(epoch, earned_usd=profit + 1.0, cost_usd=1.0, answers=1)


async def answers(pool: HostPool, uids: tuple[int, ...] = (3, 4)) -> list[str]:
    """Ask twice as often as there are hosts, so that each of them answers."""
    texts = []
    for number in range(4):
        responses = await pool.query(query(id=str(number)), uids)
        texts += [response.body.decode() for response in responses]
    return sorted(set(texts))


async def hears_each_once(pool: HostPool) -> None:
    await pool.paid({3: pay(0, 2.0), 4: pay(0, 2.0)})
    async with pool:
        assert await answers(pool) == ['{"text":"0:2"}']
        await pool.paid({3: pay(1, -1.0), 4: pay(1, -1.0), 5: pay(1, 7.0)})
        assert await answers(pool) == ['{"text":"0:2 1:-1"}']
        await pool.paid({3: pay(666, 0.0), 4: pay(2, 0.0)})
        assert await answers(pool) == ['{"text":"0:2 1:-1 2:0"}', '{"text":"0:2 1:-1"}']


@pytest.mark.parametrize("processes", [False, True])
async def test_every_host_hears_each_epoch_once_and_one_that_fails_at_it_harms_nobody(processes: bool) -> None:
    await hears_each_once(LocalPool(Words(), miners(), {}, cores=2, processes=processes))


async def test_every_host_on_ray_hears_each_epoch_once_too(ray_session: RaySession) -> None:
    await hears_each_once(RayPool(Words(), miners(), {}, cores=2, session=ray_session))


async def test_a_restarted_host_knows_the_pay_of_its_predecessor() -> None:
    async with LocalPool(Words(), miners(), {}, cores=1) as pool:
        await pool.paid({3: pay(0, 2.0)})
        process = pool._links["cpu"][0]._process  # type: ignore[attr-defined]
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        await pool.paid({3: pay(1, 3.0)})
        assert await answers(pool, (3,)) == ['{"text":"0:2 1:3"}']


@pytest.mark.slow
@pytest.mark.parametrize("fails", ["hang", "die"])
async def test_a_miner_that_hangs_or_kills_its_host_when_paid_gets_no_more_notices_but_its_neighbour_does(
    monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    monkeypatch.setattr(pay_notices, "NOTIFY_S", 2.0)
    monkeypatch.setattr(process, "END_S", 0.5)
    bad = fakes.Learns(fails=fails)
    async with LocalPool(Words(), {3: bad, 4: fakes.Learns(seed=4)}, {}, cores=1) as pool:
        await pool.paid({3: pay(0, 1.0), 4: pay(0, 1.0)})
        async with asyncio.timeout(30.0):
            await pool.paid({3: pay(666, 2.0), 4: pay(1, 2.0)})
        await pool.paid({3: pay(2, 3.0), 4: pay(2, 3.0)})
        assert await answers(pool, (4,)) == ['{"text":"0:1 1:2 2:3"}']
        assert (await pool.query(query(), (3,)))[0].fault is None
    assert bad._told == []


async def test_pay_that_no_miner_learns_from_is_neither_sent_nor_stored() -> None:
    async with LocalPool(Words(), {3: fakes.Learns(), 5: fakes.Says()}, {}, cores=1) as pool:
        for epoch in range(100):
            await pool.paid({5: pay(epoch, 1.0)})
        kept = sum(len(epoch) for epoch in pool._pay_notices._pays)
        await pool.paid({3: pay(100, 1.0), 5: pay(100, 1.0)})
        assert await answers(pool, (3,)) == ['{"text":"100:1"}']
    assert kept == 0


def test_an_interrupt_is_not_taken_for_a_failure_of_the_miner() -> None:
    with pytest.raises(KeyboardInterrupt):
        Host("test", {3: fakes.Learns(fails="interrupt")}).paid([{3: pay(666, 0.0)}])


async def test_work_on_pay_is_part_of_the_next_answers_cost_but_not_when_repeated() -> None:
    host = Host("test", {3: fakes.Learns(fails="burn")})
    host.paid([{3: pay(666, 0.0)}], again=True)
    assert (await host.serve(3, query())).cost.cpu_s < 0.05
    host.paid([{3: pay(666, 0.0)}])
    assert [(await host.serve(3, query())).cost.cpu_s >= 0.1 for _ in range(2)] == [True, False]
