"""Noise of a known rate."""

import asyncio
from dataclasses import replace
from math import sqrt
from typing import ClassVar

import pytest

from miners import AnyMiner, Miner, load_miner
from miners.fakes import Noisy
from subnets import Answer, Query
from subnets.ocr import OCRAnswer, Section

TEXT = "Garden chair, blue: 124.00 EUR " * 300


class Says(Miner):
    text: str = TEXT

    async def forward(self, query: Query) -> Answer:
        return Answer(text=self.text)


class Boxes(Miner):
    answer: ClassVar[OCRAnswer] = OCRAnswer(
        sections=tuple(Section(text="Garden chair", box=(0, i, 90, i + 9)) for i in range(500))
    )

    async def forward(self, query: Query) -> OCRAnswer:
        return self.answer


class Raw(Miner):
    async def forward(self, query: Query) -> bytes:
        return b"\xff not an answer"


def share_changed(before: str, after: str) -> float:
    assert len(before) == len(after)
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if not a.isspace()]
    return sum(a != b for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.1, 0.5, 1.0])
def test_the_share_of_changed_characters_is_the_configured_one(query: Query, rate: float) -> None:
    answer = asyncio.run(Noisy(miner=Says(), error_rate=rate).forward(query))
    letters = len(TEXT.replace(" ", ""))
    assert share_changed(TEXT, answer.text) == pytest.approx(rate, abs=4 * sqrt(rate * (1 - rate) / letters))


def test_sections_are_garbled_and_their_boxes_kept(query: Query) -> None:
    answer = asyncio.run(Noisy(miner=Boxes(), error_rate=0.1).forward(query))
    assert [section.box for section in answer.sections] == [section.box for section in Boxes.answer.sections]
    before, after = ("\n".join(s.text for s in sections) for sections in (Boxes.answer.sections, answer.sections))
    assert share_changed(before, after) == pytest.approx(0.1, abs=0.02)


def test_spaces_and_line_breaks_stay(query: Query) -> None:
    answer = asyncio.run(Noisy(miner=Says(text="a b\nc"), error_rate=1.0).forward(query))
    assert [answer.text[i] for i in (1, 3)] == [" ", "\n"]


def test_the_same_query_gets_the_same_noise_and_another_gets_other(query: Query) -> None:
    noisy = Noisy(miner=Says(), error_rate=0.5, seed=7)
    first, again, other_query, other_seed = (
        asyncio.run(miner.forward(asked)).text
        for miner, asked in (
            (noisy, query),
            (noisy, query),
            (noisy, replace(query, id="q2")),
            (noisy.model_copy(update={"seed": 8}), query),
        )
    )
    assert first == again and first != other_query and first != other_seed


def test_bytes_are_passed_on_as_they_are(query: Query) -> None:
    assert asyncio.run(Noisy(miner=Raw(), error_rate=1.0).forward(query)) == b"\xff not an answer"


@pytest.mark.parametrize("kind", ["noisy", "slow"])
def test_the_inner_miner_works_for_it_and_is_not_a_victim(kind: str) -> None:
    reads = load_miner({"kind": kind, "miner": "tesseract"})
    assert reads.victims() == () and len(reads.engines()) == 1
    copycat = load_miner({"kind": kind, "miner": {"kind": "copycat", "victim": "echo"}})
    assert copycat.victims() == (load_miner("echo"),)


def test_a_miner_may_employ_one_and_copy_another() -> None:
    class Both(Miner):
        employs = ("worker",)
        worker: AnyMiner
        victim: AnyMiner

        async def forward(self, query: Query) -> Answer:
            return Answer()

    both = Both(worker={"kind": "copycat", "victim": "echo"}, victim="silent")
    assert both.victims() == (load_miner("echo"), load_miner("silent"))
