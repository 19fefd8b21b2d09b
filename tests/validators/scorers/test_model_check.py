from collections.abc import Sequence

import numpy as np
import pytest

from inference.likelihood import Likelihood
from subnets import Message, Prompt, Score, Task
from subnets.language_model import Continuation, Conversation, LikelihoodModel
from tests.validators.scorers.labelled import answered
from validators.scorers.likelihood import MeanLogProbability
from validators.scorers.model_check import ModelCheck

TASK = Task(id="1", seed=5, prompt=Prompt((Message("user", "Say something."),)))
VOCABULARY = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.05])


class Urn(LikelihoodModel):
    """Knows six letters and how often each comes: a text of others' letters looks unlike its own."""

    def complete(self, conversations: Sequence[Conversation], max_tokens: int) -> list[str]:
        return ["a" * max_tokens] * len(conversations)

    def likelihoods(
        self,
        continuations: Sequence[Continuation],
        positions: Sequence[Sequence[float]] | None = None,
        temperature: float = 1.0,
    ) -> list[Likelihood]:
        results = []
        logs = np.log(VOCABULARY)
        for place, continuation in enumerate(continuations):
            text = continuation.text
            shares = positions[place] if positions else np.arange(len(text)) / max(1, len(text))
            at = sorted({int(share * len(text)) for share in shares} & set(range(len(text))))
            own = np.array([logs["abcdef".index(text[i])] for i in at])
            entropy, second = -(VOCABULARY * logs).sum(), (VOCABULARY * logs**2).sum()
            results.append(
                Likelihood(
                    len(text), own, np.full(len(at), entropy), np.full(len(at), second - entropy**2),
                    np.array(["abcdef".index(text[i]) for i in at], dtype=np.int64),
                )
            )  # fmt: skip
        return results


CHECK = ModelCheck(claimed="urn", model=Urn(), positions=64, temperature=1.0)
GREEDY = CHECK.model_copy(update={"temperature": 0.0})


def drawn(seed: int, weights: np.ndarray, length: int = 200) -> str:
    return "".join(np.random.default_rng(seed).choice(list("abcdef"), length, p=weights))


def test_honest_samplers_are_rarely_accused_and_other_models_nearly_always() -> None:
    flat = np.full(6, 1 / 6)
    honest = [answered(uid, drawn(uid, VOCABULARY), "urn") for uid in range(300)]
    cheats = [answered(uid, drawn(uid, flat), "urn") for uid in range(300)]
    accused, caught = (
        np.mean([score.value == 0.0 for score in CHECK.score_all(TASK, round_)]) for round_ in (honest, cheats)
    )
    assert accused < 0.02
    assert caught > 0.95


def test_more_positions_catch_more() -> None:
    odd = np.array([0.35, 0.2, 0.15, 0.1, 0.1, 0.1])
    cheats = [answered(uid, drawn(uid, odd), "urn") for uid in range(300)]
    caught = [
        np.mean([s.value == 0.0 for s in CHECK.model_copy(update={"positions": count}).score_all(TASK, cheats)])
        for count in (8, 32, 128)
    ]
    assert caught[0] < caught[1] < caught[2]


def test_a_text_that_is_too_likely_was_not_sampled_as_asked() -> None:
    assert CHECK.score(TASK, answered(0, "a" * 100, "urn")).value == 0.0
    assert GREEDY.score(TASK, answered(0, "a" * 100, "urn")).value == 1.0


def test_a_greedy_text_is_the_models_first_choice_nearly_everywhere() -> None:
    scores = GREEDY.score_all(TASK, [answered(0, "a" * 99 + "b", "urn"), answered(1, "aaabb" * 20, "urn")])
    assert [score.value for score in scores] == [1.0, 0.0]
    assert "first choice" in scores[1].reason


def test_a_miner_that_names_another_model_or_none_does_not_pass() -> None:
    named = [
        answered(0, "a" * 100, "urn"),
        answered(1, "a" * 100, "vase"),
        answered(2, "a" * 100),
        answered(3, "aa", "Urn"),
    ]
    scores = GREEDY.score_all(TASK, named)
    assert [score.value for score in scores] == [1.0, 0.0, 0.0, None]
    assert "does not name urn" in scores[1].reason


def test_a_check_looks_at_the_same_positions_again_and_at_others_for_another_miner() -> None:
    text = drawn(1, VOCABULARY)
    assert CHECK.score(TASK, answered(3, text, "urn")) == CHECK.score(TASK, answered(3, text, "urn"))
    assert CHECK.score(TASK, answered(3, text, "urn")) != CHECK.score(TASK, answered(4, text, "urn"))


def test_likely_letters_score_above_rare_ones_and_no_words_nothing() -> None:
    scorer = MeanLogProbability(model=Urn(), centre=-1.5, min_distinct=0.0)
    values = [
        score.value for score in scorer.score_all(TASK, [answered(0, "aaab"), answered(1, "feff"), answered(2, "")])
    ]
    assert values[0] > 0.6 > 0.3 > values[1]  # type: ignore[operator]
    assert scorer.score(TASK, answered(0, "")) == Score(0.0, reason="no words")
    assert values[2] == pytest.approx(0.0)
