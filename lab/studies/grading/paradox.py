"""The paradox: can a validator grade a miner that is better than itself, and what does it pay one that copies it?

Validators of accuracy a grade miners of accuracy m by one of four arms:

no reference     it knows the answer with probability a, and otherwise believes each answer by the toss of a coin
own answer       it compares with an answer of its own
panel of 3       it compares with the most frequent of three such answers, ties by lot
true reference   it compares with the truth

A wrong answer is any of K alike. `simulate` draws tasks; the closed forms are `lab.statistics.paradox`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.statistics import Estimate, mean
from lab.statistics.paradox import SameAnswer
from lab.statistics.resampling import resampled_sums
from lab.statistics.samples import tasks_needed

Floats = NDArray[np.float64]
Answers = NDArray[np.int64]

ARMS = ("no reference", "own answer", "panel of 3", "true reference")
ACCURACIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
WRONG = (1, 3, 100)
"""K: yes or no, a choice of four, an open question."""
MINERS = (0.5, 0.6, 0.7, 0.8, 0.9)
PAIR = (0.70, 0.75)
BEST = 0.95
"""The miner whose score is the ceiling, and beyond which a copier's is a premium."""
TASKS = 20_000
RANKED_ON = 100
"""Tasks on which the miners are ranked."""


@dataclass(frozen=True, slots=True)
class Point:
    """One validator in one arm."""

    arm: str
    accuracy: float
    wrong: int
    rank_accuracy: Estimate
    """Share of pairs of the five miners in the right order after 100 tasks; n counts such rankings."""
    tasks_to_separate: Estimate
    """To order 0.70 against 0.75 with 95 % confidence; without a value where better miners score no better."""
    ceiling: Estimate
    """Score of a miner of 0.95."""
    premium: Estimate
    """What a miner that copies the validator (of a panel, one member) earns beyond that."""
    closed: SameAnswer | None
    """Its closed form; None without a reference."""
    scores: tuple[tuple[float, float, int], ...]
    """Of each miner: its accuracy, its mean score, tasks."""


@dataclass(frozen=True, slots=True)
class Check:
    """A simulated score beside the closed form."""

    accuracy: float
    miner: float
    simulated: Estimate
    expected: float
    error: float
    """Standard error of the simulated score by the closed form."""

    @property
    def within(self) -> bool:
        """Whether the two agree within two standard errors."""
        assert self.simulated.value is not None
        return abs(self.simulated.value - self.expected) <= 2 * self.error + 1e-12


def closed_form(arm: str, accuracy: float, wrong: int) -> SameAnswer | None:
    """Return the closed form of an arm; None for that without a reference."""
    if arm == "own answer":
        return SameAnswer(accuracy, wrong)
    if arm == "panel of 3":
        return SameAnswer.panel([accuracy] * 3, wrong)
    return SameAnswer(1.0, wrong) if arm == "true reference" else None


def curve(accuracies: Sequence[float] = ACCURACIES, wrong: Sequence[int] = WRONG, tasks: int = TASKS) -> list[Point]:
    """Simulate all arms over a grid of accuracies and numbers of wrong answers."""
    return [point(arm, accuracy, k, tasks) for arm in ARMS for k in wrong for accuracy in accuracies]


def point(arm: str, accuracy: float, wrong: int, tasks: int = TASKS) -> Point:
    """Simulate one validator."""
    asked = (*MINERS, *PAIR, BEST)
    scores, copied = simulate(arm, accuracy, wrong, asked, tasks)
    ranked = scores[:, : len(MINERS)]
    return Point(
        arm=arm,
        accuracy=accuracy,
        wrong=wrong,
        rank_accuracy=mean(_orders(ranked).tolist()),
        tasks_to_separate=_tasks_to_separate(ranked, scores[:, len(MINERS) : len(MINERS) + 2]),
        ceiling=_mean(scores[:, -1]),
        premium=_mean(copied - scores[:, -1]),
        closed=closed_form(arm, accuracy, wrong),
        scores=tuple((miner, float(scores[:, place].mean()), tasks) for place, miner in enumerate(asked)),
    )


