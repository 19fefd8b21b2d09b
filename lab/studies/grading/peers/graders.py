"""Graders that rank miners from a table of answers, without a judge: each is a pure function of a `Crowd`.

Each returns the mean score of each source, (S,), the validator's own answers first. `E_ij` is the share of tasks on
which i and j agree, K the number of wrong answers to a task.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from validators import jury

from .crowds import Crowd

Floats = NDArray[np.float64]

MOST_CLASSES = 10
"""Answers to a task beyond which no determinant of how two sources answer can be told from 0."""
LEAST_SKILL = 0.05
"""Least skill that two sources are taken to have in common: a quotient by less says nothing."""
ITERATIONS = 50
"""Rounds of expectation and maximisation."""


def own_answer(crowd: Crowd) -> Floats:
    """Return agreement with the validator's own answer: a weak key, which a miner that copies it beats."""
    return np.asarray(_agreement(crowd)[0])


def output_agreement(crowd: Crowd) -> Floats:
    """Return mean agreement with the other miners (von Ahn and Dabbish 2004)."""
    return _over_peers(_agreement(crowd))


def correlated_agreement(crowd: Crowd) -> Floats:
    """Return agreement on the same task minus agreement on different tasks (Shnayder et al. 2016, arXiv 1603.03151).

    This is its form for answers whose names mean nothing: two reports are taken to be correlated if they are equal.
    """
    answers = crowd.answers
    tasks, sources = answers.shape
    counts = np.stack([(answers == name).sum(axis=0) for name in range(crowd.wrong + 1)])
    same = tasks * _agreement(crowd, diagonal=True)
    elsewhere = (counts.T @ counts - same) / (tasks * (tasks - 1))
    return _over_peers(same / tasks - elsewhere)


def mutual_information(crowd: Crowd) -> Floats:
    """Return the mean mutual information with the other miners, in nats (peer prediction, arXiv 2601.20299).

    One-coin form: I = log(K + 1) + E log E + (1 - E) log((1 - E)/K) for two sources that agree with probability E
    and differ in each of the K other ways equally often.
    """
    agreement = np.clip(_agreement(crowd), 1e-12, 1.0 - 1e-12)
    each = agreement * np.log(agreement) + (1.0 - agreement) * np.log((1.0 - agreement) / crowd.wrong)
    return _over_peers(np.log(crowd.wrong + 1.0) + each)


def determinant_information(crowd: Crowd) -> Floats:
    """Return the mean determinant mutual information with the other miners (Kong 2020, arXiv 1911.00272).

    det(M1) det(M2), with the counts of both answers of a pair in either half of the tasks. 0 with too many answers.
    """
    tasks, sources = crowd.answers.shape
    names = crowd.wrong + 1
    if names > MOST_CLASSES:
        return np.zeros(sources)
    said = (crowd.answers[:, :, None] == np.arange(names)).astype(float)
    halves = [np.einsum("tia,tjb->ijab", half, half) for half in (said[: tasks // 2], said[tasks // 2 :])]
    return _over_peers(np.asarray(np.linalg.det(halves[0]) * np.linalg.det(halves[1])))


def spectral_triplets(crowd: Crowd) -> Floats:
    """Return accuracy from the agreement of triplets (Parisi et al. 2014, arXiv 1303.3257, in its form for triplets).

    One-coin form: agreement corrected for chance is a_ij = s_i s_j with skill s = ((K + 1) m - 1)/K, so that
    s_i^2 = a_ij a_ik / a_jk; the median over all pairs of other miners.
    """
    wrong = crowd.wrong
    skill = np.maximum(((wrong + 1.0) * _agreement(crowd) - 1.0) / wrong, LEAST_SKILL)
    sources = len(skill)
    scores = np.zeros(sources)
    for source in range(sources):
        others = [other for other in range(1, sources) if other != source]
        first, second = (np.array(others)[each] for each in np.triu_indices(len(others), 1))
        squares = skill[source, first] * skill[source, second] / skill[first, second]
        scores[source] = np.sqrt(min(1.0, float(np.median(squares)))) if len(first) else 0.0
    return np.asarray((scores * wrong + 1.0) / (wrong + 1.0))


def dawid_skene(crowd: Crowd) -> Floats:
    """Return the mean posterior of the one-coin model of Dawid and Skene (1979), by expectation maximisation.

    It starts from the majority: every source is right as often as it agrees with the others.
    """
    same = crowd.answers[:, :, None] == crowd.answers[:, None, :]
    size = same.sum(axis=2)
    accuracy = _over_peers(_agreement(crowd))
    posterior = np.zeros(crowd.answers.shape)
    for _ in range(ITERATIONS):
        m = np.clip(accuracy, 0.02, 0.98)
        logs = same @ np.log(m * crowd.wrong / (1.0 - m))
        peak = np.maximum(logs.max(axis=1, keepdims=True), 0.0)
        distinct = (1.0 / size).sum(axis=1, keepdims=True)
        rest = np.maximum(crowd.wrong + 1.0 - distinct, 0.0) * np.exp(-peak)
        votes = np.exp(logs - peak)
        posterior = votes / ((votes / size).sum(axis=1, keepdims=True) + rest)
        accuracy = posterior.mean(axis=0)
    return np.asarray(accuracy)


def gold_alone(crowd: Crowd) -> Floats:
    """Return the share of the gold tasks answered rightly."""
    return np.asarray(crowd.right[: crowd.gold].mean(axis=0))


def prediction_powered(crowd: Crowd) -> Floats:
    """Return accuracy by gold, sharpened by agreement with the own answer (PPI++, arXiv 2311.01453).

    theta = mean_gold(y) + lambda (mean_rest(f) - mean_gold(f)), y right, f like the own answer, and
    lambda = cov_gold(y, f) / ((1 + n/N) var(f)) with n gold tasks and N others.
    """
    n, others = crowd.gold, len(crowd.answers) - crowd.gold
    y = crowd.right.astype(float)
    f = (crowd.answers == crowd.answers[:, [0]]).astype(float)
    gold_y, gold_f = y[:n], f[:n]
    covariance = ((gold_y - gold_y.mean(axis=0)) * (gold_f - gold_f.mean(axis=0))).sum(axis=0) / max(n - 1, 1)
    variance = f.var(axis=0, ddof=1)
    share = np.divide(covariance, (1.0 + n / others) * variance, out=np.zeros_like(covariance), where=variance > 0)
    return np.asarray(gold_y.mean(axis=0) + share * (f[n:].mean(axis=0) - gold_f.mean(axis=0)))


def by_jury(crowd: Crowd) -> Floats:
    """Return the mean posterior of the jury; see `validators.dawid_skene`."""
    right = crowd.right[: crowd.gold]
    counts = 1.0 if crowd.counts is None else crowd.counts
    return jury(crowd.answers, right, gold=crowd.gold, wrong=crowd.wrong, own=crowd.own, counts=counts).accuracy


def realised(crowd: Crowd) -> Floats:
    """Return the share of all tasks answered rightly: what a grader that knows the whole truth says."""
    return np.asarray(crowd.right.mean(axis=0))


PEER_GRADERS: dict[str, Callable[[Crowd], Floats]] = {
    "own answer": own_answer,
    "output agreement": output_agreement,
    "correlated agreement": correlated_agreement,
    "mutual information": mutual_information,
    "determinant information": determinant_information,
    "spectral triplets": spectral_triplets,
    "Dawid-Skene": dawid_skene,
    "gold alone": gold_alone,
    "PPI++": prediction_powered,
    "jury": by_jury,
}
NEED_GOLD = ("gold alone", "PPI++", "jury")
"""Graders whose gold tasks cost a truth each."""


def _agreement(crowd: Crowd, *, diagonal: bool = False) -> Floats:
    """Return the share of tasks on which each pair of sources agrees, (S, S); the diagonal is 0 unless asked for."""
    answers = crowd.answers
    shares = np.stack([(answers == answers[:, [source]]).mean(axis=0) for source in range(answers.shape[1])])
    if not diagonal:
        np.fill_diagonal(shares, 0.0)
    return shares


def _over_peers(pairs: Floats) -> Floats:
    """Average a table of pairs, (S, S), over the other miners of each source: neither itself nor the validator."""
    kept = pairs.copy()
    np.fill_diagonal(kept, 0.0)
    peers = np.full(len(kept), len(kept) - 2.0)
    peers[0] += 1.0
    return np.asarray(kept[:, 1:].sum(axis=1) / peers)
