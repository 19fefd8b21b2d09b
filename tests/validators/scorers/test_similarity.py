import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets import Scorer, Task
from subnets.text import rouge_l, token_f1, words
from tests.validators.scorers.labelled import answered
from validators.scorers.similarity import EditSimilarity, Length, Rouge, TokenF1
from validators.scorers.tfidf import TfidfCubed, cosine

TASK = Task(id="7", reference="The cat sat on the mat.")


def value(scorer: Scorer, text: str, task: Task = TASK) -> float:
    score = scorer.score(task, answered(0, text)).value
    assert score is not None
    return score


@pytest.mark.parametrize("scorer", [EditSimilarity(), TokenF1(), Rouge(), Rouge(variant="1"), TfidfCubed()])
def test_the_reference_itself_earns_one_and_another_text_little(scorer: Scorer) -> None:
    assert value(scorer, "the CAT  sat on the mat.") == pytest.approx(1.0)
    assert value(scorer, "zzzqqqvvvwwwxxxyyy zz xx ww yy vv") < 0.1
    assert value(scorer, "") == 0.0


@given(st.text(max_size=80), st.text(max_size=80))
def test_every_likeness_is_symmetric_and_within_bounds(left: str, right: str) -> None:
    for measure in (rouge_l, token_f1):
        assert 0.0 <= measure(words(left), words(right)) == measure(words(right), words(left)) <= 1.0
    assert 0.0 <= cosine(left, right) <= 1.0 + 1e-9
    assert cosine(left, right) == pytest.approx(cosine(right, left))


@given(st.text(max_size=200))
def test_no_text_makes_a_scorer_raise(text: str) -> None:
    for scorer in (EditSimilarity(), TokenF1(), Rouge(), TfidfCubed(), Length()):
        assert 0.0 <= value(scorer, text) <= 1.0


def test_an_answer_of_a_hundred_thousand_characters_is_graded() -> None:
    text = "the cat sat " * 8_333
    for scorer in (EditSimilarity(), TokenF1(), Rouge(), TfidfCubed(), Length()):
        assert value(scorer, text) < 0.2


def test_rouge_l_is_what_the_library_says() -> None:
    # The F-measures of rouge_score 0.1.2: RougeScorer(["rougeL"]), without its stemmer.
    assert rouge_l(words("the cat sat on the mat"), words("the mat was where the cat sat")) == pytest.approx(6 / 13)
    assert rouge_l(words("police killed the gunman"), words("police kill the gunman")) == pytest.approx(0.75)
    assert rouge_l(words("police killed the gunman"), words("the gunman kill police")) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("answer", "paid"),
    [
        ("The capital of France is Paris, which lies on the Seine.", 1.0),
        ("Seine the on lies which Paris, is France of capital The.", 1.0),
        ("The capital of France is not Paris, which lies on the Seine.", 0.81),
        ("Paris, a city beside the river Seine, serves as the French seat of government.", 0.06),
        ("Paris.", 0.0),
    ],
)
def test_the_passthrough_reward_pays_for_the_bag_of_words(answer: str, paid: float) -> None:
    task = Task(id="1", reference="The capital of France is Paris, which lies on the Seine.")
    assert value(TfidfCubed(), answer, task) == pytest.approx(paid, abs=0.03)


def test_a_length_within_its_range_is_worth_one() -> None:
    length = Length(min_words=3, max_words=10)
    assert [value(length, "word " * count) for count in (3, 10)] == [1.0, 1.0]
    assert value(length, "word") < 0.05 < value(length, "word " * 14)
    with pytest.raises(ValueError, match="above max_words"):
        Length(min_words=5, max_words=2)
