"""Guessing without reading: the tutorial's reward pays it better than honest work, ours next to nothing."""

import asyncio
from dataclasses import dataclass
from statistics import mean

import pytest

from miners.ocr import TesseractReader
from subnets import Response, Scorer, Task
from subnets.ocr import MAX_SECTIONS, OCR, OCRAnswer, Sections, Tutorial, guesses

pytestmark = pytest.mark.slow

COUNTS = (1, 5, 20, 50, 100, 300, MAX_SECTIONS)
TESSERACT_S = 0.2
"""Less than it needs for any page: its time term is better than in truth."""


@dataclass(frozen=True, slots=True)
class Duel:
    """Some pages, what tesseract read on them, and what was guessed without looking."""

    subnet: OCR
    pages: tuple[Task, ...]
    read: tuple[OCRAnswer, ...]
    guessed: OCRAnswer

    def means(self, scorer: Scorer) -> tuple[float, float]:
        """Mean scores of reading and of guessing."""
        read = [value(scorer, task, answer, TESSERACT_S) for task, answer in zip(self.pages, self.read, strict=True)]
        return mean(read), mean(value(scorer, task, self.guessed) for task in self.pages)


def value(scorer: Scorer, task: Task, answer: OCRAnswer, latency_s: float = 0.0) -> float:
    score = scorer.score(task, Response(uid=0, answer=answer, latency_s=latency_s)).value
    assert score is not None
    return score


def duel(subnet: OCR, pages: int) -> Duel:
    async def read() -> tuple[OCRAnswer, ...]:
        reader = TesseractReader()
        return tuple([await reader.forward(task.query(timeout_s=60.0)) for task in tasks])

    tasks = tuple(subnet.task(seed) for seed in range(200, 200 + pages))
    return Duel(subnet, tasks, asyncio.run(read()), guesses(subnet, seed=7))


@pytest.fixture(scope="module")
def invoices() -> Duel:
    """The kind of page that the tutorial has."""
    return duel(OCR(kinds=("invoice",)), 6)


@pytest.fixture(scope="module")
def pages() -> Duel:
    """Pages of all kinds."""
    return duel(OCR(), 6)


def test_under_the_tutorials_reward_a_shotgun_beats_tesseract(pages: Duel) -> None:
    read, guessed = pages.means(Tutorial())
    assert guessed > read + 0.1


def test_with_boxes_in_one_frame_it_still_does_on_the_tutorials_kind_of_page(invoices: Duel) -> None:
    read, guessed = invoices.means(Tutorial(frame="pixels"))
    assert guessed > read


@pytest.mark.parametrize("which", ["pages", "invoices"])
def test_under_ours_a_shotgun_earns_next_to_nothing_however_few_its_guesses(
    which: str, request: pytest.FixtureRequest
) -> None:
    duel: Duel = request.getfixturevalue(which)
    assert duel.means(Sections())[0] > 0.6
    for count in COUNTS:
        few = OCRAnswer(sections=duel.guessed.sections[:count])
        earned = [value(Sections(), task, few) for task in duel.pages]
        assert mean(earned) < 0.1 and max(earned) < 0.2, count


def test_not_even_crisp_pages_of_one_kind_can_be_guessed_under_ours() -> None:
    subnet = OCR(kinds=("invoice",), difficulty=0.0)
    pages = [subnet.task(seed) for seed in range(200, 212)]
    guessed = guesses(subnet, 300, seed=7)
    for count in (10, 30, 60, 100, 300):
        few = OCRAnswer(sections=guessed.sections[:count])
        assert mean(value(Sections(), task, few) for task in pages) < 0.1, count


def test_guesses_are_within_the_schema_and_the_same_each_time(pages: Duel) -> None:
    assert OCR().read(pages.guessed.body()) == pages.guessed
    assert len(pages.guessed.sections) == MAX_SECTIONS
    assert guesses(OCR(), 50, seed=7).sections == pages.guessed.sections[:50]
    assert guesses(OCR(), 50, seed=8) != guesses(OCR(), 50, seed=7)
