"""How fast the explorer opens a large run, and each of its pages.

    python -m benchmarks.explorer                    # makes a record of 1,024 neurons and 100,400 answers, once
    python -m benchmarks.explorer --keep runs/large  # keeps it there and takes it the next time

Answers and grades are made up, and everything that follows from them (averages, weights, payouts) is worked out by the
real validators on the real chain. The explorer is the command itself, asked over HTTP as a browser asks it; "opens" is
the time from its first address to a run's whole page, its index included. CPU is the server's, the worker's left out.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from lab.config.run_config import RunConfig
from lab.files import write_json
from lab.record.entries import End, Epoch, GradedAnswer, GradedRound, MachineUse, Start
from lab.record.record import FORMAT, RunRecord, blob_hash
from lab.run.economy import Economy
from subnets import Answer, Cost, Fault

VALIDATORS, MINERS, EPOCHS = 20, 1004, 5
TIMES = 7
OPEN_S, PAGE_S = 2.0, 0.5
"""What is aimed at."""
MACHINE = {"run": "explorer", "started": "2026-12-01T00:00:00+00:00", "seed": 5}


def make(folder: Path) -> None:
    """Write the record."""
    table = {
        "seed": 5,
        "subnet": "text_prompting",
        "miners": [{"name": "miner", "kind": "oracle", "count": MINERS}],
        "validators": [{"name": "validator", "count": VALIDATORS}],
        "chain": {"epochs": EPOCHS, "rounds_per_epoch": 1},
    }
    config = RunConfig.parse(table)
    economy = Economy(config)
    folder.mkdir(parents=True, exist_ok=True)
    dumped = config.model_dump(mode="json")
    write_json(folder / "run.json", MACHINE)
    write_json(folder / "config.json", dumped)
    with RunRecord.create(folder, run=str(MACHINE["run"])) as record:
        start = Start(format=FORMAT, config=dumped, machine=MACHINE, neurons=economy.neurons())
        record.append([start.draft("start", "run")])
        rng = np.random.default_rng(5)
        skill = rng.beta(4, 2, size=MINERS)
        for number in range(EPOCHS):
            played = [_round(record, config, economy, uid, number, skill, rng) for uid in economy.validators]
            economy.observe(played)
            weights = economy.weights()
            use = MachineUse(session=0, wall_s=60.0, cores=2)
            epoch = Epoch(number=number, weights=weights, pay=economy.pay(weights), use=use, once={})
            record.append([epoch.draft("epoch", epoch.key)])
        record.append([End(rounds=EPOCHS * VALIDATORS).draft("end", "run")])


def _round(
    record: RunRecord,
    config: RunConfig,
    economy: Economy,
    validator: int,
    number: int,
    skill: np.ndarray,
    rng: np.random.Generator,
) -> GradedRound:
    task = economy.validators[validator].task(config.subnet, number)
    grades = np.clip(rng.normal(skill, 0.1), 0.0, 1.0)
    bodies = {
        uid: Answer(text=f"answer {validator} {number} {uid if grade < 0.9 else 'right'}").body()
        for uid, grade in zip(economy.miners, grades, strict=True)
    }
    answers = tuple(
        GradedAnswer(
            uid=uid,
            blob=blob_hash(bodies[uid]),
            size=len(bodies[uid]),
            fault=Fault.TIMEOUT if grade < 0.05 else None,
            reason="no answer within 60.0 s" if grade < 0.05 else "",
            latency_s=float(rng.gamma(9.0, 0.1)),
            cost=Cost(cpu_s=0.2, wall_s=0.3, output_tokens=20),
            score=float(grade),
            parts={"text": float(grade)},
            quality=float(grade),
        )
        for uid, grade in zip(economy.miners, grades, strict=True)
    )
    graded = GradedRound(
        validator=validator,
        number=number,
        task_id=task.id,
        task_seed=task.seed,
        kind=task.kind,
        difficulty=task.difficulty,
        answers=answers,
    )
    record.append([graded.draft("round", graded.key)], list(dict.fromkeys(bodies.values())))
    return graded


def pages(key: str) -> Iterator[tuple[str, str]]:
    """Yield each page's name and address."""
    yield "runs", "/"
    yield "run, best paid first", f"/run/{key}"
    yield "run, last page by name", f"/run/{key}?sort=name&page=20"
    yield "run, searched", f"/run/{key}?q=miner-77"
    yield "progress", f"/part/progress/{key}"
    yield "miner", f"/miner/{VALIDATORS + 500}/{key}"
    yield "miner, worst first", f"/miner/{VALIDATORS + 7}/{key}?sort=worst+score"
    yield "validator", f"/validator/3/{key}"
    yield "tasks", f"/tasks/{key}?page=2"
    yield "task, every answer", f"/task/3/2/{key}"
    yield "task, prompt and truth", f"/part/task/3/2/{key}"
    yield "coldkeys", f"/coldkeys/{key}"


def timed(address: str) -> float:
    """Return the seconds until a page has arrived."""
    began = time.perf_counter()
    with urllib.request.urlopen(address) as answer:
        answer.read()
    return time.perf_counter() - began


def measure(folder: Path) -> bool:
    """Print what opening and each page took; return whether all of it is within what is aimed at."""
    command = [sys.executable, "-m", "lab", "explore", str(folder.parent), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+:\d+", server.stdout.readline())
        assert found is not None
        base, process = found[0], psutil.Process(server.pid)
        timed(f"{base}/static/explorer.js")
        before = sum(process.cpu_times()[:2])
        opened = timed(f"{base}/run/{folder.name}")
        figures = {"opens": {"s": opened, "cpu_s": sum(process.cpu_times()[:2]) - before}}
        for name, path in pages(folder.name):
            before = sum(process.cpu_times()[:2])
            took = sorted(timed(base + path) for _ in range(TIMES))
            cpu = (sum(process.cpu_times()[:2]) - before) / TIMES
            figures[name] = {"s": took[TIMES // 2], "worst_s": took[-1], "cpu_s": cpu}
        began = time.perf_counter()
        for name, path in (("charts", "/part/charts"), ("why is my pay this", f"/part/pay/{VALIDATORS + 500}")):
            while b"Working" in urllib.request.urlopen(f"{base}{path}/{folder.name}").read():
                time.sleep(0.1)
            figures[f"in the background: {name}"] = {"s": time.perf_counter() - began}
    finally:
        server.terminate()
        server.wait()
    print(f"{'page':<42}{'median s':>10}{'worst s':>10}{'CPU s':>8}")
    for name, row in figures.items():
        cells = (f"{row[key]:.3f}" if key in row else "" for key in ("s", "worst_s", "cpu_s"))
        print(f"{name:<42}{next(cells):>10}{next(cells):>10}{next(cells):>8}")
    served = [row for name, row in figures.items() if "worst_s" in row]
    return figures["opens"]["s"] < OPEN_S and all(row["s"] < PAGE_S for row in served)


def main() -> int:
    """Make the record unless it is kept, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder of the record (default: a temporary one)")
    keep = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary) / "large"
        if not (folder / "config.json").is_file():
            make(folder)
        return 0 if measure(folder) else 1


if __name__ == "__main__":
    sys.exit(main())
