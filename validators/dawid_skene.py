"""The jury: rank answerers by each other and a few tasks of known truth, without a judge stronger than they are.

    result = jury(answers, right, gold=20, wrong=3, own=0.4)
    result.accuracy        # of the validator's own answers, then of each miner

This is the one-coin model of Dawid and Skene (1979) with three additions. Tasks of known truth ("gold") are clamped to
it. Votes are discounted by the wrong answers that their sources share. All tasks without gold together count as at
most `UNLABELLED` gold tasks toward the weight of a source, so a majority of copies can't outvote the gold unless it
recognises it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

NO_ANSWER = -1
"""Class of an answer that is missing or says nothing: wrong, and equal to no other."""
NOT_ASKED = -2
"""Class where a source was not asked: counts neither for nor against it."""

UNLABELLED = 5.0
"""Gold tasks that all tasks without gold together may stand for in the weight of a source."""
TOLERATED = 0.25
"""Share of wrong answers in common, beyond chance, that still counts as independent."""
COPIES_AT = 0.97
"""Agreement at which two sources count as one."""
FEW = 6.0
"""Wrong answers of a source, or tasks of a pair, below which nothing is concluded from what they share."""
ANCHORED = 5.0
"""Gold tasks from which they decide the weights; below, no vote counts against its own answer."""
SETTLED = 8.0
"""Gold tasks from which the validator's own answer has no vote."""
PRIOR_RIGHT, PRIOR = 0.6, 1.0
"""Pseudo-tasks in an accuracy: those answered rightly, and all."""
START_RIGHT, START = 2.4, 4.0
"""The same in an accuracy at the start."""
LOWEST, HIGHEST = 0.02, 0.98
"""Bounds of an accuracy from which a weight is made."""
ROUNDS = 12
OWN_WORTH = 40.0
"""Most tasks that agreement with the validator's own answer stands for at the start."""
KEEPS_FINITE = 1e-6
"""Added to a divisor that can be 0. It moves the eighth digit, so it is part of the formula."""


@dataclass(frozen=True, slots=True, eq=False)
class JuryResult:
    """What follows from the answers. Source 0 is the validator itself, sources 1 to N are the miners."""

    accuracy: Floats
    """Mean posterior of each source's answers, (S,); NaN for one that was never asked."""
    copies: Floats
    """How far each pair's wrong answers are the same beyond what is tolerated, (S, S) in [0, 1]; 0 on the diagonal."""
    posterior: Floats
    """Probability that each answer is right, (T, S): the truth on gold, 0 for no answer, NaN where not asked."""


