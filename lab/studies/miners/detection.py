"""Detection: can a validator tell a relay from a miner that runs the model itself?

Each answer is described by its observable features. For each feature and each of the two miners, a Gaussian is fitted
to all folds of tasks but one; on the remaining fold it gives the likelihood ratio of the relay. Over several prompts
the log-likelihood ratios add up to the validator's evidence:

    evidence of k prompts = sum over prompts and features of log p(feature | relay) - log p(feature | local)

Features are treated as independent (naive Bayes). If they are not, the evidence is overconfident, but the order of
miners, on which alone the AUC depends, hardly changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.statistics import Estimate

from .answers import AnswerFacts
from .config import Detection

PROMPTS = (1, 2, 4, 8, 16, 32)
FALSE_ALARMS = 0.01
FOLDS = 5
SETS = 1_000
"""Sets of prompts drawn for each miner."""
RESAMPLES = 100
"""Resamples of the prompts for intervals."""
RESAMPLED_SETS = 400
"""Sets of prompts drawn in each resample."""
SHRINKAGE = 3.0
"""Weight of the variance over both miners in the variance of each, in answers."""

GROUPS: dict[str, tuple[str, ...]] = {
    "latency": ("log_latency", "log_latency_per_token"),
    "text": ("log_characters", "likeness_to_own_copy"),
    "log-probabilities": ("log_probability",),
    "all of these": (
        "log_latency",
        "log_latency_per_token",
        "log_characters",
        "likeness_to_own_copy",
        "log_probability",
    ),
    "token timing, if streamed": ("log_first_token", "log_later_token"),
}
"""Features that a validator can use. The last group comes from the engines' own clocks: answers arrive whole, so only
a validator that receives them as a stream would see it."""
OBSERVED = "all of these"


@dataclass(frozen=True, slots=True)
class Power:
    """How well a group of features tells the two miners apart."""

    group: str
    """A key of `GROUPS`."""
    features: tuple[str, ...]
    """Features of the group that were recorded."""
    prompts: int
    auc: Estimate
    """Probability that the relay has more evidence against it than the local miner; 0.5 is chance."""
    caught: Estimate
    """Share of relays caught at 1 % false alarms."""


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """How well two miners can be told apart."""

    table: Detection
    tasks: int
    """Tasks that both have answered."""
    unseen: tuple[str, ...]
    """Groups without recorded features."""
    powers: tuple[Power, ...]


def detect(table: Detection, answers: Mapping[str, Sequence[AnswerFacts]]) -> DetectionResult:
    """Measure how well a pair of miners can be told apart by their answers to the same tasks."""
    sides = [{each.task: each for each in answers[name] if each.arrived} for name in (table.local, table.relay)]
    copied = {each.task: each.text or "" for each in answers[table.own_copy] if each.arrived} if table.own_copy else {}
    tasks = sorted(sides[0].keys() & sides[1].keys())
    described = [[features(side[task], copied.get(task)) for task in tasks] for side in sides]
    powers, unseen = [], []
    for group, names in GROUPS.items():
        seen = tuple(name for name in names if _seen(described, name))
        if not seen or len(tasks) < 2 * FOLDS:
            unseen.append(group)
            continue
        local, relay = (np.array([[row[name] for name in seen] for row in side]) for side in described)
        evidence = log_likelihood_ratios(local, relay)
        powers += [Power(group, seen, prompts, *power(*evidence, prompts)) for prompts in PROMPTS]
    return DetectionResult(table, len(tasks), tuple(unseen), tuple(powers))


def features(answer: AnswerFacts, own_copy: str | None) -> dict[str, float]:
    """Return an answer's features; NaN for what is not recorded. Times are in log seconds."""
    from rapidfuzz.distance import Levenshtein

    text, tokens = answer.text or "", answer.tokens
    latency_s, first_s = answer.graded.latency_s, answer.graded.cost.first_token_s
    later_s = (latency_s - first_s) / (tokens - 1) if tokens > 1 and first_s > 0 else 0.0
    log_probability = answer.part("log_probability")
    return {
        "log_latency": _log(latency_s),
        "log_latency_per_token": _log(latency_s / tokens) if tokens else math.nan,
        "log_characters": math.log1p(len(text)),
        "likeness_to_own_copy": math.nan
        if own_copy is None
        else float(Levenshtein.normalized_similarity(own_copy, text)),
        "log_probability": math.nan if log_probability is None else log_probability,
        "log_first_token": _log(first_s),
        "log_later_token": _log(later_s),
    }


