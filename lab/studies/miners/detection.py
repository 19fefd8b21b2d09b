"""Detection: can a validator tell a relay from a miner that runs the model itself?

Each answer is described by its observable features. For each feature and each of the two miners, a Gaussian is fitted
to the answers to every other task; on the remaining tasks it gives the likelihood ratio of the relay. Over several
prompts the log-likelihood ratios add up to the validator's evidence:

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
from lab.statistics.classification import auc
from lab.statistics.estimate import jackknife, jackknifed
from lab.statistics.interval import LEAST, Interval

from .answers import AnswerFacts
from .config import Detection

Floats = NDArray[np.float64]

PROMPTS = (1, 2, 4, 8, 16, 32)
FALSE_ALARMS = 0.01
CAUGHT_FROM = 20
"""Tasks below which the tail of the local miner's evidence is unknown."""
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
    """Share of relays caught at 1 % false alarms; no value if the tasks are too few to say."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Means and variances of the evidence of local miner and relay, (B, 2) each."""

    means: Floats
    variances: Floats


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
        if not seen or len(tasks) < 2 * LEAST:
            unseen.append(group)
            continue
        local, relay = (np.array([[row[name] for name in seen] for row in side]) for side in described)
        evidence = held_out_evidence(local, relay)
        powers += [
            Power(group, seen, prompts, told_apart(evidence, prompts), caught(evidence, prompts)) for prompts in PROMPTS
        ]
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


def held_out_evidence(local: Floats, relay: Floats) -> Floats:
    """Return the evidence (T // 2, 2) of both miners' answers to the tasks 1, 3, ..., from features (T, F).

    The Gaussians are fitted to the tasks 0, 2, ..., so that equal miners have equal evidence on average. In a
    cross-validation, each fold would count against what the others happened to show. NaN counts for nothing.
    """
    fitted = [_gaussians(local[::2], relay[::2]), _gaussians(relay[::2], local[::2])]
    evidence = []
    for rows in (local[1::2], relay[1::2]):
        with np.errstate(invalid="ignore"):
            ratio = _log_density(rows, *fitted[1]) - _log_density(rows, *fitted[0])
        evidence.append(np.nan_to_num(ratio, nan=0.0).sum(axis=1))
    return np.column_stack(evidence)


def told_apart(evidence: Floats, prompts: int) -> Estimate:
    """Return the AUC with the `evidence` (T, 2) of local miner and relay over `prompts` prompts; n counts tasks.

    The evidence of several prompts is a sum, nearly normal: AUC = Phi(sqrt(k) d), where d is the difference of means
    over the root of both variances. Its interval is that of d.
    """
    if prompts == 1:
        return auc(evidence, np.tile([0.0, 1.0], (len(evidence), 1)))
    distance = jackknifed(_rows(evidence), lambda sums: _distances(_moments(sums)))
    if distance.value is None:
        return Estimate(0.5, None, None, distance.n, distance.method)
    low, high = (None if end is None else _phi(math.sqrt(prompts) * end) for end in (distance.low, distance.high))
    value = _phi(math.sqrt(prompts) * distance.value)
    return Estimate.of(value, Interval(low, high, distance.method), distance.n)


def caught(evidence: Floats, prompts: int) -> Estimate:
    """Return the share of relays whose evidence over `prompts` prompts a local miner exceeds with 1 % probability.

    The threshold is a prediction limit: it allows for the error of a mean and a variance that are known from the local
    miner's answers to T tasks. The share is Phi(a / sqrt(1 - v)), where a is the relay's distance above the threshold
    in standard deviations, estimated with the variance v; Phi(a) would be too large on average. There is no value if
    v is not below 1, or with fewer than 20 tasks: then they can't say what that many prompts would show.
    """
    from scipy.special import stdtrit

    rows, n = _rows(evidence), len(evidence)
    limit = float(stdtrit(n - 1, 1 - FALSE_ALARMS))

    def distances(sums: Floats) -> Floats:
        return _above_threshold(_moments(sums), prompts, limit, n)

    value, left_out = float(distances(rows.sum(axis=0, keepdims=True))[0]), distances(rows.sum(axis=0) - rows)
    if np.isnan(value) or np.isnan(left_out).any():
        return Estimate(0.0, None, None, n, "none: all observations are equal")
    variance = (n - 1) * float(left_out.var())
    if variance >= 1 or n < CAUGHT_FROM:
        return Estimate(None, None, None, n)
    distance = jackknife(value, left_out, n)
    low, high = (None if end is None else _phi(end) for end in (distance.low, distance.high))
    return Estimate.of(_phi(value / math.sqrt(1 - variance)), Interval(low, high, distance.method), n)


def _rows(evidence: Floats) -> Floats:
    return np.column_stack([np.ones(len(evidence)), evidence, evidence**2])


def _moments(sums: Floats) -> Moments:
    """Return the means (B, 2) and variances (B, 2) of both miners' evidence from sums (B, 5)."""
    n = sums[:, :1]
    means = sums[:, 1:3] / n
    return Moments(means, np.maximum(sums[:, 3:] - n * means**2, 0.0) / (n - 1))


def _distances(moments: Moments) -> Floats:
    """Return the difference of means over the root of both variances (B,); NaN where there is no variance."""
    apart, spread = np.diff(moments.means, axis=1)[:, 0], moments.variances.sum(axis=1)
    return np.asarray(np.divide(apart, np.sqrt(spread), out=np.full(len(apart), np.nan), where=spread > 1e-18))


def _above_threshold(moments: Moments, prompts: int, limit: float, n: int) -> Floats:
    """Return how far the relay's evidence lies above the threshold (B,), in standard deviations of that distance."""
    apart = np.diff(moments.means, axis=1)[:, 0]
    local, relay = moments.variances.T
    unsure = prompts / n
    above = math.sqrt(prompts) * apart - limit * np.sqrt(local * (1 + unsure))
    spread = relay + local * unsure
    return np.asarray(np.divide(above, np.sqrt(spread), out=np.full(len(above), np.nan), where=spread > 1e-18))


def _phi(value: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(value))


def _gaussians(rows: Floats, others: Floats) -> tuple[Floats, Floats]:
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


def _log_density(rows: Floats, means: Floats, variances: Floats) -> Floats:
    return np.asarray(-0.5 * ((rows - means) ** 2 / variances + np.log(variances)))


def _seen(described: Sequence[Sequence[Mapping[str, float]]], name: str) -> bool:
    """Return True if a feature is known for at least half of both miners' answers."""
    return all(2 * sum(not math.isnan(row[name]) for row in side) >= len(side) > 0 for side in described)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan
