"""Answers of known order: for tasks of the invented world, a better and a worse one."""

from dataclasses import dataclass

import numpy as np

from subnets import Answer, Response, Scorer, Task
from subnets.text import sentences
from subnets.text_prompting import TextPrompting
from subnets.text_prompting.kinds import Kind


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one task."""

    task: Task
    better: str
    worse: str


def tasks(kind: Kind, count: int, start: int = 0) -> list[Task]:
    """Return so many tasks with short passages."""
    subnet = TextPrompting(mix={kind: 1.0}, passage_sentences=(4, 7))
    return [subnet.task(seed) for seed in range(start, start + count)]


def answered(uid: int, text: str, model: str = "") -> Response:
    """Return a response with a text."""
    return Response(uid=uid, answer=Answer(text=text, model=model))


def names(count: int, start: int = 0) -> list[Pair]:
    """Return right names against wrong ones of the same passage, or of another where that has none."""
    drawn = tasks("extractive", count, start)
    return [
        Pair(task, task.reference.text, (*task.reference.rivals, drawn[(place + 1) % count].reference.text)[0])
        for place, task in enumerate(drawn)
    ]


def fuller(count: int, start: int = 0) -> list[Pair]:
    """Return whole summaries against the same ones with all but their first fact replaced from another passage."""
    drawn = tasks("summary", count, start)
    pairs = []
    for place, task in enumerate(drawn):
        other = sentences(drawn[(place + 1) % count].reference.text)
        pairs.append(Pair(task, task.reference.text, " ".join([sentences(task.reference.text)[0], *other[1:]])))
    return pairs


def ordered(count: int, start: int = 0) -> list[Pair]:
    """Return summaries against the same words in disorder."""
    rng = np.random.default_rng(start)
    pairs = []
    for task in tasks("summary", count, start):
        words = task.reference.text.split()
        pairs.append(Pair(task, task.reference.text, " ".join(words[i] for i in rng.permutation(len(words)))))
    return pairs


def auc(scorer: Scorer, pairs: list[Pair]) -> float:
    """Return how often a better answer outscores a worse one, of its own task or another; a tie counts half."""
    better, worse = [], []
    for pair in pairs:
        for bag, score in zip(
            (better, worse),
            scorer.score_all(pair.task, [answered(0, pair.better), answered(1, pair.worse)]),
            strict=True,
        ):
            assert score.value is not None, score.reason
            bag.append(score.value)
    high, low = np.array(better)[:, None], np.array(worse)[None, :]
    return float((high > low).mean() + 0.5 * (high == low).mean())
