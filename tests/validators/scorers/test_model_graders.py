"""Graders that run a real model rank better answers above worse ones.

Each bound stands well below what was measured; where a model this small can't tell, no bound is claimed.
"""

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from inference.reward import shared_pooling
from subnets import Cost, Meter, Score
from subnets.language_model import Continuation
from subnets.text_prompting import TransformersModel, reward_head
from subnets.text_prompting.reward_head import FIRST_SEED, FLAWS, TASKS, lessons, train
from tests.validators.scorers.labelled import answered, auc, fuller, names, ordered, tasks
from validators.scorers.duplicates import NearDuplicates
from validators.scorers.embedding import EmbeddingSimilarity, RougeRelevance, encode
from validators.scorers.judge import Judge, PairwiseJudge
from validators.scorers.likelihood import MeanLogProbability
from validators.scorers.reward import RewardModel
from validators.scorers.tfidf import cosine

pytestmark = [pytest.mark.models, pytest.mark.usefixtures("quiet_models")]


def test_embeddings_rank_right_names_and_true_summaries_first() -> None:
    assert auc(EmbeddingSimilarity(device="cpu"), names(40)) > 0.95
    assert auc(EmbeddingSimilarity(device="cpu"), fuller(40)) > 0.9


def test_rouge_and_relevance_rank_true_summaries_first_and_never_pay_in_full() -> None:
    scorer = RougeRelevance(device="cpu")
    assert auc(scorer, fuller(40)) > 0.9
    task = tasks("summary", 1)[0]
    best = scorer.score(task, answered(0, task.reference.text)).value
    assert best is not None and 0.4 < best < 0.95


def test_an_embedding_round_gives_what_its_answers_give_alone() -> None:
    task = tasks("summary", 1)[0]
    round_ = [answered(uid, text) for uid, text in enumerate((task.reference.text, "Nothing.", "", "\x00" * 9))]
    together = EmbeddingSimilarity(device="cpu").score_all(task, round_)
    alone = [EmbeddingSimilarity(device="cpu").score(task, response) for response in round_]
    assert [s.value for s in together] == pytest.approx([s.value for s in alone], abs=1e-4)
    assert together[0].value == pytest.approx(1.0, abs=1e-5)
    assert together[2].value == 0.0


def test_equal_texts_are_encoded_once_and_the_work_is_paid_for() -> None:
    with Meter() as single:
        encode(["The mill is old."], "all-minilm-l6-v2", "cpu")
    with Meter() as repeated:
        vectors = encode(["The mill is old."] * 50, "all-minilm-l6-v2", "cpu")
    assert single.cost.input_tokens == repeated.cost.input_tokens > 0
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_a_reworded_copy_is_found_by_its_meaning_and_not_by_its_words() -> None:
    task = tasks("summary", 1)[0]
    first = "The old mill beside the river was sold in spring and the new owner painted its doors green."
    second = "In spring the old mill beside the river was sold, and its new owner painted the doors green."
    other = "Nobody knows who planted the lime trees, but they bloom each June and bees come from far away."
    round_ = [answered(uid, text) for uid, text in enumerate((first, second, other))]
    shares = [
        [score.value for score in NearDuplicates(by=by, device="cpu", threshold=limit).score_all(task, round_)]
        for by, limit in (("words", None), ("embedding", 0.95))
    ]
    assert shares == [[1.0, 1.0, 1.0], [0.5, 0.5, 1.0]]


