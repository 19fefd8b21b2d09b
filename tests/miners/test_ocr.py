"""Miners that read pages."""

import asyncio
import pickle

import pytest

from miners import load_miner
from miners.engines.readers.lines import Line
from miners.engines.readers.tesseract import Tesseract
from miners.ocr import OCRReader, answer_of
from miners.pay import Pay
from subnets import Meter, Query, Response
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


def test_a_cascade_asks_its_second_reader_only_if_the_first_is_unsure(query: Query) -> None:
    def read(sure: float) -> tuple[str, float]:
        meter = Meter()
        miner = load_miner({"kind": "cascade", "first": "gocr", "second": "tesseract", "sure": sure})
        answer = asyncio.run(meter.run(miner.forward(query)))
        return " ".join(section.text for section in answer.sections), meter.cost.cpu_s

    sure, unsure = read(10.0), read(100.0)
    assert sure[0] != unsure[0] and "Total amount due" in unsure[0] and sure[1] < unsure[1]


def test_a_router_over_readers_learns_from_its_pay_and_remembers_when_it_is_pickled(query: Query) -> None:
    miner = load_miner({"kind": "reader_router", "choices": ["tesseract", "gocr"], "curiosity": 0.0})
    assert miner.learns and len(miner.engines()) == 2 and miner.choice == 0
    miner.paid(Pay(0, earned_usd=1.0, cost_usd=0.9, answers=10))
    assert miner.choice == 1
    miner.paid(Pay(1, earned_usd=0.8, cost_usd=0.1, answers=10))
    miner.paid(Pay(2, earned_usd=0.8, cost_usd=0.1, answers=10))
    copied = pickle.loads(pickle.dumps(miner))
    assert miner.choice == copied.choice == 1
    assert asyncio.run(copied.forward(query)) == asyncio.run(load_miner("gocr").forward(query))
