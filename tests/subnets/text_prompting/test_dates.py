"""Dates as people write them."""

from datetime import date

import pytest

from subnets.text_prompting import Day
from subnets.text_prompting.truths.day import parse_date

TRUTH = Day("7 August 1934", date(1934, 8, 7))


@pytest.mark.parametrize(
    "text",
    [
        "7 August 1934",
        "the seventh of August 1934",
        "August seventh, 1934",
        "the 7th day of August in the year 1934",
        "7 August of 1934",
        "19340807",
        "1934. 8. 7.",
        "1934\u5e748\u67087\u65e5",
        "7. August 1934",
        "7 ao\u00fbt 1934",
        "7 de agosto de 1934",
        "7 augustus 1934",
        "Answer: 7 August 1934, 9 days after 29 July 1934",
        "7 August 1934, 9 days after 29 July 1934",
        "07 Aug 1934",
        "7 Aug. 1934",
        "7-Aug-1934",
        "7\u00a0August\u202f1934",
        "7 Au\u00adgust 1934",
        "7\nAugust\n1934",
        "August 7, 1934",
        "August 7th, 1934",
        "the 7th of August, 1934",
        "the 7th day of August in 1934",
        "1934 August 7",
        "1934-08-07",
        "1934\u201108\u201107",
        "1934/08/07",
        "1934-08-07T00:00:00Z",
        "\uff11\uff19\uff13\uff14-08-07",
        "**7 August** 1934",
        r"\boxed{\text{7 August 1934}}",
        "It was 7 August 1934, not 8 August 1934.",
    ],
)
def test_a_date_is_read_in_each_way_of_writing(text: str) -> None:
    assert parse_date(text) == TRUTH.day
    assert TRUTH.grade(text).value == 1.0


@pytest.mark.parametrize("text", ["7.8.1934", "7. 8. 1934", "07/08/1934", "8/7/1934", "7-8-1934"])
def test_a_date_with_two_readings_is_unscored_if_one_of_them_is_right(text: str) -> None:
    assert parse_date(text) is None
    assert TRUTH.grade(text).value is None
    assert Day("9 August 1934", date(1934, 8, 9)).grade(text).value == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "6 or 7 August 1934",
        "6-7 August 1934",
        "7 August 1934 or 8 August 1934",
        "between 7 and 9 August 1934",
        "before 7 August 1934",
        "around 7 August 1934",
        "7 August 1934\u20139 August 1934",
        "7 \u0430\u0432\u0433\u0443\u0441\u0442\u0430 1934",
        "7 August '34",
        "7/8/34",
    ],
)
def test_a_date_that_is_a_bound_or_one_of_several_is_unscored_if_it_could_be_right(text: str) -> None:
    assert parse_date(text) is None
    assert TRUTH.grade(text).value is None
    assert Day("2 May 1934", date(1934, 5, 2)).grade(text).value == 0.0


@pytest.mark.parametrize(
    "text", ["not 7 August 1934", "17 August 1934", "7 August 19345", "1934", "31 June 1934", "7 August", "1934-08-071"]
)
def test_another_date_or_a_part_of_one_is_not_the_date(text: str) -> None:
    assert TRUTH.grade(text).value == 0.0


def test_a_day_above_twelve_settles_the_order() -> None:
    assert parse_date("25.8.1934") == parse_date("8/25/1934") == date(1934, 8, 25)
