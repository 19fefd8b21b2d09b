"""Miners that read pages, each with an engine and the resolution at which it sees the page."""

from __future__ import annotations

import time

from pydantic import Field

from miners.engines.readers.gocr import Gocr
from miners.engines.readers.lines import Line
from miners.engines.readers.ocrad import Ocrad
from miners.engines.readers.rapidocr import Rapidocr
from miners.engines.readers.reader import AnyReader
from miners.engines.readers.tesseract import Tesseract
from miners.engines.readers.tesserocr import Tesserocr
from subnets import Query
from subnets.ocr import MAX_SECTIONS, MAX_TEXT, MAX_TOTAL_TEXT, OCRAnswer, Section

from .miner import Engine, Miner
from .router import Learning


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


class RapidocrReader(OCRReader):
    """Reads the page with PP-OCR models."""

    description = "reads pages with PP-OCR models, on CPU or GPU (optional package rapidocr)"

    engine: AnyReader = Field(default_factory=Rapidocr)
    """Engine that reads the page."""


class GocrReader(OCRReader):
    """Reads the page with GOCR."""

    description = "reads pages with gocr, a cheap and weak program (Debian package gocr)"

    engine: AnyReader = Field(default_factory=Gocr)
    """Engine that reads the page."""


class OcradReader(OCRReader):
    """Reads the page with Ocrad."""

    description = "reads pages with ocrad, the cheapest and weakest program (Debian package ocrad)"

    engine: AnyReader = Field(default_factory=Ocrad)
    """Engine that reads the page."""


class ReaderRouter(Learning):
    """Reads pages with the reader that has earned the most."""

    description = "learns from its pay which of its readers is the cheapest that still wins"

    choices: tuple[AnyReader, ...] = Field((Tesseract(), Rapidocr()), min_length=1)
    """The readers, in the order in which they are first tried."""

    def options(self) -> tuple[Engine, ...]:
        """Return the choices."""
        return self.choices

    async def forward(self, query: Query) -> OCRAnswer:
        """Read with this epoch's reader."""
        return answer_of(await self.choices[self.choice].read(query.prompt.image, timeout_s=query.timeout_s))


class Cascade(Miner):
    """Reads with a cheap reader first, and again with a better one if the first is unsure."""

    description = "reads with a cheap reader, and again with a better one where the first is unsure"

    first: AnyReader = Field(default_factory=Tesseract)
    """The cheap reader."""
    second: AnyReader = Field(default_factory=Rapidocr)
    """The better reader."""
    sure: float = Field(85.0, ge=0, le=100)
    """Mean confidence of the first reader's characters, in percent, from which on the second is not asked."""

    async def forward(self, query: Query) -> OCRAnswer:
        """Read once or twice."""
        started = time.monotonic()
        lines = await self.first.read(query.prompt.image, timeout_s=query.timeout_s)
        if confidence(lines) < self.sure:
            left_s = max(0.01, query.timeout_s - (time.monotonic() - started))
            lines = await self.second.read(query.prompt.image, timeout_s=left_s)
        return answer_of(lines)


def confidence(lines: tuple[Line, ...]) -> float:
    """Return the mean confidence of the characters of some lines, in percent; 0 without any."""
    length = sum(len(line.text) for line in lines)
    return sum(line.confidence * len(line.text) for line in lines) / length if length else 0.0


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
