"""Pay and quality: how well pay follows the true quality of the answers.

quality = PayQuality.of(NeuronResults.of(record))
quality.emission.value      # Spearman of pay and quality over the miners
quality.sentence            # the same in words

Quality is realised quality, the mean over the answers that were also graded and paid: what these miners did, with the
luck of these tasks. How good the miners are is known of oracles alone; `known` compares with that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from lab.record.entries import GradedAnswer, GradedRound
from lab.statistics import Estimate, spearman, spearmans
from lab.statistics.paired import Comparison, holm
from lab.statistics.ranking import rank_correlation
from lab.statistics.resampling import resampled_sums
from miners.adversaries import Oracle

from .neurons import NeuronResult, NeuronResults
from .words import over_miners, percent, quoted

ALPHA = 0.05
"""Chance of a false verdict about pay, and of any false upset."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Upset:
    """A miner that was paid less than a significantly worse one."""

    better: str
    worse: str
    gap: float
    """Difference in the quality of their answers to the same tasks."""


@dataclass(frozen=True, slots=True)
class PayQuality:
    """How well pay follows quality: Spearman's rank correlation over the miners of known quality.

    The intervals are over the tasks on which quality was measured, and n counts these tasks; pay is as it was paid.
    """

    miners: int
    """Miners of known quality."""
    incentive: Estimate
    """Correlation of quality with incentive in the last epoch."""
    emission: Estimate
    """The same with emission over the whole run."""
    score: Estimate
    """Correlation of quality with the mean score over the same answers, of the miners that were scored: shows whether
    the grading ranks correctly."""
    chance: float | None
    """Share of random orders that agree with quality at least as well as emission does."""
    p_value: float | None
    """Share of random orders whose correlation with emission is as far from 0 as that of quality."""
    known: float | None
    """Correlation of emission with the set accuracies of oracles; None with fewer than three different ones."""
    dishonest_share: float | None
    """Share of the miners' emission that dishonest miners earned; None if there are none or nothing was paid."""
    upset: Upset | None
    """The one with the widest gap; None if there is none."""

    @classmethod
    def of(cls, results: NeuronResults) -> PayQuality:
        """Compare the miners' pay with the true quality of their answers."""
        miners = results.miners
        judged = [miner for miner in miners if miner.quality.value is not None]
        uids = [miner.uid for miner in judged]
        qualities = _table(results.rounds, uids, lambda answer: answer.quality)
        earned = [miner.earned for miner in judged]
        emission = _correlation(earned, qualities)
        orders = None if emission.value is None else _random_orders(earned, [_value(miner.quality) for miner in judged])
        paid = sum(miner.earned for miner in miners)
        dishonest = [miner.earned for miner in miners if not miner.honest]
        return cls(
            miners=len(judged),
            incentive=_correlation([miner.incentive for miner in judged], qualities),
            emission=emission,
            score=rank_correlation(_table(results.rounds, uids, lambda answer: answer.score), qualities),
            chance=None if orders is None else float((orders >= (emission.value or 0.0) - 1e-12).mean()),
            p_value=None if orders is None else float((np.abs(orders) >= abs(emission.value or 0.0) - 1e-12).mean()),
            known=_known(results),
            dishonest_share=sum(dishonest) / paid if dishonest and paid else None,
            upset=_upset(judged, qualities),
        )

    @property
    def sentence(self) -> str:
        """The result in words."""
        return " ".join([self._verdict(), *self._notes()])

    def _verdict(self) -> str:
        value, n = self.emission.value, self.miners
        if value is None:
            if n < 2:
                known = "only one miner" if n else "no miner"
                return f"Whether pay follows quality can't be said: the true quality of {known} is known."
            return f"Whether pay follows quality can't be said: all {n} miners were paid alike, or are equally good."
        figure = f"Spearman {over_miners(self.emission, n)}"
        if self.p_value is None or self.p_value > ALPHA:
            return f"Too few miners, or too much alike, to say whether pay follows the answers' quality: {figure}."
        words = next(
            words
            for bound, words in (
                (0.9, "follows the quality of the answers closely"),
                (0.6, "mostly follows the quality of the answers"),
                (0.0, "follows the quality of the answers loosely"),
                (-1.1, "runs against the quality of the answers"),
            )
            if value >= bound
        )
        return f"Pay {words}: {figure}."

    def _notes(self) -> list[str]:
        notes = []
        if self.p_value is not None:
            notes.append(f"A random order is as far from 0 in {percent(self.p_value)} of cases.")
        if self.known is not None:
            notes.append(f"Over oracles, pay follows the accuracy that they are set to at Spearman {self.known:.2f}.")
        if self.upset is not None:
            notes.append(
                f"{quoted(self.upset.better)} was paid less than {quoted(self.upset.worse)}, "
                f"though its answers are better by {self.upset.gap:.2f}."
            )
        if self.dishonest_share is not None:
            notes.append(f"Miners that are not honest earned {percent(self.dishonest_share)} of the miners' pay.")
        return notes


