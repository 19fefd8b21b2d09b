"""The OCR subnet: miners read synthetic pages whose text is known exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from subnets.answer import Answer
from subnets.items import Items
from subnets.ocr.comparison.word_slots import compare
from subnets.seed import Seed
from subnets.subnet import Subnet
from subnets.task import Message, Prompt, Task

from .answer import MAX_SECTIONS, MAX_TEXT, Font, OCRAnswer, Section
from .guesses import guesses
from .page import Line, Page, page_of
from .quality import text_quality
from .section_f1 import Sections

Kind = Literal["invoice", "receipt", "letter", "form", "table"]
Locale = Literal["en_US", "en_GB", "en_CA", "en_AU", "en_IE", "en_NZ"]
Share = Annotated[float, Field(ge=0, le=1)]

INSTRUCTION = (
    "Read this page. Answer with JSON alone: "
    '{"sections": [{"text": "...", "box": [x1, y1, x2, y2]}, ...]}. '
    "One section for each line of text; where a line has parts set wide apart, such as the cells of a table, "
    "one section for each part. Boxes are in pixels of the image, origin top left."
)


class OCR(Subnet):
    """Pages of five kinds, degraded by `difficulty`."""

    name: ClassVar[str] = "ocr"
    answer_type: ClassVar[type[Answer]] = OCRAnswer
    scorers: ClassVar[Mapping[str, str]] = {
        "sections": "subnets.ocr.section_f1:Sections",
        "tutorial": "subnets.ocr.tutorial:Tutorial",
    }

    difficulty: Share | tuple[Share, Share] = (0.0, 0.8)
    """0 is crisp and 1 is barely readable; from a range, each page draws its own."""
    kinds: tuple[Kind, ...] = Field(("invoice", "receipt", "letter", "form", "table"), min_length=1)
    """Kinds of pages, each equally likely."""
    locales: tuple[Locale, ...] = Field(("en_US",), min_length=1)
    """Where names and addresses come from."""
    width: int = Field(1_000, ge=300, le=4_000)
    """Width of the clean page, in pixels; the height is 4/3 of it, and type grows with it."""

    @field_validator("difficulty")
    @classmethod
    def _range_is_ordered(cls, value: float | tuple[float, float]) -> float | tuple[float, float]:
        if isinstance(value, tuple) and value[0] > value[1]:
            raise ValueError(f"{list(value)} runs backwards; write [{value[1]}, {value[0]}]")
        return value

    def task(self, seed: int) -> Task:
        """Draw a page, degrade it, and move its truth along."""
        from . import degrade
        from .printing import print_page

        root = Seed(seed)
        choice = root.child("choice").rng()
        kind = self.kinds[int(choice.integers(len(self.kinds)))]
        locale = self.locales[int(choice.integers(len(self.locales)))]
        low, high = self.difficulty if isinstance(self.difficulty, tuple) else (self.difficulty, self.difficulty)
        difficulty = low + (high - low) * float(choice.random())

        clean, lines = print_page(kind, locale, self.width, root.child("page"))
        degradation = degrade.Degradation.draw(difficulty, root.child("degradation").rng())
        image, matrix = degradation.apply(clean, root.child("grain").rng())
        page = Page(image.shape[1], image.shape[0], tuple(degrade.move(line, matrix) for line in lines))
        return Task(
            id=f"{root.child('id').integer():016x}",
            subnet=self.name,
            seed=seed,
            prompt=Prompt((Message("user", INSTRUCTION),), degrade.encode(image, degradation.jpeg_quality)),
            reference=page,
            kind=kind,
            difficulty=difficulty,
        )

    def gold(self, task: Task) -> Answer:
        """Return every true section."""
        return page_of(task).answer()

    def scorer(self) -> Sections:
        """Return the grader of text and boxes."""
        return Sections()

    def quality(self, task: Task, answer: Answer) -> float | None:
        """Return the share of the page's characters that need no correction, wherever the boxes are."""
        if not isinstance(answer, OCRAnswer):
            return 0.0
        truth = [line.text for line in page_of(task).lines]
        return text_quality(truth, [section.text for section in answer.sections])

    def items(self, task: Task, answers: Sequence[Answer | None]) -> Items:
        """Compare answers word by word, wherever their boxes are."""
        truth = page_of(task).answer() if task.reference is not None else None
        return compare(
            [answer if isinstance(answer, OCRAnswer) else None for answer in answers], truth, self.wrong(task)
        )

    def text_of(self, answer: Answer) -> str:
        """Return the texts of the sections, one per line."""
        if not isinstance(answer, OCRAnswer):
            return answer.text
        return "\n".join(section.text for section in answer.sections)

    def reference_from(self, task: Task, answer: Answer) -> Page | None:
        """Return a page with exactly the answer's sections."""
        if not isinstance(answer, OCRAnswer) or not answer.sections:
            return None
        lines = tuple(
            Line(part.text, ((x1, y1), (x2, y1), (x2, y2), (x1, y2)), part.font or Font(family="", size=y2 - y1))
            for part in answer.sections
            for x1, y1, x2, y2 in (part.box,)
        )
        return replace(page_of(task), lines=lines)

    def pad(self, answer: Answer, filler: Sequence[str]) -> Answer:
        """List the answer's own sections a second time; prose filler has no place on a page."""
        if not isinstance(answer, OCRAnswer):
            return super().pad(answer, filler)
        return answer.model_copy(update={"sections": (answer.sections * 2)[:MAX_SECTIONS]})

    def guess(self, seed: int, count: int = MAX_SECTIONS) -> OCRAnswer:
        """Return up to `count` different sections of pages like this subnet's; see `guesses`."""
        return guesses(self, min(count, MAX_SECTIONS), seed)

    def inject(self, answer: Answer, instruction: str) -> Answer:
        """Put the instruction in a section of its own, before the others."""
        if not isinstance(answer, OCRAnswer):
            return super().inject(answer, instruction)
        section = Section(text=instruction[:MAX_TEXT], box=(0.0, 0.0, 10.0, 10.0))
        return answer.model_copy(update={"sections": (section, *answer.sections)[:MAX_SECTIONS]})

    def illustrate(self, task: Task, answer: Answer | None) -> bytes | None:
        """Draw true and answered boxes over the page."""
        from .picture import draw_boxes

        sections = answer.sections if isinstance(answer, OCRAnswer) else ()
        return draw_boxes(task.prompt.image, page_of(task), sections)
