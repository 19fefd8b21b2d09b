"""Numbers as models write them: the number that stands there, or none, and never another one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets.text_prompting import Amount, Numeric
from subnets.text_prompting.truths.number import parse_number, read_number
from subnets.text_prompting.truths.numeric import grade_reading


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("It weighs 36kg.", "36"),
        ("36\u00a0kg", "36"),
        ("a 36-mile road", "36"),
        ("36 miles (36mi)", "36"),
        ("36m\u00b2", "36"),
        ("36 m^2", "36"),
        ("36m2", "36"),
        ("36km/h", "36"),
        ("36\u00b0C", "36"),
        ("36\u20ac", "36"),
        ("EUR36", "36"),
        ("#### 36", "36"),
        ("6,300", "6300"),
        ("6{,}300", "6300"),
        (r"$6\,300$", "6300"),
        ("6\u202f300", "6300"),
        ("6\u2009300 litres", "6300"),
        ("6 300", "6300"),
        ("6'300", "6300"),
        ("6\u2019300", "6300"),
        ("6_300", "6300"),
        ("1 206 300", "1206300"),
        ("12,06,300", "1206300"),
        ("1.206.300", "1206300"),
        ("6.300,50", "6300.50"),
        ("6 300,50", "6300.50"),
        ("6,300.50", "6300.50"),
        ("6,5", "6.5"),
        ("0,125", "0.125"),
        ("6300.00", "6300"),
        (r"\boxed{6{,}300}, in 2 steps", "6300"),
        ("<answer>36</answer> after 2 steps", "36"),
        ('{"answer": 36, "steps": 2}', "36"),
        ("**Answer:**\n\n36 kg\nin 2 steps", "36"),
        ("\uff13\uff16", "36"),
        ("\u0969\u096c", "36"),
        ("thirty-six", "36"),
        ("Thirty six boxes", "36"),
        ("thirty\u2011six", "36"),
        ("six hundred and three", "603"),
        ("six thousand three hundred", "6300"),
        ("two million and six", "2000006"),
        ("a hundred", "100"),
        ("three dozen", "36"),
        ("minus thirty-six", "-36"),
        ("6 thousand", "6000"),
        ("1.5 million", "1500000"),
        ("6k", "6000"),
        ("6 and a half", "6.5"),
        ("six and a half", "6.5"),
        ("6\u00bd", "6.5"),
        ("6 1/2", "6.5"),
        ("13/2", "6.5"),
        (r"\frac{13}{2}", "6.5"),
        (r"6\frac{1}{2}", "6.5"),
        ("6.3e3", "6300"),
        ("6.3 \u00d7 10\u00b3", "6300"),
        (r"6.3 \times 10^{3}", "6300"),
        ("6.3*10^3", "6300"),
        ("36 for each one of them", "36"),
        ("It is 36, not 35.", "36"),
        (r"\frac12", "0.5"),
        ("one half", "0.5"),
        ("Answer: three quarters", "0.75"),
        ("six point three", "6.3"),
        ("thirty-six point zero five", "36.05"),
        ("36 dollars and 50 cents", "36.50"),
        ("two million, three hundred and six thousand, five hundred and one", "2306501"),
        ("x = - 36", "-36"),
        ("36, which is 5 more than 31", "36"),
        ("36 remain out of 50", "36"),
        ("36 of 50", "36"),
        ("Answer: 36 = 4 * 9", "36"),
    ],
)
def test_a_number_is_read_in_each_way_of_writing(text: str, number: str) -> None:
    assert parse_number(text) == Decimal(number)
    assert Amount(number, Decimal(number)).grade(text).value == 1.0


@pytest.mark.parametrize(
    ("text", "luck"),
    [
        ("not 36", "36"),
        ("The answer is not 36.", "36"),
        ("the 36th", "36"),
        ("thirty-sixth", "30"),
        ("twenty-first", "20"),
        ("36x", "36"),
        ("6^2", "6"),
        ("6\u00b2", "6"),
        ("6\u00b2", "62"),
        ("6\u00bd", "61"),
        ("3,6,5", "3"),
        ("3.6.5", "3.6"),
        ("3/6/1951", "3"),
        ("version 3a6", "3"),
        ("two dozen", "2"),
        ("six hundred", "6"),
        ("6 hundred", "6"),
        ("6k", "6"),
        ("6e2", "6"),
        ("6 300", "300"),
        ("6{,}300", "300"),
        ("6.300,50", "50"),
        ("13/2", "2"),
        ("three point six", "6"),
        ("two-thirds", "2"),
        ("6e999990", "6"),
        ("1/0", "1"),
    ],
)
def test_a_part_of_a_number_is_not_the_number(text: str, luck: str) -> None:
    assert Amount(luck, Decimal(luck)).grade(text).value == 0.0


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("35-36", "36"),
        ("35 \u2013 36", "35"),
        ("between 35 and 36", "35"),
        ("35 or 36", "36"),
        ("thirty-five or thirty-six", "36"),
        ("Answer: 36 or 35", "36"),
        ("36%", "36"),
        ("36 percent", "0.36"),
        ("thirty-six percent", "36"),
        ("1.250", "1250"),
        ("1.250", "1.25"),
        ("more than 36", "36"),
        ("at least 36", "36"),
        ("~36", "36"),
        ("3:36", "36"),
        ("about 36", "36"),
        ("approx. 36", "36"),
        ("36 or so", "36"),
        ("36+", "36"),
        ("36ish", "36"),
        ("36 \u00b1 2", "36"),
        ("36 +/- 2", "36"),
        ("- 36", "-36"),
    ],
)
def test_a_number_that_can_be_read_in_two_ways_is_unscored_where_one_of_them_is_right(text: str, right: str) -> None:
    score = Amount(right, Decimal(right)).grade(text)
    assert score.value is None and "more than one way" in score.reason
    assert parse_number(text) is None
    assert Amount("999", Decimal(999)).grade(text).value == 0.0


@given(st.integers(0, 999_999))
def test_numbers_in_words_are_read_back(number: int) -> None:
    small = (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen"
    ).split()
    tens = "twenty thirty forty fifty sixty seventy eighty ninety".split()

    def spell(value: int) -> str:
        if value < 20:
            return small[value]
        if value < 100:
            return tens[value // 10 - 2] + (f"-{small[value % 10]}" if value % 10 else "")
        scale, name = (100, "hundred") if value < 1_000 else (1_000, "thousand")
        rest = value % scale
        return f"{spell(value // scale)} {name}" + (
            f" and {spell(rest)}" if 0 < rest < 100 else f" {spell(rest)}" * (rest > 0)
        )

    assert parse_number(f"They have {spell(number)} of them.") == number


@given(st.text(alphabet="0123456789.,-+*/='_ eExkm%^{}()\\onetwhudra\u00bd\u00b2\u202f\u0661", max_size=60))
def test_no_text_makes_the_reader_of_numbers_raise(text: str) -> None:
    for tolerance in (0.0, 0.1):
        grade_reading(Decimal(7), read_number(text), tolerance=tolerance, partial=True)


def test_a_tolerance_and_partial_pay_hold_for_every_reading() -> None:
    assert grade_reading(Decimal(36), read_number("35-37"), tolerance=0.0, partial=True).value is None
    assert Numeric(tolerance=0.05).tolerance == 0.05
    assert grade_reading(Decimal(36), read_number("3.600"), tolerance=0.0, partial=False).value == 0.0
