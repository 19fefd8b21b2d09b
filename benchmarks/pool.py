"""What a pool costs per query: instant miners on RayPool and LocalPool, compared with calling them directly.

python benchmarks/pool.py [--miners 256] [--rounds 20] [--image-kb 300]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
from collections.abc import Awaitable, Callable
from time import perf_counter

from cluster import LocalPool, Pool, RayPool
from cluster.hosts.host import Host
from miners import Engine, Miner
from subnets import Answer, Message, Prompt, Query, Response, Score, Scorer, Task
from subnets.subnet import Subnet


class OneWord(Subnet):
    name = "one_word"

    def task(self, seed: int) -> Task:
        return Task(id=str(seed))

    def gold(self, task: Task) -> Answer:
        return Answer(text="word")

    def scorer(self) -> Scorer:
        return Never()


class Never(Scorer):
    def score(self, task: Task, response: Response) -> Score:
        return Score(None)


class Instant(Miner):
    async def forward(self, query: Query) -> Answer | bytes:
        return Answer(text="word")


class Slot(Engine):
    """Takes one query at a time, as an OCR engine does."""

    @property
    def cpus(self) -> float:
        return 1.0

    @property
    def concurrency(self) -> int:
        return 1

    @property
    def replicable(self) -> bool:
        return True


class OneAtATime(Instant):
    engine: Slot = Slot()


class Pages(OneWord):
    """Asks for a word, with a new image each time."""

    name = "pages"
    image_kb: int = 50

    def task(self, seed: int) -> Task:
        image = os.urandom(self.image_kb * 1000)
        return Task(id=str(seed), prompt=Prompt((Message("user", "say"),), image=image))


class Own(Engine):
    """Has a host of its own, like a GPU's engine, but takes no core, so that many fit on this machine."""

    number: int


class Alone(Instant):
    engine: Own


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--miners", type=int, default=256)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--image-kb", type=int, default=300)
    arguments = options.parse_args()
    light: dict[int, Miner] = {uid: Instant(seed=uid) for uid in range(arguments.miners)}
    heavy: dict[int, Miner] = {uid: OneAtATime(seed=uid) for uid in range(arguments.miners)}
    image = os.urandom(arguments.image_kb * 1000)
    rows = [await measure_direct(light, arguments.rounds, image)]
    for miners, where in ((light, "one shared host"), (heavy, "one query at a time, one host per core")):
        for kind in (LocalPool, RayPool):
            rows.append(await measure(kind(OneWord(), miners, {}), where, arguments.rounds, image))
    print(f"{arguments.miners} instant miners, {arguments.image_kb} kB of image, median of {arguments.rounds} rounds\n")
    print(f"{'':10}{'':38}{'wall':>14}{'CPU':>14}{'to LocalPool':>14}")
    for name, where, wall_s, cpu_s in rows:
        local = next((row[2] for row in rows if row[0] == "LocalPool" and row[1] == where), None)
        ratio = f"{wall_s / local:.1f} x" if local else ""
        print(f"{name:10}{where:38}{wall_s * 1e6:11.0f} us{cpu_s * 1e6:11.0f} us{ratio:>14}")
    print("\nboth per query; CPU is that of all processes of the pool, including Ray's own")


async def measure_direct(miners: dict[int, Miner], rounds: int, image: bytes) -> tuple[str, str, float, float]:
    host = Host("direct", miners)
    await host.open()

    async def ask(query: Query) -> None:
        for uid in miners:
            await host._miners[uid].forward(query)

    wall_s = await median_s(ask, rounds, image) / len(miners)
    return "direct", "miner.forward in a loop", wall_s, wall_s


async def measure(pool: Pool, where: str, rounds: int, image: bytes) -> tuple[str, str, float, float]:
    async def ask(query: Query) -> None:
        responses = await pool.query(query, uids)
        assert all(response.fault is None for response in responses)

    uids = sorted(pool.miners)
    async with pool:
        await median_s(ask, 2, image)
        before_s = sum(row.cpu_s for row in await pool.usage())
        wall_s = await median_s(ask, rounds, image)
        cpu_s = sum(row.cpu_s for row in await pool.usage()) - before_s
    return type(pool).__name__, where, wall_s / len(uids), cpu_s / rounds / len(uids)


async def median_s(ask: Callable[[Query], Awaitable[None]], rounds: int, image: bytes) -> float:
    taken = []
    for number in range(rounds):
        query = Query(f"{perf_counter()} {number}", "one_word", Prompt((Message("user", "say"),), image=image))
        started = perf_counter()
        await ask(query)
        taken.append(perf_counter() - started)
    return statistics.median(taken)


if __name__ == "__main__":
    asyncio.run(main())