def simulate(arm: str, accuracy: float, wrong: int, miners: Sequence[float], tasks: int) -> tuple[Floats, Floats]:
    """Return scores (tasks, miners) and those of a copier (tasks,); from a fixed seed."""
    rng = np.random.default_rng([ARMS.index(arm), round(1000 * accuracy), wrong])
    answers = np.stack([_answers(rng, miner, wrong, tasks) for miner in miners], axis=1)
    if arm == "no reference":
        knows = rng.random(tasks) < accuracy
        believed = rng.random((tasks, wrong + 1)) < 0.5
        copied = np.where(knows, 0, rng.integers(0, wrong + 1, tasks))
        every = np.concatenate([answers, copied[:, None]], axis=1)
        scores = np.where(knows[:, None], every == 0, np.take_along_axis(believed, every, axis=1)).astype(float)
        return scores[:, :-1], scores[:, -1]
    judges = [_answers(rng, 1.0 if arm == "true reference" else accuracy, wrong, tasks) for _ in range(3)]
    own = _plurality(rng, judges) if arm == "panel of 3" else judges[0]
    return (answers == own[:, None]).astype(float), (judges[0] == own).astype(float)


def checks(points: Sequence[Point]) -> list[Check]:
    """Hold the simulated scores of all points that have one against their closed form."""
    found = []
    for one in points:
        if one.closed is not None:
            for miner, score, tasks in one.scores:
                found.append(_check(one.closed, one.accuracy, miner, Estimate(score, None, None, tasks)))
    return found


def played(scores: Mapping[tuple[float, float], Sequence[float]], wrong: int) -> list[Check]:
    """Hold the scores of a real run, by accuracy of validator and miner, against the closed form."""
    return [
        _check(SameAnswer(accuracy, wrong), accuracy, miner, mean(list(values)))
        for (accuracy, miner), values in sorted(scores.items())
    ]


def _check(closed: SameAnswer, accuracy: float, miner: float, simulated: Estimate) -> Check:
    expected = closed.score(miner)
    return Check(accuracy, miner, simulated, expected, float(np.sqrt(expected * (1 - expected) / simulated.n)))


def _answers(rng: np.random.Generator, accuracy: float, wrong: int, tasks: int) -> Answers:
    """0 for right, 1 to K for the wrong ones."""
    return np.where(rng.random(tasks) < accuracy, 0, rng.integers(1, wrong + 1, tasks))


def _plurality(rng: np.random.Generator, judges: Sequence[Answers]) -> Answers:
    first, second, third = judges
    lot = np.choose(rng.integers(0, 3, len(first)), judges)
    return np.where((first == second) | (first == third), first, np.where(second == third, second, lot))


def _orders(scores: Floats) -> Floats:
    """Share of pairs in the right order, ties half, by ranking: miners stand from worst to best."""
    rankings = scores[: len(scores) // RANKED_ON * RANKED_ON].reshape(-1, RANKED_ON, scores.shape[1]).sum(axis=1)
    worse, better = np.triu_indices(scores.shape[1], 1)
    return np.asarray((1 + np.sign(rankings[:, better] - rankings[:, worse])).mean(axis=1) / 2)


def _mean(values: Floats) -> Estimate:
    """Mean with its normal interval, which a bootstrap of so many tasks comes to."""
    value, half = float(values.mean()), 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values))
    return Estimate(value, value - half, value + half, len(values))


def _tasks_to_separate(ranked: Floats, pair: Floats) -> Estimate:
    """By `tasks_needed`, from the variance of the pair's difference and the slope over all five miners."""
    apart = pair[:, 1] - pair[:, 0]
    lean = np.array(MINERS) - np.mean(MINERS)
    every = np.column_stack([ranked @ lean / (lean**2).sum(), apart, apart**2, np.ones(len(apart))])
    # Bundles of tasks are drawn again instead of tasks: as wide an interval for a hundredth of the work.
    rows = every[: len(every) // RANKED_ON * RANKED_ON].reshape(-1, RANKED_ON, 4).sum(axis=1)

    def needed(sums: Floats) -> Floats:
        slope, total, square, n = sums.T
        return tasks_needed(slope / n, (square - total**2 / n) / (n - 1), PAIR[1] - PAIR[0])

    value = float(needed(rows.sum(axis=0, keepdims=True))[0])
    draws = needed(resampled_sums(rows))
    # Where the slope can't be told from none, no number of tasks can be named.
    if not np.isfinite(value) or (~np.isfinite(draws)).mean() > 0.025:
        return Estimate(None, None, None, len(apart))
    return Estimate.of_draws(value, draws, len(apart))
