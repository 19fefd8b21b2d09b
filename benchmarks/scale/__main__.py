"""What thousands of miners, hosts and nodes cost one driver: the measurements behind docs/scale.md.

    python -m benchmarks.scale                      # measures, some minutes on 2 cores; writes the results and the page
    python -m benchmarks.scale --postgres postgresql+psycopg://user@host:port/db
    python -m benchmarks.scale --page               # only rewrites the page from the results

Miners answer instantly, so that only the lab's own cost is measured. Each point has a process of its own and is played
in blocks of rounds: a block gives one figure per process, and the spread of blocks gives the intervals.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import psutil

from benchmarks.pool import Alone, Instant, OneAtATime, Own, Pages
from benchmarks.scale.plan import BlockCost, Entries, Point, Results, page
from cluster import LocalPool, Pool, RayPool
from cluster.cpu import trees_cpu_s
from cluster.ray.session import LOOPBACK
from cluster.ray.token import guard_token
from lab.record.record import FORMAT, Draft, RunRecord
from miners import Miner
from subnets import Caller
from validators import Validator

RESULTS = Path(__file__).parents[1] / "results" / "scale-2-core.json"
PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
BLOCKS = 6


VALIDATOR = 9999
"""The validator's uid."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One point to be measured."""

    pool: str
    miners: int
    hosts: int
    nodes: int = 1
    image_kb: int = 50
    rounds: int = 10
    """Rounds of each block."""
    kind: str = "cores"
    """With "cores" any host serves any miner, one query at a time, as with OCR; with "engines" each miner has a host
    of its own, as with GPUs; with "shared" one host serves all at once, as with passthroughs."""


SETTINGS = (
    *(Setting("LocalPool", miners, 2, rounds=rounds) for miners, rounds in ((256, 8), (1024, 4), (4096, 1))),
    *(Setting("RayPool", miners, 2, rounds=rounds) for miners, rounds in ((256, 4), (1024, 1), (4096, 1))),
    *(Setting("RayPool", 1024, hosts, rounds=1) for hosts in (1, 4, 8)),
    *(Setting("RayPool", hosts, hosts, rounds=20, kind="engines") for hosts in (4, 16, 32)),
    *(
        Setting("RayPool", miners, 1, rounds=rounds, kind="shared")
        for miners, rounds in ((64, 20), (1024, 4), (4096, 1))
    ),
    *(Setting("RayPool", 1024, 4, nodes, rounds=1) for nodes in (2, 4)),
    Setting("RayPool", 1024, 4, 4, image_kb=2000, rounds=1),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--postgres", metavar="URL", help="measure the record on this server too")
    options.add_argument("--page", action="store_true", help="only write the page")
    arguments = options.parse_args()
    if not arguments.page:
        results = Results(
            machine=f"{len(os.sched_getaffinity(0))} cores, {time.strftime('%B %Y')}",
            points=[_in_process(measure, setting) for setting in SETTINGS],
            records=[
                _in_process(write, name, url, answers)
                for name, url in (("SQLite", None), ("PostgreSQL", arguments.postgres))
                if name == "SQLite" or url
                for answers in (8, 64, 512, 4096)
            ],
        )
        RESULTS.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(Results.read(RESULTS)), encoding="utf-8")
    print(f"{RESULTS}\n{PAGE}")


def _in_process(work, *arguments):  # type: ignore[no-untyped-def]
    """Do the work in a process of its own, whose memory is not shared with other points."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        result = process.submit(work, *arguments).result()
    print(result, flush=True)
    return result


def measure(setting: Setting) -> Point:
    alone = _memory_bytes()
    with _nodes(setting) as address:
        return asyncio.run(_measure(setting, address, alone))


async def _measure(setting: Setting, address: str | None, alone: int) -> Point:
    miners: dict[int, Miner] = {uid: _miner(setting.kind, uid) for uid in range(setting.miners)}
    members = (Pages(image_kb=setting.image_kb), miners, {VALIDATOR: Validator()})
    started = time.perf_counter()
    pool: Pool
    if setting.pool == "LocalPool":
        pool = LocalPool(*members, cores=setting.hosts)
    else:
        pool = RayPool(*members, cores=setting.hosts, address=address)
    async with pool:
        start_s = time.perf_counter() - started
        await _play(pool, setting, 0)
        blocks = [await _block(pool, setting, 1 + block * setting.rounds) for block in range(BLOCKS)]
        return Point(**asdict(setting), start_s=start_s, memory_bytes=_memory_bytes() - alone, blocks=blocks)


def _miner(kind: str, uid: int) -> Miner:
    if kind == "engines":
        return Alone(seed=uid, engine=Own(number=uid))
    return OneAtATime(seed=uid) if kind == "cores" else Instant(seed=uid)


async def _block(pool: Pool, setting: Setting, first: int) -> BlockCost:
    before, own, started = _cpu_s(), time.process_time(), time.perf_counter()
    for number in range(first, first + setting.rounds):
        await _play(pool, setting, number)
    used = (time.perf_counter() - started, time.process_time() - own, _cpu_s() - before)
    return BlockCost(*(seconds / setting.rounds for seconds in used))


async def _play(pool: Pool, setting: Setting, number: int) -> None:
    result = await pool.play(VALIDATOR, number, dict.fromkeys(range(setting.miners), 1.0), Caller())
    assert len(result.responses) == setting.miners and all(answer.fault is None for answer in result.responses)


def _cpu_s() -> float:
    """Return the CPU seconds of this process and its descendants, including Ray's own."""
    return sum(trees_cpu_s(os.getpid()).values())


def _memory_bytes() -> int:
    """Return the memory of this process and its descendants, with shared pages divided among them."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(process.memory_full_info().pss for process in processes)


@contextmanager
def _nodes(setting: Setting) -> Iterator[str | None]:
    """Start several nodes on this machine if a setting has them."""
    if setting.pool != "RayPool" or setting.nodes == 1:
        yield None
        return
    guard_token()
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # 127.0.0.1 is meant
    from ray.cluster_utils import Cluster

    node = {"num_cpus": max(1, setting.hosts // setting.nodes), "object_store_memory": 100_000_000}
    node |= {"node_ip_address": LOOPBACK}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        for _ in range(setting.nodes - 1):
            cluster.add_node(**node)
        yield cluster.address
    finally:
        cluster.shutdown()


def write(name: str, url: str | None, answers: int) -> Entries:
    """Write rounds with this many answers of 2 kB, one per transaction, and time them block by block."""
    body = {"answers": [{"uid": uid, "score": 0.5, "latency_s": 1.234, "reason": "x" * 40} for uid in range(answers)]}
    rounds = max(2, 400 // answers)
    with tempfile.TemporaryDirectory() as folder:
        record = RunRecord.create(Path(folder), url, run=uuid.uuid4().hex)
        record.append([Draft("start", "run", {"format": FORMAT})])
        seconds = []
        for block in range(BLOCKS):
            started = time.perf_counter()
            for number in range(rounds):
                key = f"{block}/{number}"
                blobs = [f"{key}/{uid}".encode().ljust(2000, b"x") for uid in range(answers)]
                record.append([Draft("round", key, body)], blobs)
            seconds.append((time.perf_counter() - started) / rounds)
        record.close()
    return Entries(name, answers, seconds)


if __name__ == "__main__":
    main()
