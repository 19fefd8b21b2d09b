"""The paradox: can a validator grade a miner that is better than itself, and what does it pay a miner that copies it?

A validator of accuracy a grades miners of accuracy m in one of four ways:

no reference     it knows the answer with probability a, and otherwise tosses a coin for each answer
own answer       it compares with an answer of its own
panel of 3       it compares with the most frequent of three such answers, ties broken at random
true reference   it compares with the truth

A wrong answer is one of K equally likely ones. `simulate` draws tasks; `lab.statistics.paradox` has the closed forms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.statistics import Estimate, mean, mean_score
from lab.statistics.estimate import jackknifed
from lab.statistics.paradox import SameAnswer
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
"""Accuracy of the miner whose score is the ceiling; a copier's premium is what it earns beyond that."""
TASKS = 20_000
RANKED_ON = 100
"""Tasks on which the miners are ranked."""


@dataclass(frozen=True, slots=True)
class SimulatedValidator:
    """One validator in one arm."""

    arm: str
    accuracy: float
    wrong: int
    rank_accuracy: Estimate
    """Share of pairs of the five miners in the right order after 100 tasks; n counts rankings."""
    tasks_to_separate: Estimate
    """Tasks to separate 0.70 from 0.75 with 95 % confidence; no value if better miners score no better."""
    ceiling: Estimate
    """Score of a miner of accuracy 0.95."""
    premium: Estimate
    """Score of a miner that copies the validator (or one member of a panel), minus the ceiling."""
    closed: SameAnswer | None
    """Closed form; None for the arm without a reference."""
    scores: tuple[tuple[float, float, int], ...]
    """Accuracy, mean score and tasks of each miner."""


@dataclass(frozen=True, slots=True)
class Check:
    """A simulated score and its closed form."""

    accuracy: float
    miner: float
    simulated: Estimate
    expected: float
    error: float
    """Standard error of the simulated score by the closed form."""

    @property
    def within(self) -> bool:
        """True if the two agree within two standard errors."""
        assert self.simulated.value is not None
        return abs(self.simulated.value - self.expected) <= 2 * self.error + 1e-12


def closed_form(arm: str, accuracy: float, wrong: int) -> SameAnswer | None:
    """Return the closed form of an arm; None for the arm without a reference."""
    if arm == "own answer":
        return SameAnswer(accuracy, wrong)
    if arm == "panel of 3":
        return SameAnswer.panel([accuracy] * 3, wrong)
    return SameAnswer(1.0, wrong) if arm == "true reference" else None


def curve(
    accuracies: Sequence[float] = ACCURACIES, wrong: Sequence[int] = WRONG, tasks: int = TASKS
) -> list[SimulatedValidator]:
    """Simulate all arms over a grid of accuracies and numbers of wrong answers."""
    return [point(arm, accuracy, k, tasks) for arm in ARMS for k in wrong for accuracy in accuracies]


def point(arm: str, accuracy: float, wrong: int, tasks: int = TASKS) -> SimulatedValidator:
    """Simulate one validator."""
    asked = (*MINERS, *PAIR, BEST)
    scores, copied = simulate(arm, accuracy, wrong, asked, tasks)
    ranked = scores[:, : len(MINERS)]
    return SimulatedValidator(
        arm=arm,
        accuracy=accuracy,
        wrong=wrong,
        rank_accuracy=mean_score(_orders(ranked).tolist()),
        tasks_to_separate=_tasks_to_separate(ranked, scores[:, len(MINERS) : len(MINERS) + 2]),
        ceiling=mean_score(scores[:, -1].tolist()),
        premium=mean((copied - scores[:, -1]).tolist()),
        closed=closed_form(arm, accuracy, wrong),
        scores=tuple((miner, float(scores[:, place].mean()), tasks) for place, miner in enumerate(asked)),
    )