def test_a_reward_model_ranks_what_it_was_not_trained_on(reward_model: RewardModel) -> None:
    unseen = lessons(24, start=FIRST_SEED + TASKS)

    def right(flaw: str) -> float:
        pairs = [lesson for lesson in unseen if lesson.flaw == flaw]
        ranked = [
            reward_model.score_all(pair.task, [answered(0, pair.better), answered(1, pair.worse)]) for pair in pairs
        ]
        return sum(better.value > worse.value for better, worse in ranked) / len(pairs)

    assert right("phrase") > 0.6 and right("echo") > 0.6 and right("disorder") > 0.9


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_vllm_pools_the_rewards_that_transformers_finds(
    reward_model: RewardModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_THREAD_LIMIT", "1")  # what it computes with more threads than it may have is garbage
    lesson = lessons(1, start=FIRST_SEED + TASKS)[0]
    round_ = [answered(uid, text) for uid, text in enumerate((lesson.better, lesson.worse, "", "\x07", "word " * 900))]
    pooling = RewardModel(model="answer-reward", engine="vllm", device="cpu", max_tokens=384)
    shared_pooling.cache_clear()

    def graded(_: int) -> tuple[list[Score], Cost]:
        with Meter() as meter:
            return pooling.score_all(lesson.task, round_), meter.cost

    with ThreadPoolExecutor(2) as validators:
        (pooled, cost), (beside, _) = validators.map(graded, range(2))
    assert [score.value for score in beside] == pytest.approx([score.value for score in pooled], abs=1e-4)
    assert shared_pooling.cache_info().misses == 1
    assert shared_pooling.cache_info().maxsize is None  # models take no turns
    shared_pooling.cache_clear()  # which ends its processes
    gc.collect()
    unpooled = RewardModel(model="answer-reward", device="cpu", max_tokens=384).score_all(lesson.task, round_)
    assert [score.value for score in pooled] == pytest.approx([score.value for score in unpooled], abs=1e-4)
    assert cost.input_tokens > 0 and cost.cpu_s > 0.0


def test_a_reward_head_is_the_same_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reward_head, "TASKS", 6)
    for name in ("first", "second"):
        train("all-minilm-l6-v2", tmp_path / name)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "second")]
    assert weights[0] == weights[1]


def test_a_reward_round_gives_what_its_answers_give_alone(reward_model: RewardModel) -> None:
    task = tasks("summary", 1, start=30_000)[0]
    round_ = [answered(uid, text) for uid, text in enumerate((task.reference.text, *FLAWS))]
    with Meter() as meter:
        together = reward_model.score_all(task, round_)
    alone = [reward_model.score(task, response) for response in round_]
    assert [score.value for score in together] == pytest.approx([score.value for score in alone], abs=1e-4)
    assert meter.cost.input_tokens > 0


def test_fluent_words_are_likelier_than_the_same_in_disorder(model: TransformersModel) -> None:
    assert auc(MeanLogProbability(model=model), ordered(8)) > 0.9


def test_likelihoods_are_the_same_in_a_batch_and_alone(model: TransformersModel) -> None:
    task = tasks("extractive", 1)[0]
    texts = [task.reference.text, "Something else entirely, said at length.", "<|im_end|> no", ""]
    batch = [Continuation(task.prompt.messages, text) for text in texts]
    together, alone = model.likelihoods(batch), [model.likelihoods([answer])[0] for answer in batch]
    for left, right in zip(together, alone, strict=True):
        assert left.tokens == right.tokens
        assert np.allclose(left.log_probabilities, right.log_probabilities, atol=1e-3)
        assert np.allclose(left.entropies, right.entropies, atol=1e-3)
    # Written as text, a control token is several ordinary ones.
    assert together[2].tokens > 5
    assert together[3].tokens == 0


def test_positions_tell_the_same_as_the_whole_text_does_there(model: TransformersModel) -> None:
    task = tasks("extractive", 1)[0]
    text = Continuation(task.prompt.messages, "The mill beside the river is old and nobody lives there.")
    (whole,) = model.likelihoods([text])
    (some,) = model.likelihoods([text], [[0.0, 0.5]])
    assert np.allclose(some.log_probabilities, whole.log_probabilities[[0, whole.tokens // 2]], atol=1e-3)


def test_a_judge_with_the_key_ranks_right_names_first(model: TransformersModel) -> None:
    assert auc(Judge(model=model, verdict="likelihood"), names(10)) > 0.6


def test_a_small_judge_s_written_verdicts_are_read_or_unscored(model: TransformersModel) -> None:
    pair = names(1)[0]
    round_ = [answered(0, pair.better), answered(1, pair.worse)]
    for judge in (Judge(model=model, max_tokens=8), PairwiseJudge(model=model, max_tokens=8)):
        for score in judge.score_all(pair.task, round_):
            assert isinstance(score, Score)
            assert score.value is not None or score.reason


def test_the_tfidf_cosine_is_scikit_learns() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    for pair in fuller(20):
        vectors = TfidfVectorizer().fit_transform([pair.better, pair.worse])
        assert cosine(pair.better, pair.worse) == pytest.approx(float((vectors[0] @ vectors[1].T).toarray()[0, 0]))
