"""Statistics of the studies at their largest, beside evalica on the same data: python benchmarks/bootstraps.py

Bradley-Terry: 200 bootstraps of 32 players and 20,000 games. Krippendorff's alpha: 16 raters of 100,000 items;
evalica's time grows with the square of the number of distinct ratings, so it is given 500 items.
Best of three each; memory is the peak of one more call, as tracemalloc sees it.
"""

import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import evalica
import numpy as np
import pandas

from lab.statistics.agreement import krippendorff_alpha
from lab.statistics.ranking import kendall_tau, pairwise_accuracy, rank_correlation, soft_pairwise_accuracy
from lab.statistics.strength import Contest, Games, bradley_terry

PLAYERS, GAMES, RESAMPLES = 32, 20_000, 200
RATERS, ITEMS, ITEMS_OF_EVALICA = 16, 100_000, 500


def timed(name: str, call: Callable[[], object], repeats: int = 3) -> None:
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{name:66} {1e3 * min(taken):9.1f} ms {peak / 1e6:7.1f} MB")


def season() -> Games:
    rng = np.random.default_rng(0)
    strengths = np.linspace(-1, 1, PLAYERS)
    first = rng.integers(0, PLAYERS, GAMES)
    second = (first + rng.integers(1, PLAYERS, GAMES)) % PLAYERS
    won = rng.random(GAMES) < 1 / (1 + np.exp(strengths[second] - strengths[first]))
    return Games.of(PLAYERS, first, second, won.astype(float))


def strength() -> None:
    games = season()
    first, second = games.first.tolist(), games.second.tolist()
    winners = [evalica.Winner.X if won else evalica.Winner.Y for won in games.won]
    fit = partial(evalica.bradley_terry, first, second, winners)
    logs = np.log(fit(tolerance=1e-12, limit=10_000).scores.sort_index().to_numpy())
    ours = bradley_terry(games.wins().sum(axis=0).reshape(1, PLAYERS, PLAYERS), prior=0.0)[0]
    print(
        f"Bradley-Terry, largest difference of strengths from evalica's: {np.abs(ours - logs + logs.mean()).max():.1e}"
    )
    timed("one fit, evalica", fit)
    timed("one fit, ours", lambda: bradley_terry(games.wins().sum(axis=0).reshape(1, PLAYERS, PLAYERS)))
    resample = partial(evalica.bootstrap, evalica.bradley_terry, first, second, winners, n_resamples=RESAMPLES)
    timed(f"{RESAMPLES} bootstraps, evalica (percentile)", partial(resample, bootstrap_method="percentile"), 1)
    timed("jackknife of 2,000 bundles of games, ours, win rates too", lambda: Contest.of(games))


def agreement() -> None:
    rng = np.random.default_rng(0)
    ratings = rng.normal(0, 1, (ITEMS, 1)) + rng.normal(0, 0.7, (ITEMS, RATERS))
    few = ratings[:ITEMS_OF_EVALICA]
    frame = pandas.DataFrame(few.T)
    theirs, ours = evalica.alpha(frame, distance="interval").alpha, krippendorff_alpha(few).value
    print(f"Krippendorff's alpha of {ITEMS_OF_EVALICA} items: evalica {theirs:.9f}, ours {ours:.9f}")
    timed(f"{RATERS} x {ITEMS_OF_EVALICA}, evalica", lambda: evalica.alpha(frame, distance="interval"), 1)
    timed(f"{RATERS} x {ITEMS_OF_EVALICA}, ours, with its interval", lambda: krippendorff_alpha(few))
    timed(f"{RATERS} x {ITEMS:,}, ours, with its interval", lambda: krippendorff_alpha(ratings))


def ranking() -> None:
    rng = np.random.default_rng(0)
    truth = np.linspace(0.3, 0.9, 20) + rng.normal(0, 0.3, (200, 20))
    scores = truth + rng.normal(0, 0.5, truth.shape)
    print("Rankings of 20 miners over 200 tasks, with 2,000 bootstraps")
    for measure in (pairwise_accuracy, rank_correlation, kendall_tau, soft_pairwise_accuracy):
        timed(measure.__name__, lambda measure=measure: measure(scores, truth))  # type: ignore[misc]


if __name__ == "__main__":
    strength()
    agreement()
    ranking()
