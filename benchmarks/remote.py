"""What floods do to a validator: how fast a served tesseract answers it, with and without each flood in turns.

python benchmarks/remote.py [--turns 10] [--turn-s 2.5] [--floods strangers forgers ...] [--nearby]

The miner has one core to itself, and the validator and the flood share another, as on two machines; `--nearby` pins
nothing. The flood comes from 16 addresses with 64 connections, as fast as it gets through. Time is measured by the
validator's clock. CPU is everything that the miner's processes use per answer, including refusing the flood: the time
on a core that nobody else uses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

from bittensor_wallet import Keypair
from psutil import Process

from cluster.cpu import tree_cpu_s
from consensus.chain.keys import WalletFolder, throwaway_key
from lab.statistics import ratio
from miners.axon import Dendrite, Envelope, Question
from subnets import Query, load_subnet

FLOODS = {
    "strangers": "unregistered hotkeys, a connection for each request",
    "forgers": "in the validator's name, with a wrong signature",
    "poor": "registered, with less stake than is served",
    "small": "registered and served, a hundredth of the validator's stake, no permit: pages to be read",
    "droppers": "connections that are opened and closed, as fast as possible",
    "drippers": "registered and served, bodies that come a byte at a time",
}
ADDRESSES = [f"127.0.0.{place}" for place in range(2, 18)]
CONNECTIONS = 64
POOR, SMALL = throwaway_key(1, "poor"), throwaway_key(1, "small")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--turns", type=int, default=10, help="turns with each flood, and as many without")
    options.add_argument("--turn-s", type=float, default=2.5)
    options.add_argument("--floods", nargs="+", choices=list(FLOODS), default=list(FLOODS))
    options.add_argument("--nearby", action="store_true")
    options.add_argument("--flood", nargs=4, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.flood:
        kind, url, hotkey, victim = arguments.flood
        asyncio.run(flood(kind, url, hotkey, victim))
        return
    cores = sorted(os.sched_getaffinity(0))
    apart = len(cores) > 1 and not arguments.nearby
    if apart:
        os.sched_setaffinity(0, {cores[1]})
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        validator = registry(place)
        server = serve(place, cores[0] if apart else None)
        try:
            assert server.stdout is not None
            served = json.loads(server.stdout.readline())
            print(f"{arguments.turns} turns of {arguments.turn_s:g} s each; ratios with their intervals\n")
            print(f"{'':12}{'alone':>10}{'flooded':>10}{'time':>29}{'CPU':>29}{'flood/s':>9}{'front':>8}")
            for kind in arguments.floods:
                asyncio.run(
                    measure(kind, served, Process(server.pid), place, validator, arguments.turns, arguments.turn_s)
                )
        finally:
            server.send_signal(signal.SIGTERM)
            last = server.stdout.read() if server.stdout else ""
            server.wait()
    print("\nfront: share of a core that the miner's HTTP side used meanwhile")
    print(f"the miner's own count: {last.strip()}")
    for kind in arguments.floods:
        print(f"  {kind:12}{FLOODS[kind]}")


def registry(place: Path) -> str:
    """Make the wallets and the metagraph; return the validator's hotkey."""
    wallets = WalletFolder(place)
    for name in ("validator", "miner"):
        wallets.new_coldkey(name)
    validator, miner = (wallets.new_hotkey(name, "default") for name in ("validator", "miner"))
    rows = [(validator, 1000, 1), (miner, 0, 0), (POOR.ss58_address, 1, 0), (SMALL.ss58_address, 10, 0)]
    lines = [
        "hotkey,coldkey,stake,validator_permit",
        *(f"{key},{miner},{stake},{permit}" for key, stake, permit in rows),
    ]
    (place / "sn1.csv").write_text("\n".join(lines) + "\n")
    return validator


def serve(place: Path, core: int | None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lab", "miner", "serve", "{kind = 'tesseract', min_stake = 5}", "--json"]
    command += ["--wallet", "miner", "--wallets", str(place), "--metagraph", str(place / "sn1.csv"), "--port", "0"]
    command += ["--slots", "1"]
    pin = None if core is None else lambda: os.sched_setaffinity(0, {core})
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=pin)


