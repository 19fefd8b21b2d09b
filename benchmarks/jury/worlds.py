"""Measure how the jury ranks honest miners and what it pays colluders, on simulated crowds of many families.

python benchmarks/jury/worlds.py [--every 40] [--fresh 40] [--replications 4] [--gold 20]

It takes every so-manieth family of the grid, and as many families drawn at random, between and beyond its points.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from lab.studies.grading.peers.crowds import Family, fresh, grid
from lab.studies.grading.peers.graders import by_jury, gold_alone
from lab.studies.grading.peers.trials import Trial, trials

GRADERS = {"jury": by_jury, "gold alone": gold_alone}


def line(title: str, results: Sequence[Trial]) -> str:
    ranked = np.array([trial.ranked for trial in results])
    errors = np.array([trial.ranked_error for trial in results])
    worst = int(ranked.argmin())
    paid = [trial for trial in results if trial.family.colluders]
    gained = np.array([trial.gained for trial in paid])
    beyond = sum(trial.gained > 2 * trial.gained_error + 1e-9 for trial in paid)
    return (
        f"{title:<22} {len(results):>4} families   mean PA {ranked.mean():.3f}   "
        f"at least .95: {(ranked >= 0.95).mean():.0%}   worst {ranked[worst]:.3f} +- {errors[worst]:.3f}   "
        f"premium: highest {gained.max():+.3f}, above 2 SE in {beyond} of {len(paid)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=40)
    parser.add_argument("--fresh", type=int, default=40)
    parser.add_argument("--replications", type=int, default=4)
    parser.add_argument("--gold", type=int, default=20)
    chosen = parser.parse_args()
    families: dict[str, list[Family]] = {
        "grid": list(grid(chosen.gold))[:: chosen.every],
        "fresh": [fresh(seed, chosen.gold) for seed in range(chosen.fresh)],
    }
    for title, own in families.items():
        results = [trials(family, chosen.replications, GRADERS) for family in own]
        for name in GRADERS:
            for label, kept in (("K = 1", lambda k: k == 1), ("K > 1", lambda k: k > 1)):
                some = [result[name] for result in results if kept(result[name].family.wrong)]
                if some:
                    print(line(f"{title}, {label}, {name}", some))


if __name__ == "__main__":
    main()
