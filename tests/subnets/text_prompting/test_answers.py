"""Readers of numbers, dates and choices: what they read, and that nothing can make them raise."""

import os
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets import Answer, Response, Task
from subnets.text import words
from subnets.text_prompting import Amount, Calendar, Choice, Chosen, Day, Numeric, Phrase
from subnets.text_prompting.truths.choice import parse_choice
from subnets.text_prompting.truths.day import parse_date
from subnets.text_prompting.truths.number import parse_number
from subnets.text_prompting.words import says
from subnets.text_prompting.world.world import in_words
from validators.scorers.similarity import Exact

NASTY = st.text() | st.text(alphabet="0123456789.,-+*/=()ABCD abcdefjanmr$%#\ud800\u0661\u00b2\u2212\n", max_size=60)
OPTIONS = ("a rowing boat", "Ostrava", "12", "the Comet Medal")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", "42"),
        ("The result is 1,250.50 dollars.", "1250.50"),
        ("3 + 4 = 7", "7"),
        ("7 apples and 5 pears make 12.", "12"),
        ("Answer: 12\nI am 99 % sure.", "12"),
        ("Answer: 3 + 4 = 7", "7"),
        ("**$48**", "48"),
        ("-5", "-5"),
        ("minus \u22125", "-5"),
        ("It takes twelve weeks.", "12"),
        ("#### 18", "18"),
        (".5", ".5"),
        ("about 20%", None),
        ("4 x 5 is twenty", "20"),
        ("2**10", None),
        ("no idea", None),
        ("9" * 400, None),
        ("1e5", "100000"),
        ("x1", None),
        ("\u0664\u0662", "42"),
    ],
)
def test_a_number_is_read_where_the_answer_ends(text: str, number: str | None) -> None:
    assert parse_number(text) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    "text", ["__import__('os').environ['PWNED']", "().__class__", "10**10**10", "9**9**9**9", "exec('PWNED=1')"]
)
def test_what_a_miner_sends_is_never_evaluated(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("eval", "exec", "compile", "__import__"):
        monkeypatch.setattr(f"builtins.{name}", lambda *_, **__: pytest.fail("miner text was evaluated"))
    parse_number(text)
    parse_date(text)
    parse_choice(text, OPTIONS)
    monkeypatch.undo()
    assert "PWNED" not in os.environ


@given(NASTY)
def test_no_text_makes_a_reader_raise(text: str) -> None:
    parse_number(text)
    parse_date(text)
    parse_choice(text, OPTIONS)
    words(text)
    says(text, OPTIONS)


@given(st.decimals(-(10**9), 10**9, places=2))
def test_every_number_is_read_back(number: Decimal) -> None:
    assert parse_number(f"It is {number:,}.") == number


@given(st.dates(date(1000, 1, 1), date(2999, 12, 31)))
def test_every_date_is_read_back_in_each_way_of_writing(day: date) -> None:
    month = in_words(day).split()[1]
    for text in (
        in_words(day),
        day.isoformat(),
        f"{month} {day.day}, {day.year}",
        f"the {day.day}th of {month} {day.year}",
    ):
        assert parse_date(f"It was on {text}.") == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("3 March 1951, or rather 4 March 1951", date(1951, 3, 4)),
        ("25/12/1904", date(1904, 12, 25)),
        ("12/25/1904", date(1904, 12, 25)),
        ("3/4/1951", None),
        ("31 June 1951", None),
        ("1951", None),
        ("Sept. 5, 1951", None),
        ("Sep. 5, 1951", date(1951, 9, 5)),
        ("0/0/0000", None),
    ],
)
def test_a_date_that_can_be_read_in_two_ways_is_none(text: str, day: date | None) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("B", 1),
        ("b", 1),
        ("(B)", 1),
        ("B) Ostrava", 1),
        ("The answer is B.", 1),
        ("Answer: **B**", 1),
        ("It is Ostrava.", 1),
        ("A rowing boat is what the winner gets.", 0),
        ("A or B", None),
        ("A) a rowing boat\nB) Ostrava", None),
        ("B) a rowing boat", None),
        ("not Ostrava", None),
        ("E", None),
        ("A cat sat.", None),
        ("", None),
    ],
)
def test_a_choice_is_one_option_or_none(text: str, place: int | None) -> None:
    assert parse_choice(text, OPTIONS) == place


def graded(scorer: Numeric | Calendar | Chosen | Exact, truth: object, text: str) -> float | None:
    return scorer.score(Task(id="1", reference=truth), Response(0, Answer(text=text))).value


def test_a_date_decays_with_the_days_it_is_off() -> None:
    truth = Day("3 March 1951", date(1951, 3, 3))
    scores = [
        graded(Calendar(half_life_days=10), truth, in_words(truth.day + timedelta(n))) for n in (0, 1, 10, -20, 900)
    ]
    assert scores == pytest.approx([1.0, 0.933, 0.5, 0.25, 0.0], abs=1e-3)
    assert graded(Calendar(half_life_days=0), truth, "4 March 1951") == 0.0


def test_a_near_number_is_wrong_unless_tolerance_or_partial_pay_says_otherwise() -> None:
    truth = Amount("200", Decimal(200))
    assert graded(Numeric(), truth, "199") == 0.0
    assert graded(Numeric(tolerance=0.01), truth, "199") == 1.0
    assert graded(Numeric(partial=True), truth, "150") == 0.75
    assert graded(Numeric(partial=True), Amount("0", Decimal(0)), "9" * 20) == 0.0


def test_a_neighbour_on_a_scale_earns_half_where_the_scale_counts() -> None:
    truth = Choice("positive", ("positive", "neutral", "negative"), 0, lettered=False, ordered=True)
    assert [graded(Chosen(ordinal=True), truth, label) for label in truth.options] == [1.0, 0.5, 0.0]
    assert [graded(Chosen(), truth, label) for label in truth.options] == [1.0, 0.0, 0.0]
    assert graded(Chosen(ordinal=True), truth, "positive or negative") == 0.0


def test_exact_forgives_case_and_articles_and_takes_aliases() -> None:
    truth = Phrase("the Comet Medal", ("Comet",))
    assert [graded(Exact(), truth, text) for text in ("Comet medal!", "comet", "A Comet Prize")] == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("It was Ann.", True),
        ("It was not Ann.", False),
        ("It wasn\u2019t Ann, it was Bo", False),
        ("Not Bo but Ann.", True),
        ("Joanna", False),
        ("It was Ann. It was never Ann.", False),
        ("ANN", True),
    ],
)
def test_a_phrase_counts_where_it_is_named_and_nowhere_denied(text: str, stated: bool) -> None:
    assert says(text, ["Ann"]) is stated
