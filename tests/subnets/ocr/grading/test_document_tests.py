"""Unit tests of a page's text, held against the published rules of olmOCR-bench by cases made by hand."""

import pytest
from pydantic import ValidationError

from subnets import Prompt, Response, Task
from subnets.ocr import OCR, OCRAnswer, Page, Sections, Tutorial
from subnets.ocr.document_test import DocumentTest
from subnets.ocr.grading.document_tests import DocumentTests, TestedPage, passed_share
from subnets.ocr.grading.page_text import PageText

MARKDOWN = """| Method | Score | Cost |
|---|---|---|
| Lamp | 12.50 | low |
| Chair | 124.00 | high |
"""
HTML = """<table><tr><th colspan="2">Prices</th></tr><tr><td>Lamp</td><td>12.50</td></tr>
<tr><td rowspan="2">Chair</td><td>124.00</td></tr><tr><td>99.00</td></tr></table>"""


def passes(page: str, **fields: object) -> bool:
    return TestedPage(page).passes(DocumentTest.model_validate({"pdf": "a.pdf"} | fields))


@pytest.mark.parametrize(
    ("page", "text", "max_diffs", "present"),
    [
        ("The total is 42.", "total is 42", 0, True),
        ("The total is 43.", "total is 42", 0, False),
        ("The total is 43.", "total is 42", 1, True),
        ("The  total\nis 42.", "total is 42", 0, True),
        ("The **total** is *42*.", "total is 42", 0, True),
        ("a \u201cquoted\u201d word \u2013 and more", '"quoted" word - and', 0, True),
        ("cafe\u0301", "caf\u00e9", 0, True),
        ("total is 42", "The total is 42", 3, False),
        ("", "total", 0, False),
    ],
)
def test_a_text_is_present_if_no_more_than_so_many_characters_differ(
    page: str, text: str, max_diffs: int, present: bool
) -> None:
    assert passes(page, type="present", text=text, max_diffs=max_diffs) is present
    assert passes(page, type="absent", text=text, max_diffs=max_diffs) is not present


def test_a_test_can_look_at_the_ends_of_the_page_alone_and_leave_case_aside() -> None:
    page = "Page 7 of 9" + " filler" * 40 + " The End"
    assert passes(page, type="absent", text="page 7 of 9")
    assert not passes(page, type="absent", text="page 7 of 9", case_sensitive=False)
    assert not passes(page, type="absent", text="Page 7 of 9", first_n=20)
    assert passes(page, type="absent", text="filler filler filler", last_n=9)
    assert passes(page, type="present", text="The End", first_n=5, last_n=10)


@pytest.mark.parametrize(
    ("page", "max_diffs", "in_order"),
    [
        ("first things, then second things", 0, True),
        ("second things, then first things", 0, False),
        ("f1rst things, then sec0nd things", 1, True),
        ("sec0nd things, then f1rst things", 1, False),
        ("second things, first things, second things", 0, True),
        ("first things alone", 2, False),
    ],
)
def test_two_texts_are_in_order_if_some_match_of_one_starts_before_some_match_of_the_other(
    page: str, max_diffs: int, in_order: bool
) -> None:
    test = {"type": "order", "before": "first things", "after": "second things", "max_diffs": max_diffs}
    assert passes(page, **test) is in_order


@pytest.mark.parametrize(
    ("page", "fields", "expected"),
    [
        (MARKDOWN, {"cell": "12.50", "left": "Lamp", "right": "low", "down": "124.00"}, True),
        (MARKDOWN, {"cell": "12.50", "left": "Chair"}, False),
        (MARKDOWN, {"cell": "124.00", "up": "12.50", "top_heading": "Score", "left_heading": "Chair"}, True),
        (MARKDOWN, {"cell": "124.00", "top_heading": "Cost"}, False),
        (MARKDOWN, {"cell": "low", "right": "anything"}, False),
        (MARKDOWN, {"cell": "12,50", "max_diffs": 1}, True),
        (HTML, {"cell": "12.50", "top_heading": "Prices", "left": "Lamp"}, True),
        (HTML, {"cell": "99.00", "left": "Chair", "up": "124.00"}, True),
        (HTML + "\n" + MARKDOWN, {"cell": "high", "top_heading": "Cost"}, True),
        ("12.50 without a table", {"cell": "12.50"}, False),
    ],
)
def test_a_cell_is_found_by_its_text_and_checked_by_its_neighbours(
    page: str, fields: dict[str, object], expected: bool
) -> None:
    assert passes(page, type="table", **fields) is expected


TESTS = tuple(
    DocumentTest.model_validate({"pdf": "a.pdf"} | fields)
    for fields in (
        {"id": "1", "type": "present", "text": "Dear Madam"},
        {"id": "2", "type": "absent", "text": "Page 3"},
        {"id": "3", "type": "order", "before": "Dear Madam", "after": "Yours truly"},
        {"id": "4", "type": "table", "cell": "12", "up": "Qty", "left": "Lamp", "top_heading": "Qty"},
        {"id": "5", "type": "math", "math": "x^2"},
    )
)
TASK = Task("7", "ocr", 7, Prompt((), b""), Page(100, 100, (), TESTS))


def test_a_page_earns_the_share_of_its_tests_that_it_passes_and_math_is_not_run() -> None:
    score = DocumentTests().score(TASK, Response(0, answer=OCRAnswer(text="Dear Madam\n\nYours truly\n\nPage 3")))
    assert score.value == 0.5 and score.parts["not_run"] == 1 and score.reason == "failed: 2, 4"
    assert (score.parts["present"], score.parts["absent"], score.parts["table"]) == (1.0, 0.0, 0.0)


def test_the_perfect_answer_to_tests_passes_them() -> None:
    subnet = OCR()
    answer = subnet.gold(TASK)
    assert DocumentTests().score(TASK, Response(0, answer=answer)).value == 1.0
    assert subnet.quality(TASK, answer) == 1.0 and subnet.read(answer.body()) == answer


def test_a_page_without_tests_is_unscored() -> None:
    task = OCR(difficulty=0.0).task(1)
    score = DocumentTests().score(task, Response(0, answer=OCR().gold(task)))
    assert score.value is None and "no tests of its text" in score.reason


def test_a_page_with_tests_alone_is_unscored_by_graders_of_lines() -> None:
    for scorer in (Sections(), Tutorial(), PageText()):
        score = scorer.score(TASK, Response(0, answer=OCRAnswer(text="Dear Madam")))
        assert score.value is None and "no lines" in score.reason


def test_a_test_without_the_text_it_looks_for_is_refused() -> None:
    with pytest.raises(ValidationError, match="type 'order' needs a text for 'after'"):
        DocumentTest.model_validate({"pdf": "a.pdf", "type": "order", "before": "x"})


def test_hostile_tables_take_no_time() -> None:
    page = '<table><tr><td colspan="999999999" rowspan="999999999">a</td></tr></table>' * 50 + "|a" * 20_000
    assert passed_share(TESTS[:4], page) == 0.25
