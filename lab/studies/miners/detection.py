"""Can a validator tell a relay from a miner that runs the model itself?

Each answer is described by what can be seen of it. A Gaussian of each feature and of each of the two miners is fitted
to the tasks of all folds but one, and says of the answers to the tasks left out how much likelier they are as the
relay's. Over several prompts these log-likelihood ratios add up, and the sum is the validator's evidence:

    evidence of k prompts = sum over prompts and features of log p(feature | relay) - log p(feature | local)

Features are taken as independent of each other (naive Bayes). Where they are not, the evidence is too bold, and the
order of miners that it makes, which is all that the AUC looks at, hardly suffers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.statistics import Estimate

from .claims import AnswerFacts
from .config import Detection

PROMPTS = (1, 2, 4, 8, 16, 32)
FALSE_ALARMS = 0.01
FOLDS = 5
SETS = 1_000
"""Sets of prompts that are drawn of each miner."""
RESAMPLES = 100
"""Of the prompts, for intervals; in each `RESAMPLED_SETS` sets are drawn."""
RESAMPLED_SETS = 400
SHRINKAGE = 3.0
"""Answers' worth of weight that the variance over both miners has in the variance of each."""

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
"""What a validator looks at. The last is what the engines' own clocks say: answers arrive whole, so no validator of
these runs sees it, and it says what one would that has them streamed."""
OBSERVED = "all of these"


@dataclass(frozen=True, slots=True)
class Power:
    """How well some features tell the two apart."""

    group: str
    """A key of `GROUPS`."""
    features: tuple[str, ...]
    """Those of the group that were there to be seen."""
    prompts: int
    auc: Estimate
    """Probability that the relay's evidence is above the local miner's; 0.5 is chance."""
    caught: Estimate
    """Share of relays above the evidence that 1 % of local miners reach."""


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """Two miners, told apart."""

    table: Detection
    tasks: int
    """That both have answered."""
    unseen: tuple[str, ...]
    """Groups of which nothing is recorded."""
    powers: tuple[Power, ...]


def detect(table: Detection, given: Mapping[str, Sequence[AnswerFacts]]) -> DetectionResult:
    """Work out how well a pair of miners can be told apart, from their answers to the same tasks."""
    sides = [{one.task: one for one in given[name] if one.arrived} for name in (table.local, table.relay)]
    copied = {one.task: one.text or "" for one in given[table.own_copy] if one.arrived} if table.own_copy else {}
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


def features(given: AnswerFacts, own_copy: str | None) -> dict[str, float]:
    """Describe an answer; NaN for what is not there to be seen. Times are in log seconds."""
    from rapidfuzz.distance import Levenshtein

    text, tokens = given.text or "", given.tokens
    latency_s, first_s = given.graded.latency_s, given.graded.cost.first_token_s
    later_s = (latency_s - first_s) / (tokens - 1) if tokens > 1 and first_s > 0 else 0.0
    told = given.part("log_probability")
    return {
        "log_latency": _log(latency_s),
        "log_latency_per_token": _log(latency_s / tokens) if tokens else math.nan,
        "log_characters": math.log1p(len(text)),
        "likeness_to_own_copy": math.nan
        if own_copy is None
        else float(Levenshtein.normalized_similarity(own_copy, text)),
        "log_probability": math.nan if told is None else told,
        "log_first_token": _log(first_s),
        "log_later_token": _log(later_s),
    }


def log_likelihood_ratios(
    local: NDArray[np.float64], relay: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Evidence (T,) of each task's answer of both miners, from features (T, F); NaN counts for nothing.

    A task's evidence is by Gaussians fitted to the tasks of the other folds; task i is in fold i mod `FOLDS`.
    """
    found = np.zeros((2, len(local)))
    folds = np.arange(len(local)) % FOLDS
    for fold in range(FOLDS):
        held = folds == fold
        fitted = [_gaussians(local[~held], relay[~held]), _gaussians(relay[~held], local[~held])]
        for side, rows in enumerate((local[held], relay[held])):
            with np.errstate(invalid="ignore"):
                ratio = _log_density(rows, *fitted[1]) - _log_density(rows, *fitted[0])
            found[side, held] = np.nan_to_num(ratio, nan=0.0).sum(axis=1)
    return found[0], found[1]


def power(local: NDArray[np.float64], relay: NDArray[np.float64], prompts: int) -> tuple[Estimate, Estimate]:
    """AUC, and the share caught at 1 % false alarms, of sums of `prompts` evidences; n counts tasks.

    Sets of prompts are drawn with replacement. Intervals are over tasks, drawn again for both miners together.
    """
    rng = np.random.default_rng(0)
    n = len(local)
    whole = np.arange(n)[None, :]
    value = _told(local, relay, whole, prompts, SETS, rng)[:, 0]
    again = rng.integers(0, n, size=(RESAMPLES, n))
    drawn = _told(local, relay, again, prompts, RESAMPLED_SETS, rng)
    auc, caught = (Estimate.of_draws(float(one), draws, n) for one, draws in zip(value, drawn, strict=True))
    return auc, caught


def _told(
    local: NDArray[np.float64],
    relay: NDArray[np.float64],
    tasks: NDArray[np.int64],
    prompts: int,
    sets: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """AUC and share caught, (2, B), from sets of prompts drawn out of each row of `tasks` (B, T)."""
    found = np.empty((2, len(tasks)))
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
        found[0, row] = (below + upto) / 2
        bound = np.quantile(ordered, 1.0 - FALSE_ALARMS, method="higher")
        found[1, row] = (high > bound).mean()
    return found


def _gaussians(
    rows: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance (F,) of each feature of one miner; NaN where it tells nothing."""
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
    """Whether a feature is known of half of both miners' answers at least."""
    return all(2 * sum(not math.isnan(row[name]) for row in side) >= len(side) > 0 for side in described)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan
