"""The search for a design, on synthetic records whose truth is known: python benchmarks/design.py --studies 200

Each study draws miners, searches its designs on half of the tasks, and replays the three that it picks on the other
half. The true figures of those three are replayed from 3,000 fresh tasks of the same miners. The table says how often
the interval of the hold-out holds the truth, and how far the figure of the search, which chose by it, is off; the
three designs of a study share their tasks, so the interval of the share is a little too narrow. A line before it gives
the time of searching 512 designs of a record of 100 tasks and 10 miners.
"""

import argparse
import time
from dataclasses import replace

import numpy as np

from lab.statistics.interval import wilson
from lab.studies.design.holdout import HeldOut
from lab.studies.design.replay import ReplayWorlds, ScoreTables, replay
from lab.studies.design.search import Figures, pick, search
from lab.studies.design.space import GraderChoice, Space

GRADERS = (
    GraderChoice("truth", 0, 1.0),
    GraderChoice("noisy", 1, 0.0),
    GraderChoice("noisy", 1, 0.1),
    GraderChoice("coarse", 2, 0.0),
    GraderChoice("coarse", 2, 0.1),
)
FIGURES = ("dollars", "misplaced pay", "exploitability")
ADVERSARIES = 2


class Miners:
    """Honest miners of different quality and two adversaries, the second of which games the noisy grader."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self.ability = rng.uniform(0.3, 0.95, count)
        self.honest = np.arange(count) < count - ADVERSARIES
        by_quality = (-self.ability[self.honest]).argsort().argsort()
        self.rank = np.append(by_quality, [-1] * ADVERSARIES)

    def record(self, tasks: int, rng: np.random.Generator) -> ScoreTables:
        """Draw tasks of different difficulty, answers to them, and the scores of three graders."""
        shape = tasks, len(self.ability)
        easiness = rng.normal(0, 0.15, (tasks, 1))
        quality = np.clip(self.ability + easiness + rng.normal(0, 0.1, shape), 0, 1)
        quality[:, ~self.honest] = 0.05 * rng.random((tasks, ADVERSARIES))
        noisy = np.clip(0.5 * quality + 0.2 + rng.normal(0, 0.2, shape), 0, 1)
        noisy[:, -1] = np.clip(0.4 + rng.normal(0, 0.1, tasks), 0, 1)
        coarse = (rng.random(shape) < 0.6 * quality + 0.2).astype(float)
        return ScoreTables(
            scores=np.stack([quality, noisy, coarse]),
            quality=quality,
            answer_usd=rng.gamma(4, 0.0002, shape),
            task_usd=rng.gamma(4, 0.0001, tasks),
            grade_usd=np.array([1e-4, 2e-4, 3e-5]),
            gold_usd=0.01,
            honest=self.honest,
            rank=self.rank,
        )


def study(seed: int, tasks: int, designs: int, rounds: int) -> tuple[list[list[bool | None]], np.ndarray]:
    """Return for each picked design and figure whether the interval holds the truth, and the search's optimism."""
    rng = np.random.default_rng(seed)
    miners = Miners(8, rng)
    record, truth = miners.record(2 * tasks, rng), miners.record(3_000, rng)
    space = Space(GRADERS, (3, 5, 6), validators=(1, 2, 4))
    finalists = search(record.at(slice(0, None, 2)), space.sample(designs, seed), rounds=rounds, seed=seed)
    places = np.array(sorted(set(pick(finalists.figures).values())))
    picked = replace(
        finalists, designs=tuple(finalists.designs[place] for place in places), figures=finalists.figures.at(places)
    )
    held_out = HeldOut.of(record.at(slice(1, None, 2)), picked, rounds=rounds, seed=seed + 10**6)
    worlds = ReplayWorlds.draw(truth, count=1_200, rounds=rounds, seed=seed + 2 * 10**6)
    true = Figures.of(replay(truth, picked.designs, worlds), truth.honest, picked.figures.gamer).table
    estimates = zip(held_out.usd, held_out.misplaced, held_out.exploit, strict=True)
    covered = [
        [
            None if estimate.low is None or estimate.high is None else estimate.low <= value <= estimate.high
            for estimate, value in zip(row, values, strict=True)
        ]
        for row, values in zip(estimates, true.tolist(), strict=True)
    ]
    return covered, true - picked.figures.table


def main() -> None:
    """Print the time of a search, then a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="seed of the first study")
    parser.add_argument("--tasks", type=int, default=60, help="of the search, and as many of the hold-out")
    parser.add_argument("--designs", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=16)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    record, space = Miners(10, rng).record(100, rng), Space(GRADERS, (3, 6, 8))
    start = time.process_time()
    search(record, space.sample(512, 0), rounds=32, seed=0)
    print(f"512 of {space.size:,} designs searched in {time.process_time() - start:.1f} CPU s")

    covered: list[list[bool | None]] = []
    optimism: list[np.ndarray] = []
    for seed in range(arguments.first, arguments.first + arguments.studies):
        rows, differences = study(seed, arguments.tasks, arguments.designs, arguments.rounds)
        covered += rows
        optimism.append(differences)
    mean = np.concatenate(optimism).mean(axis=0)
    print(f"| {arguments.studies} studies | intervals | hold the truth | 95 % interval | truth less search |")
    print("|---|---|---|---|---|")
    for place, name in enumerate(FIGURES):
        known = [row[place] for row in covered if row[place] is not None]
        share = wilson(sum(map(bool, known)) / len(known), len(known))
        print(
            f"| {name} | {len(known)} of {len(covered)} | {sum(map(bool, known)) / len(known):.1%} "
            f"| {share.low:.1%} to {share.high:.1%} | {mean[place]:+.2g} |"
        )


if __name__ == "__main__":
    main()