def _table(rounds: Sequence[GradedRound], uids: Sequence[int], value: Callable[[GradedAnswer], float | None]) -> Floats:
    """Return a value of each answer by round and miner, (R, M); NaN if unknown."""
    place = {uid: column for column, uid in enumerate(uids)}
    table = np.full((len(rounds), len(uids)), np.nan)
    for row, graded in enumerate(rounds):
        for answer in graded.answers:
            if (known := value(answer)) is not None and answer.uid in place:
                table[row, place[answer.uid]] = known
    return table


def _correlation(pay: Sequence[float], qualities: Floats) -> Estimate:
    """Correlate pay (M,) with mean quality; the interval is bootstrapped over the rounds of `qualities` (R, M)."""
    qualities = qualities[~np.isnan(qualities).all(axis=1)]
    tasks, miners = len(qualities), len(pay)
    if miners < 2:
        return Estimate(None, None, None, tasks)
    known = ~np.isnan(qualities)
    filled = np.where(known, qualities, 0.0)
    value = spearman(pay, list(filled.sum(axis=0) / known.sum(axis=0)))
    if value is None:
        return Estimate(None, None, None, tasks)
    sums, counts = np.split(resampled_sums(np.hstack([filled, known])), 2, axis=1)
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return Estimate.of_draws(value, spearmans(np.asarray(pay, dtype=float), means), tasks)


def _random_orders(pay: Sequence[float], qualities: Sequence[float]) -> Floats:
    """Return the Spearman of `pay` with all orders of `qualities`, or with 10,000 random ones and the observed one."""
    values, n = np.asarray(qualities, dtype=float), len(qualities)
    if n <= 7:
        orders = np.array(list(permutations(range(n))))
    else:
        rng = np.random.default_rng(0)
        orders = np.vstack([np.arange(n), rng.permuted(np.tile(np.arange(n), (10_000, 1)), axis=1)])
    return spearmans(np.asarray(pay, dtype=float), values[orders])


def _known(results: NeuronResults) -> float | None:
    """Correlate emission with the oracles' accuracies."""
    built = dict(zip(results.config.miner_names, results.config.build_miners(), strict=True))
    oracles = [(miner.earned, each.p) for miner in results.miners if isinstance(each := built[miner.name], Oracle)]
    if len({p for _, p in oracles}) < 3:
        return None
    return spearman([earned for earned, _ in oracles], [p for _, p in oracles])


def _upset(miners: Sequence[NeuronResult], qualities: Floats) -> Upset | None:
    """Return the widest gap in quality between a miner and a significantly worse one that earned more.

    All pairs of miners could have been paid in the wrong order, so each is tested on the tasks that both answered, with
    a 5 % chance of any false alarm among them.
    """
    pairs = [(better, worse) for better in range(len(miners)) for worse in range(len(miners)) if better != worse]
    upsets = [(better, worse) for better, worse in pairs if miners[better].earned < miners[worse].earned]
    tests = [Comparison.of(qualities[:, worse], qualities[:, better]) for better, worse in upsets]
    # The other pairs were looked at as well; they can't be false alarms.
    adjusted = holm([*(test.p_value for test in tests), *[1.0] * (len(pairs) // 2 - len(upsets))])[: len(tests)]
    significant = [
        Upset(miners[better].name, miners[worse].name, gap)
        for (better, worse), test, p_value in zip(upsets, tests, adjusted, strict=True)
        if p_value is not None and p_value <= ALPHA and (gap := test.difference.value or 0.0) > 0
    ]
    return max(significant, key=lambda upset: (upset.gap, upset.better, upset.worse), default=None)


def _value(figure: Estimate) -> float:
    return 0.0 if figure.value is None else figure.value