def jury(
    answers: ArrayLike,
    right: ArrayLike,
    *,
    gold: int,
    wrong: ArrayLike,
    own: float,
    counts: ArrayLike = 1.0,
) -> JuryResult:
    """Estimate which answers are right, how accurate each source is, and who copies whom.

    Args:
        answers: integers (T, S), one row a task with the gold tasks first, one column a source with the validator's
            own answers first. Equal numbers in a row are equal answers; `NO_ANSWER` and `NOT_ASKED` are negative.
        right: truth of the answers to the gold tasks, (gold, S), in [0, 1].
        gold: number of gold tasks.
        wrong: K, the number of wrong answers that a task has: one number of at least 1, or (T,). If some are likelier
            than others, (T, S): one in K wrong answers is like this one.
        own: accuracy that the validator's own answers are believed to have, strictly between 0 and 1.
        counts: share of a task that each row is, one number or (T,): the parts of one page add up to 1.

    Raises:
        ValueError: an argument has a shape or value that is not allowed; the message names it.
    """
    votes = _Votes.of(answers, right, gold, wrong, own, counts)
    # Of several starts the one is kept whose votes alone foretell the gold best; the first one among equals.
    trial = max((votes.iterate(start) for start in votes.starts()), key=lambda each: each.foretold)
    posterior = np.where(votes.asked, trial.posterior, np.nan)
    return JuryResult(votes.mean_posterior(trial.posterior), trial.copies, posterior)


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """The end of one iteration."""

    posterior: Floats
    """(T, S), 0 where not asked."""
    copies: Floats
    """(S, S)"""
    foretold: float
    """Log probability that the votes alone, not clamped, give the truth of the gold tasks."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tally:
    """Votes for each group of equal answers, in logarithms. An answer that nobody gave has 0."""

    logs: Floats
    """(G,)"""
    log_total: Floats
    """Logarithm of the sum over all possible answers to each task, (T,)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Votes:
    """The answers in the form that the iteration needs: T tasks, S sources, G groups of equal answers to one task."""

    classes: Integers
    """(T, S)"""
    right: Floats
    """(gold, S)"""
    wrong: Floats
    """(T, S)"""
    own: float
    counts: Floats
    """(T,)"""
    group: Integers
    """Group of each answer, (T, S); G where there is none."""
    task: Integers
    """Task of each group, (G,), ascending."""
    unnamed: Floats
    """Possible answers to each task that nobody gave, (T,)."""
    shared: Integers
    """Groups of the answers that a pair has in common, one pair after another, first with second, third, ..."""
    common: Integers
    """Number of them, (S, S); 0 on the diagonal."""
    agreement: Floats
    """Share of the tasks that both were asked on which a pair agrees, (S, S); 0 on the diagonal."""
    alike: Booleans
    """Pairs that agree so often that they count as one, (S, S)."""

    @classmethod
    def of(
        cls, answers: ArrayLike, right: ArrayLike, gold: int, wrong: ArrayLike, own: float, counts: ArrayLike
    ) -> _Votes:
        """Check the arguments of `jury` and group equal answers."""
        classes = _classes(answers)
        tasks, sources = classes.shape
        if isinstance(gold, bool) or not isinstance(gold, int | np.integer) or not 0 <= gold <= tasks:
            raise ValueError(f"gold is {gold!r}; allowed: a whole number from 0 to {tasks}, the rows of answers")
        if not 0.0 < own < 1.0:
            raise ValueError(f"own is {own!r}; allowed: an accuracy strictly between 0 and 1")
        truth = _numbers("right", right, 0.0, 1.0)
        if truth.shape != (gold, sources) and (gold or truth.size):
            raise ValueError(f"right has the shape {truth.shape}; allowed: {(int(gold), sources)}, gold by sources")
        spoke, asked = classes >= 0, (classes != NOT_ASKED).astype(float)
        ranks = np.unique(classes, return_inverse=True)[1].reshape(classes.shape)
        keys = np.arange(tasks)[:, None] * (classes.size + 1) + ranks
        groups, members = np.unique(keys[spoke], return_inverse=True)
        group = np.full(classes.shape, len(groups), np.int64)
        group[spoke] = members
        task = groups // (classes.size + 1)
        possible = _spread("wrong", wrong, 1.0, tasks, sources)
        first, second = np.triu_indices(sources, 1)
        shared = [group[(classes[:, a] == classes[:, b]) & spoke[:, a], a] for a, b in zip(first, second, strict=True)]
        common = np.zeros((sources, sources), np.int64)
        common[first, second] = common[second, first] = [len(each) for each in shared]
        both = asked.T @ asked
        agreement = np.divide(common, both, out=np.zeros_like(both), where=both > 0)
        return cls(
            classes=classes,
            right=np.where(spoke[:gold], truth.reshape(gold, sources), 0.0),
            wrong=possible,
            own=float(own),
            counts=_spread("counts", counts, 0.0, tasks)[:, 0],
            group=group,
            task=task,
            unnamed=np.maximum(possible.max(axis=1) + 1.0 - np.bincount(task, minlength=tasks), 0.0),
            shared=np.concatenate([np.zeros(0, np.int64), *shared]),
            common=common,
            agreement=agreement,
            alike=(agreement >= COPIES_AT) & (both >= FEW),
        )

    @property
    def asked(self) -> Booleans:
        """True where a source was asked, (T, S)."""
        return np.asarray(self.classes != NOT_ASKED)

    @property
    def spoke(self) -> Booleans:
        """True where a source answered, (T, S)."""
        return np.asarray(self.classes >= 0)

    @property
    def gold(self) -> int:
        """Number of rows of known truth."""
        return len(self.right)

    @property
    def gold_tasks(self) -> float:
        """The gold counted in tasks."""
        return float(self.counts[: self.gold].sum())

    def starts(self) -> list[Floats]:
        """Return the accuracies, (S,), from which to iterate."""
        weight = self.counts[:, None] * self.asked
        gold = weight[: self.gold].sum(axis=0)
        hits = (weight[: self.gold] * self.right).sum(axis=0)
        by_gold = (hits + START_RIGHT) / (gold + START)
        starts = [by_gold]
        if self.gold_tasks < SETTLED:
            worth, by_own = self._worth_of_own(), self._by_own()
            starts = [(hits + START_RIGHT + worth * by_own) / (gold + START + worth)]
        if self.gold_tasks >= ANCHORED:
            starts += [by_gold.copy(), 0.3 + 0.6 * self.agreement.mean(axis=1)]
        if self.gold_tasks < SETTLED:
            for start in starts:
                start[0] = self.own
        return starts

    def iterate(self, accuracy: Floats) -> _Trial:
        """Return what the iteration makes of a start."""
        copies = self.alike.astype(float)
        posterior = self._posterior(self._tally(accuracy, copies))
        for _ in range(ROUNDS):
            copies, accuracy = self._copies(posterior), self._accuracy(posterior)
            tally = self._tally(accuracy, copies)
            posterior = self._posterior(tally)
        return _Trial(posterior, copies, self._foretold(tally))

    def mean_posterior(self, posterior: Floats) -> Floats:
        """Return the mean over the tasks that each source was asked, (S,)."""
        each = (self.counts[:, None] * self.asked).sum(axis=0)
        total = (self.counts[:, None] * posterior).sum(axis=0)
        return np.asarray(np.divide(total, each, out=np.full_like(each, np.nan), where=each > 0))

    def _slope(self) -> float:
        """Return by how much agreement with the own answer grows with accuracy."""
        return self.own - self._by_chance()

    def _by_chance(self) -> float:
        return (1.0 - self.own) * float((1.0 / self.wrong).mean())

    def _worth_of_own(self) -> float:
        """Return the tasks that agreement with the own answer stands for; 0 if it says nothing of accuracy."""
        slope, rest = self._slope(), float(self.counts[self.gold :].sum())
        if slope <= 0.0 or not self.spoke[:, 0].any():
            return 0.0
        signal = 0.21 * slope**2  # the variance of an accuracy in the middle of its range, seen through the slope
        return min(OWN_WORTH, 0.5 * rest * slope**2 * 0.21 / (signal + 0.6 * self.own * (1.0 - self.own)))

    def _by_own(self) -> Floats:
        """Solve E = a m + (1 - a)(1 - m)/K, the expected agreement with the own answer, for each accuracy m, (S,)."""
        slope = self._slope()
        if slope <= 0.0:
            return np.zeros(len(self.agreement))
        return np.asarray(np.clip((self.agreement[0] - self._by_chance()) / slope, 0.0, 1.0))

    def _tally(self, accuracy: Floats, copies: Floats) -> _Tally:
        """Sum up the votes: w = log(m K / (1 - m)) / (1 + sum of copies) for each source's answer."""
        m = np.clip(accuracy, LOWEST, HIGHEST)
        discount = copies
        if self.gold_tasks >= SETTLED:  # the own answer has no vote, so none is discounted for being like it
            discount = copies.copy()
            discount[:, 0] = 0.0
        weights = (np.log(m / (1.0 - m)) + np.log(self.wrong)) / (1.0 + discount.sum(axis=1))
        if self.gold_tasks < ANCHORED:
            weights = np.maximum(weights, 0.0)
        if self.gold_tasks >= SETTLED:
            weights[:, 0] = 0.0
        groups = len(self.task)
        logs = np.bincount(self.group.ravel(), weights.ravel(), minlength=groups + 1)[:groups]
        peak = np.zeros(len(self.classes))
        np.maximum.at(peak, self.task, logs)
        named = np.bincount(self.task, np.exp(logs - peak[self.task]), minlength=len(peak))
        total: Floats = peak + np.log(named + self.unnamed * np.exp(-peak))
        return _Tally(np.asarray(logs, dtype=float), total)

    def _posterior(self, tally: _Tally) -> Floats:
        """Return the probability that each answer is right, (T, S): the truth on gold, 0 for no answer."""
        posterior = np.append(np.exp(tally.logs - tally.log_total[self.task]), 0.0)[self.group]
        posterior[: self.gold] = self.right
        return np.where(self.spoke, posterior, 0.0)

    def _foretold(self, tally: _Tally) -> float:
        best, rows = self.right.argmax(axis=1), np.arange(self.gold)
        # Where nobody is right, the truth is one of the answers that nobody gave.
        named = self.right[rows, best] >= 0.5
        logs = np.where(named, np.append(tally.logs, 0.0)[self.group[rows, best]], 0.0)
        return float(((logs - tally.log_total[: self.gold]) * self.counts[: self.gold]).sum())

    def _accuracy(self, posterior: Floats) -> Floats:
        """Return m of each source, (S,), from the posterior, (T, S)."""
        weight = self.counts[:, None] * self.asked
        right = self.counts[:, None] * posterior
        if self.gold_tasks < ANCHORED:
            accuracy = (right.sum(axis=0) + PRIOR_RIGHT) / (weight.sum(axis=0) + PRIOR)
        else:
            gold, rest = weight[: self.gold].sum(axis=0), weight[self.gold :].sum(axis=0)
            share = np.divide(right[self.gold :].sum(axis=0), rest, out=np.zeros_like(rest), where=rest > 0)
            worth = np.minimum(rest, UNLABELLED)
            accuracy = (right[: self.gold].sum(axis=0) + worth * share + PRIOR_RIGHT) / (gold + worth + PRIOR)
        if self.gold_tasks < SETTLED:
            accuracy[0] = 0.5 * (accuracy[0] + self.own)
        return np.asarray(accuracy)

    def _copies(self, posterior: Floats) -> Floats:
        """Return how far the wrong answers of each pair are the same, beyond chance and tolerance, (S, S)."""
        wrong = np.where(self.spoke, 1.0 - posterior, 0.0)
        total = wrong.sum(axis=0)
        scale = np.sqrt(np.outer(total, total)) + KEEPS_FINITE
        shared = self._shared(wrong) / scale
        # Not a matrix product, whose threads would cost more than so small a sum, and whose order is the machine's.
        chance = np.einsum("ti,tj->ij", wrong / self.wrong, wrong) / scale
        chance = (chance + chance.T) / 2.0
        beyond = (shared - chance) / np.where(chance < 1.0, 1.0 - chance, np.inf)
        copies: Floats = np.clip((beyond - TOLERATED) / (1.0 - TOLERATED), 0.0, 1.0)
        copies[np.minimum.outer(total, total) < FEW] = 0.0
        copies[self.alike] = 1.0
        np.fill_diagonal(copies, 0.0)
        return copies

    def _shared(self, wrong: Floats) -> Floats:
        """Add up how wrong, (T, S), the answers are that each pair has in common, (S, S)."""
        each = np.zeros(len(self.task))
        each[self.group[self.spoke]] = wrong[self.spoke]
        first, second = np.triu_indices(len(self.common), 1)
        lengths = self.common[first, second]
        some = lengths > 0
        sums = np.zeros(len(lengths))
        if some.any():  # a pair without a common answer has no place among the sums
            sums[some] = np.add.reduceat(each[self.shared], (np.cumsum(lengths) - lengths)[some])
        shared = np.zeros(self.common.shape)
        shared[first, second] = shared[second, first] = sums
        return shared