def simulate(arm: str, accuracy: float, wrong: int, miners: Sequence[float], tasks: int) -> tuple[Floats, Floats]:
    """Return the scores of miners (tasks, miners) and of a copier (tasks,), from a fixed seed."""
    rng = np.random.default_rng([ARMS.index(arm), round(1000 * accuracy), wrong])
    answers = np.stack([_answers(rng, miner, wrong, tasks) for miner in miners], axis=1)
    if arm == "no reference":
        knows = rng.random(tasks) < accuracy
        believed = rng.random((tasks, wrong + 1)) < 0.5
        copied = np.where(knows, 0, rng.integers(0, wrong + 1, tasks))
        answers = np.concatenate([answers, copied[:, None]], axis=1)
        scores = np.where(knows[:, None], answers == 0, np.take_along_axis(believed, answers, axis=1)).astype(float)
        return scores[:, :-1], scores[:, -1]
    judges = [_answers(rng, 1.0 if arm == "true reference" else accuracy, wrong, tasks) for _ in range(3)]
    own = _plurality(rng, judges) if arm == "panel of 3" else judges[0]
    return (answers == own[:, None]).astype(float), (judges[0] == own).astype(float)


def checks(points: Sequence[SimulatedValidator]) -> list[Check]:
    """Compare the simulated scores with the closed forms, where there are any."""
    return [
        _check(validator.closed, validator.accuracy, miner, Estimate(score, None, None, tasks))
        for validator in points
        if validator.closed is not None
        for miner, score, tasks in validator.scores
    ]


def check_run(scores: Mapping[tuple[float, float], Sequence[float]], wrong: int) -> list[Check]:
    """Compare the scores of a real run, by the accuracies of validator and miner, with the closed form."""
    return [
        _check(SameAnswer(accuracy, wrong), accuracy, miner, mean_score(values))
        for (accuracy, miner), values in sorted(scores.items())
    ]


def _check(closed: SameAnswer, accuracy: float, miner: float, simulated: Estimate) -> Check:
    expected = closed.score(miner)
    return Check(accuracy, miner, simulated, expected, float(np.sqrt(expected * (1 - expected) / simulated.n)))


def _answers(rng: np.random.Generator, accuracy: float, wrong: int, tasks: int) -> Answers:
    """Draw answers (tasks,): 0 is right, 1 to K are wrong."""
    return np.where(rng.random(tasks) < accuracy, 0, rng.integers(1, wrong + 1, tasks))


def _plurality(rng: np.random.Generator, judges: Sequence[Answers]) -> Answers:
    first, second, third = judges
    tie = np.choose(rng.integers(0, 3, len(first)), judges)
    return np.where((first == second) | (first == third), first, np.where(second == third, second, tie))


def _orders(scores: Floats) -> Floats:
    """Return the share of pairs in the right order for each ranking, ties half; columns go from worst to best."""
    rankings = scores[: len(scores) // RANKED_ON * RANKED_ON].reshape(-1, RANKED_ON, scores.shape[1]).sum(axis=1)
    worse, better = np.triu_indices(scores.shape[1], 1)
    return np.asarray((1 + np.sign(rankings[:, better] - rankings[:, worse])).mean(axis=1) / 2)


def _tasks_to_separate(ranked: Floats, pair: Floats) -> Estimate:
    """Apply `tasks_needed` to the variance of the pair's difference and the slope over all five miners."""
    apart = pair[:, 1] - pair[:, 0]
    lean = np.array(MINERS) - np.mean(MINERS)
    rows = np.column_stack([ranked @ lean / (lean**2).sum(), apart, apart**2, np.ones(len(apart))])

    def effects(sums: Floats) -> Floats:
        slope, total, square, n = sums.T
        return np.asarray(slope / n / np.sqrt((square - total**2 / n) / (n - 1)))

    effect = jackknifed(rows, effects)
    # If the slope can't be distinguished from 0, no number of tasks can be given.
    if effect.value is None or effect.low is None or effect.high is None or effect.low <= 0:
        return Estimate(None, None, None, len(apart))
    value, low, high = (tasks_needed(each, PAIR[1] - PAIR[0]) for each in (effect.value, effect.high, effect.low))
    return Estimate(value, low, high, len(apart), effect.method)
