"""The paradox of the weak validator in closed form: a validator that grades "same as my answer".

validator = SameAnswer(accuracy=0.3, wrong_answers=100)
validator.score(0.95)                     # 0.29: score of a miner that is right 95 % of the time
validator.mimic_premium(0.95)             # 0.71: what a copier of the validator earns beyond that
validator.tasks_to_separate(0.70, 0.75)

Validator and miners err independently, and each of the `wrong_answers` is equally likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, factorial, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from .samples import tasks_needed

LARGEST_PANEL = 100
"""Beyond this size, factorials exceed the range of floating point."""


@dataclass(frozen=True, slots=True)
class SameAnswer:
    """A validator that scores an answer 1 if it equals its own, and 0 otherwise."""

    accuracy: float
    """Probability a that its own answer is right."""
    wrong_answers: int = 100
    """K: 1 for yes or no, large for open questions."""
    copier: float = 1.0
    """Score of a miner that copies the validator, or the panel member most worth copying."""

    def __post_init__(self) -> None:
        _share(self.accuracy, "accuracy")
        if self.wrong_answers < 1:
            raise ValueError(f"wrong_answers {self.wrong_answers}: a question has at least one wrong answer")

    @classmethod
    def panel(cls, accuracies: Sequence[float], wrong_answers: int = 100) -> SameAnswer:
        """Return the validator equivalent to a panel that grades by its most frequent answer, ties broken at random.

        The panel's wrong answers are equally likely, like its members', so it is a `SameAnswer` whose accuracy is the
        probability that the right answer wins the vote. Exact, from the generating function of the votes.
        """
        if not 1 <= len(accuracies) <= LARGEST_PANEL:
            raise ValueError(f"a panel of {len(accuracies)}: from 1 to {LARGEST_PANEL} members")
        for each in accuracies:
            _share(each, "accuracy")
        size = len(accuracies)
        votes = [_vote(right, size - right, wrong_answers) for right in range(size + 1)]
        accuracy = sum(chance * vote.right for chance, vote in zip(_right_votes(accuracies), votes, strict=True))
        copiers = []
        for place, own in enumerate(accuracies):
            others = _right_votes([*accuracies[:place], *accuracies[place + 1 :]])
            # A wrong member is one of size - right wrong votes, each equally likely to be among the winner's.
            copiers.append(
                sum(
                    chance * (own * votes[right + 1].right + (1 - own) * votes[right].behind_wrong / (size - right))
                    for right, chance in enumerate(others)
                )
            )
        return cls(min(1.0, float(accuracy)), wrong_answers, min(1.0, float(max(copiers))))

    @property
    def slope(self) -> float:
        """Slope of the expected score in a miner's accuracy: a - (1 - a) / K."""
        return self.accuracy - (1 - self.accuracy) / self.wrong_answers

    def score(self, miner: float) -> float:
        """Return the expected score of a miner that is right with probability m: a m + (1 - a)(1 - m) / K."""
        _share(miner, "miner")
        return self.accuracy * miner + (1 - self.accuracy) * (1 - miner) / self.wrong_answers

    def mimic_premium(self, best_miner: float) -> float:
        """Return the score of a copier minus that of the best honest miner."""
        return self.copier - self.score(best_miner)

    def tasks_to_separate(self, worse: float, better: float) -> float:
        """Return the tasks after which the better of two miners has the higher mean score with 95 % probability.

        Their difference D on a task has mean slope * (better - worse); its mean over n tasks is nearly normal, so
        P(mean > 0) = 0.95 at n = 1.645² var(D) / mean(D)². Both miners are compared with the same answer of the
        validator, which correlates their scores: var(D) = p + q - 2 E[both agree] - (p - q)², where
        E[both agree] = a m m' + (1 - a)(1 - m)(1 - m') / K².
        Not rounded; infinite if the slope is not positive.

        Raises:
            ValueError: the better miner is not better.
        """
        if not worse < better:
            raise ValueError(f"worse {worse}, better {better}: the better miner needs the higher accuracy")
        low, high = self.score(worse), self.score(better)
        wrong = (1 - worse) * (1 - better) / self.wrong_answers**2
        both = self.accuracy * worse * better + (1 - self.accuracy) * wrong
        variance = low + high - 2 * both - (high - low) ** 2
        # Without variance, as between miners that are never and always right, one task is more than enough.
        effect = self.slope / sqrt(variance) if variance > 0 else inf
        return tasks_needed(effect, better - worse)


@dataclass(frozen=True, slots=True)
class _Vote:
    """Outcome of a vote."""

    right: float
    """Probability that the right answer wins."""
    behind_wrong: float
    """Expected votes of a wrong winner, counting 0 if the winner is right."""


def _vote(right: int, wrong: int, wrong_answers: int) -> _Vote:
    """Return the outcome if `right` members vote for the right answer and `wrong` ones each for a random wrong one."""
    wins = sum(_leading(wrong, wrong_answers, right, tied) / (tied + 1) for tied in _ties(wrong, wrong_answers, right))
    behind = 0.0
    for most in range(max(1, right), wrong + 1):
        for tied in range(1, min(wrong // most, wrong_answers) + 1):
            share = tied / (tied + 1) if most == right else 1.0
            behind += most * share * _leading(wrong, wrong_answers, most, tied)
    return _Vote(wins, behind)


def _ties(wrong: int, wrong_answers: int, right: int) -> range:
    """Return the possible numbers of wrong answers that tie with the right one; none if it has no votes."""
    return range(min(wrong // right, wrong_answers) + 1) if right else range(0)


def _leading(votes: int, answers: int, most: int, tied: int) -> float:
    """Return the probability that exactly `tied` answers have `most` of `votes` random votes, and the others fewer.

    votes! / answers^votes times the coefficient of x^votes in
    C(answers, tied) (x^most / most!)^tied (sum over k < most of x^k / k!)^(answers - tied).
    """
    left = votes - tied * most
    if left < 0:
        return 0.0
    fewer = np.array([1.0 / factorial(count) for count in range(min(most, left + 1))])
    rest = _power(fewer, answers - tied, left)[left]
    scale = factorial(votes) / answers**votes * comb(answers, tied)
    return float(scale * rest / factorial(most) ** tied)


def _power(series: NDArray[np.float64], exponent: int, degree: int) -> NDArray[np.float64]:
    """Return `series` to the power of `exponent`, up to x^degree."""
    result, square = np.zeros(degree + 1), np.zeros(degree + 1)
    result[0] = 1.0
    square[: len(series)] = series
    while exponent:
        if exponent & 1:
            result = np.convolve(result, square)[: degree + 1]
        square = np.convolve(square, square)[: degree + 1]
        exponent >>= 1
    return result


def _right_votes(accuracies: Sequence[float]) -> NDArray[np.float64]:
    """Return the probabilities of 0, 1, … right members."""
    chances = np.ones(1)
    for each in accuracies:
        chances = np.convolve(chances, [1 - each, each])
    return chances


def _share(value: float, name: str) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} {value}: a probability, from 0 to 1")
