import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets import Answer, Response, Task
from subnets.text_prompting import Criteria, Instructions
from subnets.text_prompting.truths.criteria import Avoids, Criterion, Ending, FirstWord, Form, Length, Uses


@pytest.mark.parametrize(
    ("criterion", "kept", "broken"),
    [
        (Length("words", 2, 3), "two words", "one"),
        (Length("sentences", 2, 2), "One. Two!", "One. Two. Three. Four."),
        (Form("bullets", 2), "- one\n- two", "one\ntwo"),
        (Form("bullets", 2), "* one\n\n* two", "Here you are:\n- one\n- two"),
        (Form("numbered", 2), "1. one\n2) two", "- one\n- two"),
        (Form("plain"), "Some prose.", "- one"),
        (FirstWord("Today"), "today, it rains", "It rains today"),
        (Uses("Comet Medal"), "a comet medal", "a medal, a comet"),
        (Avoids(("very", "good")), "fine", "Very fine"),
        (Ending("?"), "Is it? ", "It is."),
    ],
)
def test_each_criterion_tells_kept_from_broken(criterion: Criterion, kept: str, broken: str) -> None:
    assert criterion.fulfilment(kept) == 1.0
    assert criterion.fulfilment(broken) < 0.1
    assert criterion.demand.endswith(".")


@given(st.text(max_size=200))
def test_no_text_makes_a_criterion_raise(text: str) -> None:
    for criterion in (
        Length("words", 1, 5),
        Form("numbered", 3),
        FirstWord("x"),
        Uses("a b"),
        Avoids(("a",)),
        Ending("?"),
    ):
        assert 0.0 <= criterion.fulfilment(text) <= 1.0


def test_a_small_miss_of_the_length_costs_little() -> None:
    length = Length("words", 40, 50)
    assert length.fulfilment("word " * 52) > 0.98
    assert length.fulfilment("word " * 100) < 0.001


TRUTH = Instructions("Kites fly.", (Length("words", 2, 4), Avoids(("birds",))), "kites")


def grade(scorer: Criteria, text: str) -> float | None:
    return scorer.score(Task(id="1", reference=TRUTH), Response(0, Answer(text=text))).value


def test_half_of_the_criteria_earn_half_and_strictness_nothing() -> None:
    assert grade(Criteria(), "Kites like birds") == 0.5
    assert grade(Criteria(strict=True), "Kites like birds") == 0.0
    assert grade(Criteria(strict=True), "Kites fly high") == 1.0


def test_a_text_about_something_else_or_of_one_word_earns_nothing() -> None:
    assert grade(Criteria(), "Boats swim") == 0.0
    assert grade(Criteria(), "kites " * 4) == 0.0
