"""Pages per second through the whole lab, compared with a bare loop of the same engine over the same pages.

    python benchmarks/throughput.py

The lab makes the pages, asks four miners through Ray, grades, pays and records; the bare loop is one process per core
that only reads. Both read each page four times. They take turns, so that a noisy machine disturbs both.
"""

import argparse
import asyncio
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from lab.config.run_config import RunConfig
from lab.record.entries import Epoch, GradedRound
from lab.run.session import run
from miners import load_engine

MINERS = 4


def config(engine: str, epochs: int, rounds: int) -> RunConfig:
    return RunConfig.parse(
        {
            "subnet": {"kind": "ocr", "difficulty": 0.2},
            "miners": [{"name": "reader", "kind": engine, "count": MINERS}],
            "validators": [{"name": "validator", "count": 2}],
            "chain": {"epochs": epochs, "rounds_per_epoch": rounds},
            "pool": {"kind": "ray"},
            "bare": {"every": 0},
        }
    )


def read(engine: str, pages: list[bytes]) -> int:
    """Read pages one after the other; return how many lines were found."""

    async def loop() -> int:
        reader = load_engine(engine)
        await reader.open()
        return sum([len(await reader.read(page, timeout_s=60.0)) for page in pages])

    return asyncio.run(loop())


def bare(executor: ProcessPoolExecutor, engine: str, pages: list[bytes]) -> float:
    """Read all pages on all cores; return pages per second."""
    cores = len(os.sched_getaffinity(0))
    shares = [pages[core::cores] for core in range(cores)]
    started = time.perf_counter()
    list(executor.map(read, repeat(engine, cores), shares))
    return len(pages) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="tesseract", choices=["tesseract", "tesserocr"])
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=12, help="rounds of each validator in a turn")
    arguments = parser.parse_args()

    settings = config(arguments.engine, arguments.turns + 1, arguments.rounds)
    validators = settings.build_validators()
    pages = [
        validator.task(settings.subnet, number).prompt.image
        for number in range(arguments.rounds)
        for validator in validators
    ]
    turns: list[tuple[float, float]] = []
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("spawn")) as executor:
        bare(executor, arguments.engine, pages[:4])

        def watch(event: object) -> None:
            # The lab rests between two epochs: the bare loop takes its turn then.
            if getattr(event, "stage", "") == "epoch":
                rates.append(bare(executor, arguments.engine, pages * MINERS))

        rates: list[float] = []
        with tempfile.TemporaryDirectory() as folder, run(settings, Path(folder), watch=watch) as record:
            asked = arguments.rounds * len(validators) * MINERS
            epochs = [Epoch.of(entry) for entry in record.entries("epoch")]
            served = sum(
                answer.fault is None
                for graded in map(GradedRound.of, record.entries("round"))
                for answer in graded.answers
            )
        assert served == asked * len(epochs), "every page must have been read"
        # The first epoch warms up. An epoch's clock starts at the end of the previous one, so it includes a bare turn.
        for epoch, before, after in zip(epochs[1:], rates, rates[1:], strict=False):
            lab_s = epoch.use.wall_s - asked / before
            turns.append((asked / lab_s, (before + after) / 2))

    print(f"{arguments.engine}, {len(os.sched_getaffinity(0))} cores, {asked} pages a turn, {len(turns)} turns")
    print(f"{'through the lab':>18} {'bare loop':>12} {'ratio':>8}")
    for lab, alone in turns:
        print(f"{lab:>14.2f} p/s {alone:>8.2f} p/s {lab / alone:>8.3f}")
    print(f"median ratio {median(lab / alone for lab, alone in turns):.3f}")


if __name__ == "__main__":
    main()
