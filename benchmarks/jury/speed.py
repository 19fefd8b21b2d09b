"""Measure the time of one jury, compared with plain one-coin Dawid-Skene, which knows neither gold nor copies.

python benchmarks/jury/speed.py [--repeats 10]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from validators import jury
from validators.dawid_skene import ROUNDS

SIZES = ((8, 200), (32, 200), (32, 2_000), (8, 20_000))
"""Miners and tasks; the last one is a window of pages, word by word."""


def answers(miners: int, tasks: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw answers (tasks, miners + 1): 0 is right, 1 to 100 are wrong; a quarter of the miners share a wrong key."""
    sources = miners + 1
    drawn = np.where(
        rng.random((tasks, sources)) < rng.uniform(0.4, 0.9, sources), 0, rng.integers(1, 101, (tasks, sources))
    )
    drawn[:, sources - miners // 4 :] = rng.integers(1, 101, (tasks, 1))
    return np.asarray(drawn)


def plain_dawid_skene(given: NDArray[np.int64], wrong: int) -> NDArray[np.float64]:
    """Return the accuracy of each source, (S,): votes for each answer, weighted by accuracy, and back again."""
    same = given[:, :, None] == given[:, None, :]
    accuracy = np.full(given.shape[1], 0.7)
    for _ in range(ROUNDS):
        weights = np.log(np.clip(accuracy, 0.02, 0.98) * wrong / (1 - np.clip(accuracy, 0.02, 0.98)))
        logs = same @ weights
        peak = logs.max(axis=1, keepdims=True)
        total = np.exp(logs - peak - np.log(same.sum(axis=2))).sum(axis=1, keepdims=True) + wrong * np.exp(-peak)
        accuracy = (np.exp(logs - peak) / total).mean(axis=0)
    return np.asarray(accuracy)


def median_ms(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(np.median(times)) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    print(f"{'miners':>6} {'tasks':>7} {'jury, ms':>10} {'plain, ms':>10}")
    for miners, tasks in SIZES:
        given = answers(miners, tasks, np.random.default_rng(0))
        gold = tasks // 10
        truth = given[:gold] == 0
        full = median_ms(lambda: jury(given, truth, gold=gold, wrong=100, own=0.5), repeats)  # noqa: B023
        plain = median_ms(lambda: plain_dawid_skene(given, 100), repeats)  # noqa: B023
        print(f"{miners:>6} {tasks:>7,} {full:>10.1f} {plain:>10.1f}")


if __name__ == "__main__":
    main()
