"""Simulated crowds: the answers of honest miners of known accuracy and of colluders to tasks whose truth is known.

    crowd = Family(miners=8, colluding=0.5, scheme="key").draw(seed=1)
    crowd.answers        # (tasks, sources), the validator's own answers first

The answers of each task are named at random, so nothing can be learned from the name of an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Scheme = Literal["key", "key 80 %", "key 60 %", "best", "mimic", "constant"]
"""What colluders answer: a shared wrong key, always or most of the time; what the best honest miner or the validator
answers; or the same name on every task."""
SCHEMES: tuple[Scheme, ...] = ("key", "key 80 %", "key 60 %", "best", "mimic", "constant")

TASKS = 200
HONEST = 0.5, 0.9
"""Accuracies of the weakest and the best honest miner; the others lie evenly between."""
OF_ITS_OWN = 0.5
"""Accuracy of a colluder where it does not follow its key."""
HARDER = 0.15
"""How much a hard task lowers, and an easy one raises, the accuracy of everybody if errors are correlated."""
TEMPTING = 0.5
"""Share of wrong answers that fall for the same tempting one if errors are correlated."""


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """The answers of one validator and its miners."""

    answers: Integers
    """(T, S): names of answers, the validator's own in column 0 and gold tasks in the first rows."""
    truth: Integers
    """Name of the right answer to each task, (T,)."""
    gold: int
    """Tasks whose truth the validator knows."""
    wrong: int
    """K, wrong answers to a task."""
    own: float
    """Accuracy of the validator's own answers."""
    honest: tuple[int, ...]
    """Columns of the honest miners."""
    colluders: tuple[int, ...]
    """Columns of the colluders."""
    counts: Floats | None = None
    """Share of a task that each row is, (T,), where a task has several; None if each row is one."""

    @property
    def right(self) -> NDArray[np.bool_]:
        """True where an answer is right, (T, S)."""
        return np.asarray(self.answers == self.truth[:, None])


@dataclass(frozen=True, slots=True)
class Family:
    """Crowds that differ by chance alone."""

    miners: int = 8
    wrong: int = 3
    own: float = 0.5
    """Accuracy of the validator's own answers."""
    colluding: float = 0.0
    """Share of the miners that collude; at least two stay honest."""
    scheme: Scheme = "key"
    correlated: bool = False
    """True if some tasks are harder than others and one wrong answer is more tempting."""
    gold: int = TASKS // 10
    tasks: int = TASKS
    aware: bool = False
    """True if colluders recognise gold, and answer that rightly."""

    @property
    def colluders(self) -> int:
        """Number of miners that collude."""
        return min(round(self.colluding * self.miners), self.miners - 2)

    def draw(self, seed: int) -> Crowd:
        """Draw the crowd of a seed."""
        rng = np.random.default_rng([seed, self.miners, self.wrong, round(1000 * self.own), self.colluders])
        honest = self.miners - self.colluders
        accuracies = np.array([self.own, *np.linspace(*HONEST, honest)])
        errors = self._errors(rng, accuracies)
        colluding = self._collude(rng, errors) if self.colluders else np.zeros((self.tasks, 0), np.int64)
        if self.aware:
            colluding[: self.gold] = 0
        truth = rng.integers(0, self.wrong + 1, self.tasks)
        answers = (np.hstack([errors, colluding]) + truth[:, None]) % (self.wrong + 1)
        if self.scheme == "constant":
            answers[:, 1 + honest :] = 0
        return Crowd(
            answers=answers,
            truth=truth,
            gold=self.gold,
            wrong=self.wrong,
            own=self.own,
            honest=tuple(range(1, 1 + honest)),
            colluders=tuple(range(1 + honest, 1 + self.miners)),
        )

    def _errors(self, rng: np.random.Generator, accuracies: Floats) -> Integers:
        """Draw answers (T, sources): 0 is right, 1 to K are wrong."""
        shape = self.tasks, len(accuracies)
        wrong = rng.integers(1, self.wrong + 1, shape)
        chances = np.broadcast_to(accuracies, shape)
        if self.correlated:
            chances = np.clip(chances + HARDER * rng.choice((-1.0, 1.0), (self.tasks, 1)), 0.0, 1.0)
            tempting = rng.integers(1, self.wrong + 1, (self.tasks, 1))
            wrong = np.where(rng.random(shape) < TEMPTING, tempting, wrong)
        return np.where(rng.random(shape) < chances, 0, wrong)

    def _collude(self, rng: np.random.Generator, honest: Integers) -> Integers:
        """Return the colluders' answers (T, colluders) in the same names."""
        shape = self.tasks, self.colluders
        if self.scheme == "best":
            return np.repeat(honest[:, [-1]], self.colluders, axis=1)
        if self.scheme == "mimic":
            return np.repeat(honest[:, [0]], self.colluders, axis=1)
        follows = {"key 80 %": 0.8, "key 60 %": 0.6}.get(self.scheme, 1.0)
        key = np.broadcast_to(rng.integers(1, self.wrong + 1, (self.tasks, 1)), shape)
        alone = np.where(rng.random(shape) < OF_ITS_OWN, 0, rng.integers(1, self.wrong + 1, shape))
        return np.where(rng.random(shape) < follows, key, alone)


def grid(gold: int = TASKS // 10) -> Iterator[Family]:
    """Yield the families of the study: every size, number of wrong answers, validator, bloc and scheme."""
    for miners, wrong, own, correlated in product((4, 8, 16, 32), (1, 3, 100), (0.3, 0.5, 0.7), (False, True)):
        plain = Family(miners, wrong, own, correlated=correlated, gold=gold)
        yield plain
        for colluding, scheme in product((0.25, 0.5, 0.6), SCHEMES):
            yield replace(plain, colluding=colluding, scheme=scheme)


def fresh(seed: int, gold: int = TASKS // 10) -> Family:
    """Draw a family at random, between and beyond the points of the grid."""
    rng = np.random.default_rng(seed)
    return Family(
        miners=int(rng.integers(4, 33)),
        wrong=int(rng.choice((1, 2, 3, 4, 9, 30, 300))),
        own=float(rng.uniform(0.2, 0.8)),
        colluding=float(rng.uniform(0.0, 0.6)),
        scheme=SCHEMES[int(rng.integers(len(SCHEMES)))],
        correlated=bool(rng.random() < 0.5),
        gold=gold,
    )