async def measure(
    kind: str, served: dict[str, str], front: Process, place: Path, validator: str, turns: int, turn_s: float
) -> None:
    """Have one page read repeatedly, in turns without and with the flood."""
    dendrite = Dendrite(
        url=served["url"],
        hotkey=served["hotkey"],
        wallets=str(place),
        private_hosts=(str(urlsplit(served["url"]).hostname),),
    )
    query = load_subnet("ocr").task(0).query(timeout_s=60.0)
    command = [sys.executable, __file__, "--flood", kind, served["url"], served["hotkey"], validator]
    # The flood would have a machine of its own, so it yields to the validator.
    flooding = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(10)
    )
    assert flooding.stdin is not None and flooding.stdout is not None
    await dendrite.open()
    alone: list[Turn] = []
    flooded: list[Turn] = []
    sent, flooded_s, front_s = 0, 0.0, 0.0
    try:
        await play(dendrite, query, 1.0, front.pid)
        for turn in range(turns):
            for on in (False, True) if turn % 2 == 0 else (True, False):
                if not on:
                    await asyncio.sleep(0.3)
                    alone.append(await play(dendrite, query, turn_s, front.pid))
                    continue
                before_s, started = sum(front.cpu_times()[:2]), perf_counter()
                flooding.stdin.write("on\n")
                flooding.stdin.flush()
                await asyncio.sleep(0.3)
                flooded.append(await play(dendrite, query, turn_s, front.pid))
                flooded_s += perf_counter() - started
                front_s += sum(front.cpu_times()[:2]) - before_s
                flooding.stdin.write("off\n")
                flooding.stdin.flush()
                sent += json.loads(await asyncio.to_thread(flooding.stdout.readline)).get("sent", 0)
    finally:
        await dendrite.close()
        flooding.stdin.close()
        flooding.wait()
    usual, slowed = (f"{1000 * statistics.mean(turn.median_s for turn in turns):7.0f} ms" for turns in (alone, flooded))
    times, cpus = (
        ratio([getattr(turn, name) for turn in flooded], [getattr(turn, name) for turn in alone]).text(2)
        for name in ("median_s", "cpu_s")
    )
    rates = f"{sent / flooded_s:9,.0f}{front_s / flooded_s:8.0%}"
    print(f"{kind:12}{usual}{slowed}{times:>29}{cpus:>29}{rates}", flush=True)


@dataclass(frozen=True)
class Turn:
    """Answers to a validator in one turn."""

    median_s: float
    """Median time of an answer."""
    cpu_s: float
    """CPU of the miner's processes per answer."""


async def play(dendrite: Dendrite, query: Query, turn_s: float, miner: int) -> Turn:
    """Ask for one answer after another."""
    before_s, taken = tree_cpu_s(miner), list[float]()
    while sum(taken) < turn_s:
        started = perf_counter()
        await dendrite.ask(replace(query, id=secrets.token_hex(8)))
        taken.append(perf_counter() - started)
    return Turn(statistics.median(taken), (tree_cpu_s(miner) - before_s) / len(taken))


async def flood(kind: str, url: str, hotkey: str, victim: str) -> None:
    """Flood from each "on" to the next "off" on stdin, then print how much was sent."""
    page = load_subnet("ocr").task(1).query(timeout_s=60.0)
    body = Question.of(page).body()
    for line in iter(sys.stdin.readline, ""):
        if line.strip() != "on":
            continue
        counted: Counter[str] = Counter()
        hoses = [
            asyncio.create_task(hose(kind, url, hotkey, victim, body, ADDRESSES[place % len(ADDRESSES)], counted))
            for place in range(CONNECTIONS)
        ]
        await asyncio.to_thread(sys.stdin.readline)
        for task in hoses:
            task.cancel()
        await asyncio.gather(*hoses, return_exceptions=True)
        print(json.dumps(counted), flush=True)


async def hose(kind: str, url: str, hotkey: str, victim: str, body: bytes, source: str, counted: Counter[str]) -> None:
    at = urlsplit(url)
    while True:
        try:
            reader, writer = await asyncio.open_connection(at.hostname, at.port, local_addr=(source, 0))
        except OSError:
            await asyncio.sleep(0)
            continue
        counted["sent"] += 1
        try:
            if kind == "droppers":
                continue
            writer.write(head(kind, hotkey, victim, body))
            if kind == "drippers":
                for place in range(len(body)):
                    writer.write(body[place : place + 1])
                    await writer.drain()
                    await asyncio.sleep(0.05)
            else:
                writer.write(body if kind == "small" else b"")
            await reader.read(65_536)
        except OSError:
            continue
        finally:
            writer.close()


def head(kind: str, hotkey: str, victim: str, body: bytes) -> bytes:
    """Return a request's head."""
    signer: Keypair | None = {"poor": POOR, "small": SMALL, "drippers": SMALL}.get(kind)
    stranger = victim if kind == "forgers" else throwaway_key(2, "stranger").ss58_address
    envelope = Envelope.seal(stranger if signer is None else signer.ss58_address, hotkey, body)
    signature = secrets.token_bytes(64) if signer is None else signer.sign(envelope.message)
    headers = envelope.headers(signature) | {
        "Host": "miner",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    return ("POST /v1/query HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode()


if __name__ == "__main__":
    main()