def log_likelihood_ratios(
    local: NDArray[np.float64], relay: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the evidence (T,) of each task's answer for both miners, from features (T, F); NaN counts for nothing.

    A task's evidence comes from Gaussians fitted to the tasks of the other folds; task i is in fold i mod `FOLDS`.
    """
    evidence = np.zeros((2, len(local)))
    folds = np.arange(len(local)) % FOLDS
    for fold in range(FOLDS):
        held = folds == fold
        fitted = [_gaussians(local[~held], relay[~held]), _gaussians(relay[~held], local[~held])]
        for side, rows in enumerate((local[held], relay[held])):
            with np.errstate(invalid="ignore"):
                ratio = _log_density(rows, *fitted[1]) - _log_density(rows, *fitted[0])
            evidence[side, held] = np.nan_to_num(ratio, nan=0.0).sum(axis=1)
    return evidence[0], evidence[1]


def power(local: NDArray[np.float64], relay: NDArray[np.float64], prompts: int) -> tuple[Estimate, Estimate]:
    """Return the AUC and the share caught at 1 % false alarms with the evidence of `prompts` prompts; n counts tasks.

    Sets of prompts are drawn with replacement. Intervals are over tasks, resampled for both miners together.
    """
    rng = np.random.default_rng(0)
    n = len(local)
    whole = np.arange(n)[None, :]
    value = _powers(local, relay, whole, prompts, SETS, rng)[:, 0]
    resampled = rng.integers(0, n, size=(RESAMPLES, n))
    drawn = _powers(local, relay, resampled, prompts, RESAMPLED_SETS, rng)
    auc, caught = (Estimate.of_draws(float(each), draws, n) for each, draws in zip(value, drawn, strict=True))
    return auc, caught


def _powers(
    local: NDArray[np.float64],
    relay: NDArray[np.float64],
    tasks: NDArray[np.int64],
    prompts: int,
    sets: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return AUC and share caught, (2, B), for sets of prompts drawn from each row of `tasks` (B, T)."""
    powers = np.empty((2, len(tasks)))
    for row, here in enumerate(tasks):
        if prompts == 1:
            low, high = local[here], relay[here]
        else:
            low, high = (
                evidence[here[rng.integers(0, len(here), size=(sets, prompts))]].sum(axis=1)
                for evidence in (local, relay)
            )
        ordered = np.sort(low)
        below, upto = (np.searchsorted(ordered, high, side).mean() / len(low) for side in ("left", "right"))
        powers[0, row] = (below + upto) / 2
        bound = np.quantile(ordered, 1.0 - FALSE_ALARMS, method="higher")
        powers[1, row] = (high > bound).mean()
    return powers


def _gaussians(
    rows: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and variance (F,) of each feature of one miner; NaN where it carries no information."""
    both = np.concatenate([rows, others])
    known = ~np.isnan(rows)
    count = known.sum(axis=0)
    total = np.where(known, rows, 0.0).sum(axis=0)
    means = np.divide(total, count, out=np.full(rows.shape[1], np.nan), where=count > 1)
    square = np.where(known, (rows - means) ** 2, 0.0).sum(axis=0)
    pooled = np.array(
        [column[~np.isnan(column)].var() if (~np.isnan(column)).sum() > 1 else np.nan for column in both.T]
    )
    variances = (square + SHRINKAGE * pooled) / (count + SHRINKAGE)
    return means, np.where(variances > 1e-12, variances, np.nan)


def _log_density(
    rows: NDArray[np.float64], means: NDArray[np.float64], variances: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(-0.5 * ((rows - means) ** 2 / variances + np.log(variances)))


def _seen(described: Sequence[Sequence[Mapping[str, float]]], name: str) -> bool:
    """Return True if a feature is known for at least half of both miners' answers."""
    return all(2 * sum(not math.isnan(row[name]) for row in side) >= len(side) > 0 for side in described)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan
