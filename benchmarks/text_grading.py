"""Measure the answers per second of each text scorer, compared with scikit-learn, difflib and encoding one by one.

python benchmarks/text_grading.py [--answers 5000] [--embeddings 256]

Text similarity uses one thread, embeddings all of them. Without the extra `text`, embeddings are left out.
"""

import argparse
import difflib
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

from subnets import Answer, Response, Score, Scorer, Task
from subnets.text import words
from subnets.text_prompting import KnownTruth, TextPrompting
from subnets.text_prompting.kinds import Kind
from validators.scorers.duplicates import NearDuplicates
from validators.scorers.echo import Echo
from validators.scorers.embedding import EmbeddingSimilarity, encode
from validators.scorers.similarity import EditSimilarity, Exact, Rouge, TokenF1
from validators.scorers.tfidf import TfidfCubed

MODEL = "all-minilm-l6-v2"


def round_of(task: Task, texts: list[str]) -> list[Response]:
    return [Response(uid, Answer(text=text)) for uid, text in enumerate(texts)]


def rate(work: Callable[[], object], count: int, seconds: float = 1.0) -> float:
    """Return the best of several runs, in items per second, so that other load matters least."""
    work()
    best, started = 0.0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        before = time.perf_counter()
        work()
        best = max(best, count / (time.perf_counter() - before))
    return best


def line(name: str, short: float, long: float | None = None) -> None:
    print(f"{name:<34}{short:>14,.0f}" + ("" if long is None else f"{long:>14,.0f}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=5000)
    parser.add_argument("--embeddings", type=int, default=256)
    options = parser.parse_args()
    names = [TextPrompting(mix={"extractive": 1}).task(seed) for seed in range(200)]
    summaries = [TextPrompting(mix={"summary": 1}).task(seed) for seed in range(200)]
    rounds = []
    for tasks in (names, summaries):
        texts = [tasks[i % len(tasks)].reference.text for i in range(options.answers)]
        rounds.append((tasks[0], round_of(tasks[0], texts)))
    print(f"answers a second on one core{'short':>20}{'summaries':>14}")
    scorers: dict[str, Scorer] = {
        "edit_similarity": EditSimilarity(),
        "token_f1": TokenF1(),
        "rouge (l)": Rouge(),
        "tfidf_cubed": TfidfCubed(),
        "exact": Exact(),
        "known_truth": KnownTruth(),
        "echo": Echo(),
    }
    for name, scorer in scorers.items():
        line(name, *(rate(partial(scorer.score_all, task, round_), len(round_)) for task, round_ in rounds))
    duplicates = NearDuplicates()
    line(
        "near_duplicates, rounds of 64",
        *(rate(partial(duplicates.score_all, task, round_[:64]), 64) for task, round_ in rounds),
    )
    few = [(tasks[0].reference.text, [task.reference.text for task in tasks]) for tasks in (names, summaries)]
    line("baseline: difflib ratio", *(rate(partial(by_difflib, *texts), 200) for texts in few))
    line("baseline: LCS by the table", *(rate(partial(by_table, *texts), 200) for texts in few))
    if find_spec("sentence_transformers") is None:
        print("embeddings: not measured, the extra `text` is not installed")
        return
    embeddings(options.embeddings)


def by_difflib(reference: str, texts: list[str]) -> list[float]:
    return [difflib.SequenceMatcher(None, reference, text).ratio() for text in texts]


def by_table(reference: str, texts: list[str]) -> list[int]:
    return [common(words(reference), words(text)) for text in texts]


def common(left: list[str], right: list[str]) -> int:
    """Return the length of the longest common subsequence, computed with a table."""
    row = [0] * (len(right) + 1)
    for word in left:
        diagonal = 0
        for place, other in enumerate(right, 1):
            above = row[place]
            row[place] = diagonal + 1 if word == other else max(above, row[place - 1])
            diagonal = above
    return row[-1]


def embeddings(count: int) -> None:
    """Compare batches with single texts: the encoder alone, and the scorer on a round of 64 answers."""
    import torch
    from sklearn.feature_extraction.text import TfidfVectorizer

    def by_sklearn(texts: list[str]) -> list[object]:
        return [TfidfVectorizer().fit_transform([texts[0], text]) for text in texts]

    def one_by_one(texts: list[str]) -> list[object]:
        return [encode([text], MODEL, device) for text in texts]

    def answer_by_answer(task: Task, round_: list[Response]) -> list[Score]:
        return [scorer.score(task, response) for response in round_]

    device = "cuda" if torch.cuda.is_available() else "cpu"
    scorer = EmbeddingSimilarity(model=MODEL, device=device)
    kinds: dict[str, Kind] = {"short": "extractive", "summaries": "summary"}
    for name, kind in kinds.items():
        tasks = [TextPrompting(mix={kind: 1}).task(seed) for seed in range(count)]
        texts = list(dict.fromkeys(task.reference.text for task in tasks))
        line(f"baseline: scikit-learn TF-IDF, {name}", rate(partial(by_sklearn, texts[:100]), 100))
        batched = rate(partial(encode, texts, MODEL, device), len(texts), 4.0)
        single = rate(partial(one_by_one, texts[:64]), 64, 4.0)
        round_ = round_of(tasks[0], texts[:64])
        together = rate(partial(scorer.score_all, tasks[0], round_), 64, 4.0)
        alone = rate(partial(answer_by_answer, tasks[0], round_), 64, 4.0)
        where = torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} threads"
        print(
            f"{name}, {where}: {batched:,.0f} embeddings/s batched, {single:,.0f} one by one: {batched / single:.1f} x"
        )
        print(f"{name}, {where}: {together:,.0f} grades/s by the round, {alone:,.0f} alone: {together / alone:.1f} x")


if __name__ == "__main__":
    main()
