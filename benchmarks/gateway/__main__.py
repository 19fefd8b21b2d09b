"""What a gateway adds to asking an engine: latency, requests per second, and streams that it holds.

python -m benchmarks.gateway [--seconds 10] [--rate 100] [--streams 1000] [--turns 3]

The bare engine is the same miner behind the same HTTP library with nothing in between: no key, no record, no pool. Both
are asked in turns, so that other work on the machine slows both; compare the figures of one run with each other only.
CPU is what each server's process used per request, which other work changes little.
Validators play rounds in the gateway's process meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from psutil import Process

from lab.serve.gateway.keys import KeyFile
from miners.fakes import Echo
from subnets import Message, Prompt, Query

CONFIG = """
seed = 1
subnet = "text_prompting"
[[miners]]
name = "echo"
kind = "echo"
[[miners]]
name = "slow"
kind = "slow"
delay_s = 5.0
[[validators]]
name = "validator"
[chain]
epochs = 1000
rounds_per_epoch = 20
[pool]
kind = "local"
rounds_in_flight = 8
[gateway]
places = 5000
graded_share = 0.0
"""
QUESTION = "What did the baker of Lower Marsh sell on Tuesday? " * 4
WORKERS = 32


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    url: str
    headers: dict[str, str]
    model: str = "echo"

    def body(self, **options: object) -> dict[str, object]:
        return {"model": self.model, "messages": [{"role": "user", "content": QUESTION}], **options}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=10.0, help="length of a turn")
    options.add_argument("--rate", type=float, default=100.0, help="requests per second whose latency is measured")
    options.add_argument("--streams", type=int, default=1000, help="streams at once")
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.bare is not None:
        web.run_app(bare_application(), host="127.0.0.1", port=arguments.bare, print=None, access_log=None)
    else:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(Path(folder), arguments), indent=2))


def bare_application() -> web.Application:
    """Serve the miner with nothing in between."""
    miner = Echo()

    async def chat(request: web.Request) -> web.Response:
        body = await request.json()
        messages = tuple(Message(turn["role"], turn["content"]) for turn in body["messages"])
        answer = await miner.forward(Query("0", "text_prompting", Prompt(messages)))
        message = {"role": "assistant", "content": answer.text}
        return web.json_response({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    application = web.Application()
    application.add_routes([web.post("/v1/chat/completions", chat)])
    return application


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    (folder / "config.toml").write_text(CONFIG)
    key = KeyFile(folder / "keys.json").create("benchmark", per_minute=1e7, concurrent=100_000)
    command = [sys.executable, "-m", "lab", "gateway", str(folder / "config.toml"), "--out", str(folder / "run")]
    command += ["--keys", str(folder / "keys.json"), "--port", "0", "--json"]
    bare_port = 20_000 + os.getpid() % 10_000
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as gateway,
        subprocess.Popen([sys.executable, "-m", "benchmarks.gateway", "--bare", str(bare_port)]) as bare,
    ):
        try:
            assert gateway.stdout is not None
            url = json.loads(gateway.stdout.readline())["url"]
            headers = {"Authorization": f"Bearer {key}"}
            targets = [
                Target("bare", f"http://127.0.0.1:{bare_port}/v1/chat/completions", {}),
                Target("gateway", f"{url}/chat/completions", headers, "text_prompting/echo"),
            ]
            processes = {"bare": Process(bare.pid), "gateway": Process(gateway.pid)}
            return asyncio.run(ask_in_turns(targets, processes, folder, options))
        finally:
            bare.send_signal(signal.SIGTERM)
            gateway.send_signal(signal.SIGINT)


async def ask_in_turns(
    targets: list[Target], processes: dict[str, Process], folder: Path, options: argparse.Namespace
) -> dict[str, object]:
    cpu_ms: dict[str, list[float]] = {target.name: [] for target in targets}
    latencies: dict[str, list[float]] = {target.name: [] for target in targets}
    served: dict[str, list[float]] = {target.name: [] for target in targets}
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, timeout=ClientTimeout(total=120)) as session:
        for target in targets:
            await until_up(session, target)
        before, began = rounds(folder), perf_counter()
        for _ in range(options.turns):
            for target in targets:
                used_s = cpu_s(processes[target.name])
                own = await at_rate(session, target, options.rate, options.seconds)
                latencies[target.name] += own
                cpu_ms[target.name].append(1000 * (cpu_s(processes[target.name]) - used_s) / len(own))
            for target in targets:
                served[target.name].append(await closed_loop(session, target, options.seconds))
        streams = await hold_streams(session, targets[1], options.streams)
        played, took_s = rounds(folder) - before, perf_counter() - began
    percentiles = {
        name: {"p50_ms": percentile(values, 50), "p99_ms": percentile(values, 99), "n": len(values)}
        for name, values in latencies.items()
    }
    per_s = {name: round(sum(values) / len(values), 1) for name, values in served.items()}
    return {
        "latency at a fixed rate": percentiles,
        "added p50 ms": round(percentiles["gateway"]["p50_ms"] - percentiles["bare"]["p50_ms"], 2),
        "added p99 ms": round(percentiles["gateway"]["p99_ms"] - percentiles["bare"]["p99_ms"], 2),
        "CPU ms per request at that rate": {name: round(sum(own) / len(own), 2) for name, own in cpu_ms.items()},
        f"requests per second, {WORKERS} at once": per_s,
        "throughput, share of the bare engine's": round(per_s["gateway"] / per_s["bare"], 3),
        "streams": streams,
        "rounds meanwhile": played,
        "seconds": round(took_s, 1),
        "client's share of a core": round(process_time() / took_s, 2),
        "load": os.getloadavg()[0],
    }


async def until_up(session: ClientSession, target: Target) -> None:
    for _ in range(600):
        try:
            await ask(session, target)
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise RuntimeError(f"{target.url} does not answer")


async def ask(session: ClientSession, target: Target) -> float:
    started = perf_counter()
    async with session.post(target.url, json=target.body(), headers=target.headers) as reply:
        body = await reply.json()
        assert reply.status == 200 and body["choices"][0]["message"]["content"] == QUESTION, body
    return perf_counter() - started


async def at_rate(session: ClientSession, target: Target, rate: float, seconds: float) -> list[float]:
    """Send requests at fixed times, whether or not earlier ones are answered."""
    tasks, began = [], perf_counter()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - perf_counter()))
        tasks.append(asyncio.create_task(ask(session, target)))
    return list(await asyncio.gather(*tasks))


async def closed_loop(session: ClientSession, target: Target, seconds: float) -> float:
    """Return the requests per second of workers that each send the next request once the last is answered."""
    began, count = perf_counter(), 0

    async def work() -> None:
        nonlocal count
        while perf_counter() - began < seconds:
            await ask(session, target)
            count += 1

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return count / (perf_counter() - began)


async def hold_streams(session: ClientSession, target: Target, streams: int) -> dict[str, object]:
    """Open streams of a miner that takes seconds, all at once, and count those that end well."""
    slow = Target("slow", target.url, target.headers, "text_prompting/slow")

    async def stream() -> bool:
        async with session.post(slow.url, json=slow.body(stream=True), headers=slow.headers) as reply:
            return reply.status == 200 and (await reply.text()).endswith("data: [DONE]\n\n")

    began = perf_counter()
    ended = await asyncio.gather(*(stream() for _ in range(streams)), return_exceptions=True)
    good = sum(result is True for result in ended)
    return {"opened at once": streams, "ended well": good, "seconds": round(perf_counter() - began, 1)}


def cpu_s(process: Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def percentile(values: list[float], share: float) -> float:
    return round(1000 * float(np.percentile(values, share)), 2)


def rounds(folder: Path) -> int:
    connection = sqlite3.connect(f"file:{folder / 'run' / 'record.sqlite'}?mode=ro", uri=True)
    try:
        return int(connection.execute("select count(*) from subnetlab_entries where kind = 'round'").fetchone()[0])
    finally:
        connection.close()


if __name__ == "__main__":
    main()
