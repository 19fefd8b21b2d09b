"""What an answer costs in this checkout beside another one; they take turns on the same machine, so noise hits both.

    git worktree add ../before v1.2
    python -m benchmarks.scale.beside ../before [--turns 2]

Prints a table in Markdown: CPU of the driver and of all processes per answer, and the ratio of after to before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.scale.__main__ import Setting
from benchmarks.scale.plan import SHAPES

HERE = Path(__file__).parents[2]
SETTINGS = (
    Setting("RayPool", 32, 32, rounds=20, kind="engines"),
    Setting("RayPool", 1024, 2, rounds=1),
    Setting("RayPool", 256, 2, rounds=4),
)
MEASURE = """
import json, sys
from dataclasses import asdict
from benchmarks.scale.__main__ import Setting, measure
if __name__ == "__main__":
    point = measure(Setting(**json.loads(sys.argv[1])))
    print(json.dumps([[block.driver_s, block.all_s] for block in point.blocks]))
"""


def measure(checkout: Path, setting: Setting) -> tuple[float, float]:
    """Return the CPU in µs per answer, of the driver and of all processes, in a checkout: medians over blocks."""
    command = [sys.executable, "-c", MEASURE, json.dumps(asdict(setting))]
    done = subprocess.run(command, cwd=checkout, stdout=subprocess.PIPE, text=True, check=True)
    blocks = json.loads(done.stdout.splitlines()[-1])
    driver, everything = (median(block[column] for block in blocks) / setting.miners * 1e6 for column in (0, 1))
    return driver, everything


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("before", type=Path, help="the other checkout")
    options.add_argument("--turns", type=int, default=2)
    arguments = options.parse_args()
    machine = f"{len(os.sched_getaffinity(0))} cores, {time.strftime('%B %Y')}"
    print(f"{machine}, {arguments.turns} turns; µs of CPU per answer\n")
    print("| hosts serve | miners | hosts | driver before | driver after | ratio | all before | all after | ratio |")
    print("| --- " * 9 + "|")
    for setting in SETTINGS:
        turns = [[measure(checkout, setting) for checkout in (arguments.before, HERE)] for _ in range(arguments.turns)]
        figures = []
        for column in (0, 1):
            before, after = (median(turn[place][column] for turn in turns) for place in (0, 1))
            figures += [f"{before:,.0f}", f"{after:,.0f}", f"{after / before:.2f}"]
        row = (SHAPES[setting.kind], f"{setting.miners:,}", str(setting.hosts), *figures)
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
