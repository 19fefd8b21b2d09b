"""The OCR subnet: miners read synthetic pages whose text is known exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from inference.pixels import image_size
from subnets.answer import Answer
from subnets.errors import PluginError
from subnets.items import Items
from subnets.ocr.comparison.word_slots import compare
from subnets.seed import Seed
from subnets.subnet import Subnet
from subnets.task import Message, Prompt, Task

from .answer import MAX_SECTIONS, MAX_TEXT, Font, OCRAnswer, Section
from .document_test import DocumentTest
from .documents.folder import DocumentFolder
from .forms import FORMS, ModelForm, read_form
from .grading.document_tests import passed_share
from .guesses import guesses
from .page import Line, Page, page_of
from .quality import text_quality
from .section_f1 import Sections
from .synthetic.vocabulary import vocabularies

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
        "document_tests": "subnets.ocr.grading.document_tests:DocumentTests",
        "page_text": "subnets.ocr.grading.page_text:PageText",
        "sections": "subnets.ocr.section_f1:Sections",
        "tutorial": "subnets.ocr.tutorial:Tutorial",
    }

    difficulty: Share | tuple[Share, Share] = (0.0, 0.8)
    """0 is crisp and 1 is barely readable; from a range, each page draws its own."""
    kinds: tuple[Kind, ...] = Field(("invoice", "receipt", "letter", "form", "table"), min_length=1)
    """Kinds of pages, each equally likely."""
    language: str = "eng"
    """Languages of the pages by tesseract's names, joined by "+"; each page is in one of them. They choose words, names
    and typefaces, and the data of miners that run tesseract and name no language of their own."""
    locales: tuple[Locale, ...] = Field(("en_US",), min_length=1)
    """Where names and addresses of English pages come from."""
    width: int = Field(1_000, ge=300, le=4_000)
    """Width of the clean page, in pixels; the height is 4/3 of it, and type grows with it."""
    documents: Path | None = None
    """Folder of real documents to read instead of synthetic pages: PDFs, and images beside their truth as plain text,
    hOCR, ALTO or PAGE; with .jsonl files of olmOCR-bench's tests, the pages that they test. See docs/ocr.md."""
    dpi: int = Field(150, ge=50, le=400)
    """Resolution at which pages of PDFs are drawn, in dots per inch."""

    @field_validator("difficulty")
    @classmethod
    def _range_is_ordered(cls, value: float | tuple[float, float]) -> float | tuple[float, float]:
        if isinstance(value, tuple) and value[0] > value[1]:
            raise ValueError(f"{list(value)} runs backwards; write [{value[1]}, {value[0]}]")
        return value

    @field_validator("language")
    @classmethod
    def _languages_are_known(cls, value: str) -> str:
        known, names = vocabularies(), value.split("+")
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"no pages are written in {unknown[0]!r}; known: {', '.join(known)}")
        if len(set(names)) < len(names):
            raise ValueError(f"{value!r} names a language twice")
        return value

    def model_post_init(self, context: Any, /) -> None:
        """Refuse locales of English where no page is English."""
        if self.locales != ("en_US",) and "eng" not in self.languages():
            raise ValueError(f'locales: they are of English pages, and language is {self.language!r}; add "+eng" to it')

    def task(self, seed: int) -> Task:
        """Draw a page, or choose one of the documents; degrade it, and move its truth along."""
        from . import degrade

        root = Seed(seed)
        choice = root.child("choice").rng()
        kind = self._kind(choice)
        origins = [
            (language, locale)
            for language in self.languages()
            for locale in (self.locales if language == "eng" else vocabularies()[language].locales)
        ]
        language, locale = origins[int(choice.integers(len(origins)))]
        low, high = self.difficulty if isinstance(self.difficulty, tuple) else (self.difficulty, self.difficulty)
        difficulty = low + (high - low) * float(choice.random())

        tests: tuple[DocumentTest, ...] = ()
        if self.documents is None:
            from .synthetic.printing import print_page

            clean, lines = print_page(kind, locale, self.width, root.child("page"), language)
        else:
            folder = DocumentFolder.at(self.documents)
            document = folder.read(int(root.child("page").rng().integers(len(folder.pages))), self.dpi)
            clean, lines, tests, kind = document.image, list(document.lines), document.tests, document.kind
        degradation = degrade.Degradation.draw(difficulty, root.child("degradation").rng())
        image, matrix = degradation.apply(clean, root.child("grain").rng())
        page = Page(image.shape[1], image.shape[0], tuple(degrade.move(line, matrix) for line in lines), tests)
        return Task(
            id=f"{root.child('id').integer():016x}",
            subnet=self.name,
            seed=seed,
            prompt=Prompt((Message("user", INSTRUCTION),), degrade.encode(image, degradation.jpeg_quality)),
            reference=page,
            kind=kind,
            difficulty=difficulty,
        )

    def kind(self, seed: int) -> str | None:
        """Draw the kind that `task` draws; documents have their own."""
        return self._kind(Seed(seed).child("choice").rng()) if self.documents is None else None

    def languages(self) -> tuple[str, ...]:
        """Return the languages of the pages."""
        return tuple(self.language.split("+"))

    def gold(self, task: Task) -> Answer:
        """Return every true section."""
        return page_of(task).answer()

    def scorer(self) -> Sections:
        """Return the grader of text and boxes."""
        return Sections()

    def quality(self, task: Task, answer: Answer) -> float | None:
        """Return the share of the page's characters that need no correction, wherever the boxes are.

        Of a page that only has tests, it is the share of tests passed.
        """
        if not isinstance(answer, OCRAnswer):
            return 0.0
        page = page_of(task)
        if not page.lines:
            return passed_share(page.tests, self.text_of(answer))
        return text_quality([line.text for line in page.lines], [section.text for section in answer.sections])

    def items(self, task: Task, answers: Sequence[Answer | None]) -> Items:
        """Compare answers word by word, wherever their boxes are."""
        truth = page_of(task).answer() if task.reference is not None and page_of(task).lines else None
        return compare(
            [answer if isinstance(answer, OCRAnswer) else None for answer in answers], truth, self.wrong(task)
        )

    @classmethod
    def model_prompt(cls, prompt: Prompt, form: str) -> Prompt:
        """Ask for a page in the form that a model writes."""
        asked = _form(form).prompt
        return replace(prompt, messages=(Message("user", asked),)) if asked else prompt

    @classmethod
    def answer_from_model(cls, text: str, prompt: Prompt, form: str, seen: tuple[int, int] | None = None) -> Answer:
        """Read the sections of what a model wrote, and map boxes back from the size that it saw; see `FORMS`."""
        _form(form)
        size = image_size(prompt.image)
        return OCRAnswer(sections=read_form(text, *size, form or "sections", seen) if size else ())

    def text_of(self, answer: Answer) -> str:
        """Return the texts of the sections, one per line, or the text of an answer that has no sections."""
        if not isinstance(answer, OCRAnswer) or not answer.sections:
            return answer.text
        return "\n".join(section.text for section in answer.sections)

    def reference_from(self, task: Task, answer: Answer) -> Page | None:
        """Return a page with exactly the answer's sections; None unless all have boxes."""
        if not isinstance(answer, OCRAnswer) or not answer.sections:
            return None
        boxes = [part.box for part in answer.sections if part.box is not None]
        if len(boxes) < len(answer.sections):
            return None
        lines = tuple(
            Line(part.text, ((x1, y1), (x2, y1), (x2, y2), (x1, y2)), part.font or Font(family="", size=y2 - y1))
            for part, (x1, y1, x2, y2) in zip(answer.sections, boxes, strict=True)
        )
        return replace(page_of(task), lines=lines)

    def pad(self, answer: Answer, filler: Sequence[str]) -> Answer:
        """List the answer's own sections a second time; prose filler has no place on a page."""
        if not isinstance(answer, OCRAnswer):
            return super().pad(answer, filler)
        return answer.model_copy(update={"sections": (answer.sections * 2)[:MAX_SECTIONS]})

    def guess(self, seed: int, count: int = MAX_SECTIONS) -> OCRAnswer:
        """Return up to `count` different sections of synthetic pages; nobody knows documents by heart."""
        return guesses(self.model_copy(update={"documents": None}), min(count, MAX_SECTIONS), seed)

    def inject(self, answer: Answer, instruction: str) -> Answer:
        """Put the instruction in a section of its own, before the others."""
        if not isinstance(answer, OCRAnswer):
            return super().inject(answer, instruction)
        section = Section(text=instruction[:MAX_TEXT], box=(0.0, 0.0, 10.0, 10.0))
        return answer.model_copy(update={"sections": (section, *answer.sections)[:MAX_SECTIONS]})

    def _kind(self, choice: np.random.Generator) -> str:
        return self.kinds[int(choice.integers(len(self.kinds)))]

    def illustrate(self, task: Task, answer: Answer | None) -> bytes | None:
        """Draw true and answered boxes over the page."""
        from .picture import draw_boxes

        sections = answer.sections if isinstance(answer, OCRAnswer) else ()
        return draw_boxes(task.prompt.image, page_of(task), sections)


def _form(name: str) -> ModelForm:
    if name and name not in FORMS:
        raise PluginError(f"form: unknown form {name!r}; known: {', '.join(FORMS)}")
    return FORMS[name or "sections"]
