"""Miners that read pages, each with an engine and the resolution at which it sees the page."""

from __future__ import annotations

from pydantic import Field

from miners.engines.lines import Line
from miners.engines.reader import AnyReader
from miners.engines.tesseract import Tesseract
from miners.engines.tesserocr import Tesserocr
from subnets import Query
from subnets.ocr import MAX_SECTIONS, MAX_TEXT, MAX_TOTAL_TEXT, OCRAnswer, Section

from .miner import Miner


class OCRReader(Miner):
    """Reads the page with an engine and answers with every line that it finds."""

    description = "reads pages with a given engine"

    engine: AnyReader
    """Engine that reads the page."""
    scale: float = Field(1.0, gt=0, le=4)
    """Factor by which the page is resized before it is read; 0.5 halves the resolution."""

    async def forward(self, query: Query) -> OCRAnswer:
        """Read the query's image."""
        lines = await self.engine.read(query.prompt.image, scale=self.scale, timeout_s=query.timeout_s)
        return answer_of(lines)


class TesseractReader(OCRReader):
    """Reads the page with the tesseract binary."""

    description = "reads pages with tesseract"

    engine: AnyReader = Field(default_factory=Tesseract)
    """Engine that reads the page."""


class TesserocrReader(OCRReader):
    """Reads the page with tesseract kept warm in process."""

    description = "reads pages with tesseract kept warm in process (optional package tesserocr)"

    engine: AnyReader = Field(default_factory=Tesserocr)
    """Engine that reads the page."""


def answer_of(lines: tuple[Line, ...]) -> OCRAnswer:
    """Turn lines into an answer, up to the limits of its schema."""
    sections: list[Section] = []
    left = MAX_TOTAL_TEXT
    for line in lines[:MAX_SECTIONS]:
        text = line.text[: min(MAX_TEXT, left)]
        if text and line.x1 < line.x2 and line.y1 < line.y2:
            left -= len(text)
            sections.append(Section(text=text, box=(line.x1, line.y1, line.x2, line.y2)))
    return OCRAnswer(sections=tuple(sections))
