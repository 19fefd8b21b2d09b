"""Miners that read pages."""

import asyncio

import pytest

from miners import load_miner
from miners.engines.lines import Line
from miners.engines.tesseract import Tesseract
from miners.ocr import OCRReader, answer_of
from subnets import Query, Response
from subnets.ocr import MAX_SECTIONS, MAX_TEXT, MAX_TOTAL_TEXT, OCR


def test_a_page_is_answered_with_its_sections(query: Query) -> None:
    answer = asyncio.run(OCRReader(engine="tesseract").forward(query))
    assert "Garden chair" in [section.text for section in answer.sections]
    assert OCR().read(answer.body()) == answer


@pytest.mark.slow
def test_less_resolution_earns_less() -> None:
    subnet = OCR(difficulty=0.5, kinds=("table",))
    tasks = [subnet.task(seed) for seed in range(2)]

    def earned(scale: float) -> float:
        miner = load_miner({"kind": "tesseract", "scale": scale})
        answers = [asyncio.run(miner.forward(task.query())) for task in tasks]
        values = [
            subnet.scorer().score(task, Response(0, answer=answer)).value
            for task, answer in zip(tasks, answers, strict=True)
        ]
        return sum(values) / len(values)

    full, three_quarters, half = (earned(scale) for scale in (1.0, 0.75, 0.5))
    assert full > 0.85 and full > three_quarters + 0.02 and three_quarters > half + 0.1


def test_an_engine_of_other_options_is_another_engine() -> None:
    keys = {
        engine.key
        for engine in (
            *load_miner("tesseract").engines(),
            *load_miner({"kind": "tesseract", "scale": 0.5}).engines(),
            *load_miner({"kind": "tesseract", "engine": {"kind": "tesseract", "psm": 6}}).engines(),
        )
    }
    assert keys == {Tesseract().key, Tesseract(psm=6).key}


def test_a_query_without_an_image_is_an_error_in_words(query: Query) -> None:
    text_only = Query("q", "text", prompt=type(query.prompt)(query.prompt.messages))
    with pytest.raises(ValueError, match="the query has no image"):
        asyncio.run(load_miner("tesseract").forward(text_only))


def test_more_text_than_an_answer_may_hold_is_cut_to_one_that_is_read() -> None:
    long = tuple(Line("a" * (MAX_TEXT + 100), 0, i, 10, i + 1) for i in range(MAX_SECTIONS + 10))
    answer = answer_of(long)
    assert OCR().read(answer.body()) == answer
    assert sum(len(section.text) for section in answer.sections) == MAX_TOTAL_TEXT


def test_a_line_without_an_area_is_left_out() -> None:
    assert answer_of((Line("flat", 0, 5, 10, 5),)).sections == ()
