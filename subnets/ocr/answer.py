"""The answer to a page: its sections, each a text and the box around it.

    {"sections": [{"text": "Total: $12.50", "box": [400, 612.5, 521, 630]}]}

Boxes are x1, y1, x2, y2 in pixels of the upright image, origin top left. A section is the text of one
line; parts of a line that are further apart than `COLUMN_GAP_EM` are separate sections. A reader that knows
no places leaves the boxes out and lists its sections in reading order; the scorer says what that earns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from subnets.answer import Answer

MAX_SECTIONS = 2_000
MAX_TEXT = 500
"""Maximum characters of one section."""
MAX_TOTAL_TEXT = 50_000
"""Maximum characters of all sections together."""

COLUMN_GAP_EM = 1.5
"""Sections on one line are at least this many font sizes apart; words of one section never are."""

Coordinate = Annotated[float, Field(ge=-100_000, le=100_000)]
Box = tuple[Coordinate, Coordinate, Coordinate, Coordinate]


class Font(BaseModel):
    """Typeface of a section; only the scorer `tutorial` uses it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    family: str = Field(max_length=100)
    size: float = Field(gt=0, le=10_000)
    """Font size in pixels of the page before it was degraded."""


class Section(BaseModel):
    """A piece of text and its place on the page."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    text: str = Field(min_length=1, max_length=MAX_TEXT)
    box: Box | None = None
    font: Font | None = None

    @model_validator(mode="after")
    def _box_has_an_area(self) -> Self:
        if self.box is None:
            return self
        x1, y1, x2, y2 = self.box
        if not (x1 < x2 and y1 < y2):
            raise ValueError("box is not x1 < x2, y1 < y2")
        return self


class OCRAnswer(Answer):
    """The sections of a page, in any order."""

    # The first broken section is enough; finding them all would let a miner order work.
    sections: tuple[Section, ...] = Field((), max_length=MAX_SECTIONS, fail_fast=True)

    @model_validator(mode="after")
    def _text_is_bounded(self) -> Self:
        total = sum(len(section.text) for section in self.sections)
        if total > MAX_TOTAL_TEXT:
            raise ValueError(f"sections hold {total:,} characters; at most {MAX_TOTAL_TEXT:,} are read")
        return self

    def map_text(self, change: Callable[[str], str]) -> Self:
        """Return a copy with `change` applied to the text and to every section's text; boxes stay."""
        answer = super().map_text(change)
        sections = tuple(part.model_copy(update={"text": change(part.text)}) for part in answer.sections)
        return answer.model_copy(update={"sections": sections})
