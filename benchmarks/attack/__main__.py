"""Throw bad inputs at everything that reads what strangers send, and count what was lost: it must be nothing.

    python -m benchmarks.attack [--minutes 4] [--seed 1] [--only "images"]

Each attack runs for its share of the time, with inputs drawn from the seed. The exit code is 1 if anything was lost,
accepted wrongly or raised a traceback; up to five such faults of each attack are printed.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from random import Random

from . import answers, files, kills, served
from .tally import SHOWN, LoggedTracebacks, Tally, table

Attack = Callable[[Tally, Random, float], None]
ATTACKS: dict[str, tuple[Attack, float]] = {
    "answers to parsers": (answers.parse, 0.12),
    "answers to graders": (answers.grade, 0.12),
    "verdicts of judges": (answers.verdicts, 0.04),
    "images": (answers.images, 0.1),
    "requests to a served miner": (served.requests, 0.12),
    "flipped bits of a record": (files.records, 0.15),
    "flipped bits of a chain": (files.chains, 0.1),
    "kills of a run": (kills.runs, 0.17),
    "kills of a chain": (kills.chains, 0.08),
}
"""Each attack with its share of the time."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=4.0, help="time for all attacks together (default: 4)")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", nargs="+", choices=list(ATTACKS), default=list(ATTACKS), metavar="ATTACK")
    arguments = options.parse_args()
    logged = LoggedTracebacks()
    logging.basicConfig(level=logging.INFO, handlers=[logged])
    shares = sum(ATTACKS[kind][1] for kind in arguments.only)
    tallies = []
    for kind in arguments.only:
        attack, share = ATTACKS[kind]
        tally = logged.tally = Tally(kind)
        tallies.append(tally)
        print(f"{kind} …", file=sys.stderr, flush=True)
        started = time.monotonic()
        attack(tally, Random(f"{arguments.seed} {kind}"), started + 60 * arguments.minutes * share / shares)
        spent_s = time.monotonic() - started
        print(f"  {spent_s:.0f} s; slowest input {1000 * tally.slowest_s:,.0f} ms of CPU", file=sys.stderr, flush=True)
    print(table(tallies))
    for tally in tallies:
        for fault in tally.faults[:SHOWN]:
            print(f"\n{tally.kind}: {fault}")
    idle = [tally.kind for tally in tallies if not tally.thrown]
    if idle:
        print(f"\nnothing was thrown by: {', '.join(idle)}; give more --minutes")
    sys.exit(1 if idle or any(tally.faults for tally in tallies) else 0)


main()
