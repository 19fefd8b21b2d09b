"""True quality: characters right, wherever the boxes are and whatever the order."""

import pytest

from subnets import Answer
from subnets.ocr import OCR, OCRAnswer, Section
from subnets.ocr.quality import fold, text_quality

from .conftest import page_task

TRUTH = ["Hello World", "Total", "7"]


def test_all_text_in_any_order_is_perfect() -> None:
    assert text_quality(TRUTH, ["7", "Total", "Hello World"]) == 1.0


def test_nothing_read_is_worth_nothing() -> None:
    assert text_quality(TRUTH, []) == 0.0


def test_each_wrong_missed_or_added_letter_costs_the_same() -> None:
    letters = sum(map(len, TRUTH))
    for answered in (
        ["Hallo World", "Total", "7"],
        ["Hello Worl", "Total", "7"],
        ["Hello World!", "Total", "7"],
        ["Hello World", "Total"],
        ["Hello World", "Total", "7", "x"],
    ):
        assert text_quality(TRUTH, answered) == pytest.approx(1 - 1 / letters)


def test_pairing_needs_the_fewest_edits() -> None:
    assert text_quality(["abcd", "abce"], ["abce", "abcx"]) == pytest.approx(1 - 1 / 8)


def test_more_junk_than_text_is_worth_nothing() -> None:
    assert text_quality(["ab"], ["ab", "junk" * 10]) == 0.0


def test_boxes_do_not_matter() -> None:
    task = page_task("receipt")
    moved = tuple(Section(text=line.text, box=(0, 0, 1, 1)) for line in task.reference.lines)
    assert OCR().quality(task, OCRAnswer(sections=moved)) == 1.0


def test_an_answer_without_sections_has_no_quality() -> None:
    assert OCR().quality(page_task("receipt"), Answer(text="words")) == 0.0


def test_folding_unifies_forms_and_spaces_and_holds_the_length() -> None:
    assert fold(" \ufb01ne\n print\u3000") == "fine print"
    assert len(fold("\ufdfa" * 500)) == 500
