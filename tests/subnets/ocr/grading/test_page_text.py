"""The text of a page in reading order, with and without boxes."""

import pytest

from subnets import Response
from subnets.ocr import OCR, OCRAnswer, Section
from subnets.ocr.grading.markup import blocks, tables
from subnets.ocr.grading.page_text import PageText, match_blocks

SUBNET = OCR(difficulty=0.0, kinds=("invoice",))
TASK = SUBNET.task(5)
LINES = [line.text for line in TASK.reference.lines]


def graded(answer: OCRAnswer) -> dict[str, float]:
    score = PageText().score(TASK, Response(0, answer=answer))
    assert score.value is not None
    return {"value": score.value, **score.parts}


def test_the_true_text_earns_everything_as_sections_and_as_markdown() -> None:
    for answer in (SUBNET.gold(TASK), OCRAnswer(text="\n\n".join(LINES))):
        assert graded(answer) == {"value": 1.0, "text": 1.0, "order": 1.0, "exact": 1.0}


def test_a_paragraph_on_one_line_is_matched_with_the_lines_it_was_printed_on() -> None:
    letter = OCR(difficulty=0.0, kinds=("letter",))
    task = letter.task(2)
    text = " ".join(line.text for line in task.reference.lines)
    score = PageText().score(task, Response(0, answer=OCRAnswer(text=text)))
    assert score.value == pytest.approx(1.0)


def test_a_page_in_another_order_loses_its_order_alone() -> None:
    parts = graded(OCRAnswer(text="\n".join(reversed(LINES))))
    assert parts["text"] > 0.98 and parts["order"] < 0.1 and 0.78 < parts["value"] < 0.85


def test_each_wrong_character_and_each_missed_or_added_block_counts_by_its_length() -> None:
    matches = match_blocks(["abcdefghij", "klmnopqrst"], ["abcdefghiX", "unrelated99"])
    assert [(match.edits, match.length) for match in matches] == [(1, 10)]
    half = graded(OCRAnswer(text="\n".join(LINES[: len(LINES) // 2])))
    assert 0.3 < half["text"] < 0.7 and half["order"] == 1.0
    twice = graded(OCRAnswer(text="\n".join(LINES * 2)))
    assert twice["text"] == pytest.approx(0.5, abs=0.05)


def test_an_empty_answer_earns_nothing_with_the_reason() -> None:
    score = PageText().score(TASK, Response(0, answer=OCRAnswer()))
    assert (score.value, score.reason) == (0.0, "no text")


def test_sections_without_boxes_are_read_and_travel_as_they_are() -> None:
    answer = OCRAnswer(sections=tuple(Section(text=text) for text in LINES))
    assert SUBNET.read(answer.body()) == answer and b'"box"' not in answer.body()
    assert graded(answer)["value"] == 1.0 and SUBNET.quality(TASK, answer) == 1.0


def test_blocks_are_lines_and_cells_without_marks() -> None:
    page = (
        "# Invoice\n\n**Bill to:** Ann\n- one\n1. two\n![logo](x.png)\n```\ncode\n```\n"
        "| Item | Price |\n|:--|--:|\n| Lamp \\| big | 12 |\n"
        "<table><tr><td>A &amp; B</td><td colspan='2'>C<br>D</td></tr></table>"
    )
    assert blocks(page) == [
        *("Invoice", "Bill to: Ann", "one", "two", "code", "Item", "Price", "Lamp | big", "12", "A & B", "C D"),
    ]
    assert [table.rows for table in tables(page)] == [
        [["A & B", "C D", "C D"]],
        [["Item", "Price"], ["Lamp | big", "12"]],
    ]
