"""The reference of an OCR task: the true contents of its page."""

from __future__ import annotations

from dataclasses import dataclass

from subnets.task import Task

from .answer import Box, Font, OCRAnswer, Section
from .document_test import DocumentTest, passing_text

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Line:
    """One section: its text, and the place of its ink in the image as sent."""

    text: str
    quad: Quad | None
    """Corners of the ink, clockwise from its top left, in pixels; None if the place is not known."""
    font: Font | None = None

    @property
    def box(self) -> Box | None:
        """The upright box around the quadrilateral."""
        if self.quad is None:
            return None
        xs, ys = zip(*self.quad, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class Page:
    """All sections of one page, in reading order."""

    width: int
    """Width of the image as sent, in pixels."""
    height: int
    lines: tuple[Line, ...]
    tests: tuple[DocumentTest, ...] = ()
    """Tests of the page's text, which may be all that is known of it."""

    def __post_init__(self) -> None:
        if not self.lines and not self.tests:
            raise ValueError("a page without any text can't be graded")

    def answer(self) -> OCRAnswer:
        """Return the perfect answer; to tests alone, a text that passes those that don't contradict each other."""
        if not self.lines:
            return OCRAnswer(text=passing_text(self.tests))
        return OCRAnswer(sections=tuple(Section(text=line.text, box=line.box, font=line.font) for line in self.lines))


def page_of(task: Task) -> Page:
    """Return the truth of a task.

    Raises:
        TypeError: the task belongs to another subnet or has no reference.
    """
    if not isinstance(task.reference, Page):
        raise TypeError(f"the reference of task {task.id} is a {type(task.reference).__name__}, not a page")
    return task.reference
