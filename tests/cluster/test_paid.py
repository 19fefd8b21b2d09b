"""What miners are told of their pay, on every pool."""

import os
import signal

import pytest

from cluster import LocalPool, RayPool, RaySession
from cluster.hosted import HostedPool
from miners import Miner, Pay
from miners.fakes import Slow
from tests.cluster import fakes
from tests.cluster.fakes import Words, query


def miners() -> dict[int, Miner]:
    """Make them anew: a pool tells those that it was given as well."""
    return {3: fakes.Learns(), 4: Slow(miner=fakes.Learns(seed=4), delay_s=0.01), 5: fakes.Says()}


def pay(epoch: int, profit: float) -> Pay:
    return Pay(epoch, earned_usd=profit + 1.0, cost_usd=1.0, answers=1)


async def told(pool: HostedPool, uids: tuple[int, ...] = (3, 4)) -> list[str]:
    """Ask twice as often as there are hosts, so that each of them is heard."""
    found = []
    for number in range(4):
        responses = await pool.query(query(id=str(number)), uids)
        found += [response.body.decode() for response in responses]
    return sorted(set(found))


async def hears_each_once(pool: HostedPool) -> None:
    await pool.paid({3: pay(0, 2.0), 4: pay(0, 2.0)})
    async with pool:
        assert await told(pool) == ['{"text":"0:2"}']
        await pool.paid({3: pay(1, -1.0), 4: pay(1, -1.0), 5: pay(1, 7.0)})
        assert await told(pool) == ['{"text":"0:2 1:-1"}']
        await pool.paid({3: pay(666, 0.0), 4: pay(2, 0.0)})
        assert await told(pool) == ['{"text":"0:2 1:-1 2:0"}', '{"text":"0:2 1:-1"}']


@pytest.mark.parametrize("processes", [False, True])
async def test_every_host_hears_each_epoch_once_and_one_that_fails_at_it_harms_nobody(processes: bool) -> None:
    await hears_each_once(LocalPool(Words(), miners(), {}, cores=2, processes=processes))


async def test_so_it_is_on_ray(ray_session: RaySession) -> None:
    await hears_each_once(RayPool(Words(), miners(), {}, cores=2, session=ray_session))


async def test_a_host_that_is_made_anew_knows_what_its_predecessor_was_told() -> None:
    async with LocalPool(Words(), miners(), {}, cores=1) as pool:
        await pool.paid({3: pay(0, 2.0)})
        process = pool._links["cpu"][0]._process  # type: ignore[attr-defined]
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        await pool.paid({3: pay(1, 3.0)})
        assert await told(pool, (3,)) == ['{"text":"0:2 1:3"}']
