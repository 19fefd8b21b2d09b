"""Pay and quality: how well pay follows true quality.

quality = PayQuality.of(NeuronResults.of(record))
quality.emission.value      # Spearman of pay and true quality over the miners
quality.sentence            # the same in words
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from lab.record.entries import GradedRound
from lab.statistics import Estimate, spearman, spearmans
from lab.statistics.resampling import resampled_sums

from .neurons import NeuronResult, NeuronResults
from .words import over_miners, percent, quoted


@dataclass(frozen=True, slots=True)
class Upset:
    """A miner that was paid less than a clearly worse one."""

    better: str
    worse: str
    gap: float
    """Difference in true quality."""


@dataclass(frozen=True, slots=True)
class PayQuality:
    """How well pay follows true quality: Spearman's rank correlation over the miners of known quality.

    The intervals are over the tasks on which quality was measured; pay is as it was paid.
    """

    incentive: Estimate
    """Correlation of quality with incentive in the last epoch; n counts miners."""
    emission: Estimate
    """The same with emission over the whole run."""
    score: Estimate
    """The same with the mean score, over the miners that were scored: shows whether the grading ranks correctly."""
    chance: float | None
    """Share of random orders that agree with quality at least as well as emission does."""
    dishonest_share: float | None
    """Share of the miners' emission that dishonest miners earned; None if there are none or nothing was paid."""
    upset: Upset | None
    """The one with the widest gap; None if there is none."""

    @classmethod
    def of(cls, results: NeuronResults) -> PayQuality:
        """Compare the miners' pay with their true quality."""
        miners, rounds = results.miners, results.rounds
        known = [miner for miner in miners if miner.quality.value is not None]
        table = _qualities([miner.uid for miner in known], rounds)
        earned = [miner.earned for miner in known]
        scored = [miner for miner in known if miner.score.value is not None]
        emission = _correlation(earned, table)
        paid = sum(miner.earned for miner in miners)
        dishonest = [miner.earned for miner in miners if not miner.honest]
        return cls(
            incentive=_correlation([miner.incentive for miner in known], table),
            emission=emission,
            score=_correlation(
                [_value(miner.score) for miner in scored], _qualities([miner.uid for miner in scored], rounds)
            ),
            chance=None if emission.value is None else _chance(earned, [_value(miner.quality) for miner in known]),
            dishonest_share=sum(dishonest) / paid if dishonest and paid else None,
            upset=_upset(known),
        )

    @property
    def sentence(self) -> str:
        """The result in words."""
        return " ".join([self._verdict(), *self._notes()])

    def _verdict(self) -> str:
        value, n = self.emission.value, self.emission.n
        if value is None:
            if n < 2:
                return f"Whether pay follows quality can't be said: the true quality of {n} miners is known."
            return f"Whether pay follows quality can't be said: all {n} miners were paid alike, or are equally good."
        figure = f"Spearman {over_miners(self.emission)}"
        if self.chance is not None and self.chance > 0.05 and value > 0:
            return f"Too few miners, or too much alike, to say whether pay follows true quality: {figure}."
        words = next(
            words
            for bound, words in (
                (0.9, "follows true quality closely"),
                (0.6, "mostly follows true quality"),
                (0.3, "follows true quality loosely"),
                (-0.3, "does not follow true quality"),
                (-1.1, "runs against true quality"),
            )
            if value >= bound
        )
        return f"Pay {words}: {figure}."

    def _notes(self) -> list[str]:
        notes = []
        if self.emission.value is not None and self.chance is not None:
            notes.append(f"A random order agrees at least as well in {percent(self.chance)} of cases.")
        if self.upset is not None:
            notes.append(
                f"{quoted(self.upset.better)} was paid less than {quoted(self.upset.worse)}, "
                f"though its answers are better by {self.upset.gap:.2f}."
            )
        if self.dishonest_share is not None:
            notes.append(f"Miners that are not honest earned {percent(self.dishonest_share)} of the miners' pay.")
        return notes


def _qualities(uids: Sequence[int], rounds: Sequence[GradedRound]) -> NDArray[np.float64]:
    """Return true quality by round and miner, (R, M); NaN if unknown."""
    place = {uid: column for column, uid in enumerate(uids)}
    table = np.full((len(rounds), len(uids)), np.nan)
    for row, graded in enumerate(rounds):
        for answer in graded.answers:
            if answer.quality is not None and answer.uid in place:
                table[row, place[answer.uid]] = answer.quality
    return table


def _correlation(pay: Sequence[float], qualities: NDArray[np.float64]) -> Estimate:
    """Correlate pay (M,) with mean quality; the interval is bootstrapped over the rounds of `qualities` (R, M)."""
    n = len(pay)
    if n < 2:
        return Estimate(None, None, None, n)
    known = ~np.isnan(qualities)
    filled = np.where(known, qualities, 0.0)
    value = spearman(pay, list(filled.sum(axis=0) / known.sum(axis=0)))
    if value is None or len(qualities) < 2:
        return Estimate(value, None, None, n)
    sums, counts = np.split(resampled_sums(np.hstack([filled, known])), 2, axis=1)
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return Estimate.of_draws(value, spearmans(np.asarray(pay, dtype=float), means), n)


def _chance(pay: Sequence[float], qualities: Sequence[float]) -> float:
    """Return the share of all orders of `qualities`, or of 10,000 random ones, with as high a Spearman with `pay`."""
    values, n = np.asarray(qualities, dtype=float), len(qualities)
    if n <= 7:
        orders = np.array(list(permutations(range(n))))
    else:
        rng = np.random.default_rng(0)
        drawn = rng.permuted(np.tile(np.arange(n), (10_000, 1)), axis=1)
        orders = np.vstack([np.arange(n), drawn])  # the observed order is one of the possible ones
    correlations = spearmans(np.asarray(pay, dtype=float), values[orders])
    observed = spearmans(np.asarray(pay, dtype=float), values[None, :])[0]
    return float((correlations >= observed - 1e-12).mean())


def _upset(miners: Sequence[NeuronResult]) -> Upset | None:
    """Return the widest gap in quality between a miner and a worse one that earned more."""
    upsets = [
        Upset(better.name, worse.name, _value(better.quality) - _value(worse.quality))
        for better in miners
        for worse in miners
        if better.earned < worse.earned
        and better.quality.low is not None
        and worse.quality.high is not None
        and better.quality.low > worse.quality.high
    ]
    return max(upsets, key=lambda upset: (upset.gap, upset.better, upset.worse), default=None)


def _value(figure: Estimate) -> float:
    return 0.0 if figure.value is None else figure.value