def _classes(answers: ArrayLike) -> Integers:
    labels = np.asarray(answers)
    if labels.ndim != 2 or not labels.size or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"answers have the shape {labels.shape} and type {labels.dtype}; allowed: integers, tasks by sources"
        )
    if labels.min() < NOT_ASKED:
        raise ValueError(
            f"answers hold {labels.min()}; allowed: {NOT_ASKED} (not asked), {NO_ANSWER} (no answer), classes from 0"
        )
    return labels.astype(np.int64)


def _numbers(name: str, values: ArrayLike, low: float, high: float = np.inf) -> Floats:
    numbers = np.asarray(values, dtype=float)
    refused = numbers[~((numbers >= low) & (numbers <= high) & np.isfinite(numbers))]
    if refused.size:
        bounds = f"from {low:g} to {high:g}" if np.isfinite(high) else f"of at least {low:g}"
        raise ValueError(f"{name} holds {refused.flat[0]}; allowed: numbers {bounds}")
    return numbers


def _spread(name: str, values: ArrayLike, low: float, tasks: int, sources: int | None = None) -> Floats:
    """Return one number for each task and source, (T, S), or for each task alone, (T, 1)."""
    numbers = _numbers(name, values, low)
    if numbers.ndim == 1:
        numbers = numbers[:, None]
    if numbers.ndim and (len(numbers) != tasks or numbers.shape[1] not in (1, sources)):
        more = f", or {(tasks, sources)}" if sources else ""
        raise ValueError(
            f"{name} has the shape {np.shape(values)}; allowed: one number, or one for each of {tasks} tasks{more}"
        )
    return np.array(np.broadcast_to(numbers, (tasks, sources or 1)))
