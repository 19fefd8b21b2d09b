"""The table of forms in which vision-language models write down a page, each with its prompt and its parser.

    read_form("<|ref|>Total<|/ref|><|det|>[[10, 20, 300, 40]]<|/det|>", 1000, 1400)  ->  (Section("Total", ...), ...)

A text that is not of the expected form is read as Markdown or plain lines: what a model writes is never an error of
ours. Boxes are mapped to pixels of the image as sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from subnets.ocr.answer import MAX_SECTIONS, MAX_TEXT, MAX_TOTAL_TEXT, Section
from subnets.ocr.grading.markup import blocks

from .boxed import Piece, deepseek, json_boxes, layout_json, paddle_layout

MAX_CHARACTERS = 200_000
"""Characters of a model's text that are parsed."""

Parser = Callable[[str], list[Piece]]


@dataclass(frozen=True, slots=True)
class ModelForm:
    """One form: how a model is asked for it, and how its text is read."""

    prompt: str
    """The user's turn; empty keeps the subnet's own instruction."""
    parse: Parser | None = None
    """None reads Markdown or plain lines."""
    grid: float | None = None
    """Boxes count from 0 to this number across the image; None counts pixels of the image as the model saw it."""


FORMS: Mapping[str, ModelForm] = {
    "sections": ModelForm("", json_boxes),
    "markdown": ModelForm("Convert this page to Markdown in reading order. Answer with the Markdown alone."),
    "lines": ModelForm("Read all text of this page. Answer with the text alone, one line for each line of the page."),
    "qwen": ModelForm(
        "Spotting all the text in the image with line-level, and output in JSON format as "
        "[{'bbox_2d': [x1, y1, x2, y2], 'text_content': 'text'}, ...].",
        json_boxes,
    ),
    "qwen_grid": ModelForm(
        "Spotting all the text in the image with line-level, and output in JSON format as "
        "[{'bbox_2d': [x1, y1, x2, y2], 'text_content': 'text'}, ...].",
        json_boxes,
        grid=1000.0,
    ),
    "deepseek": ModelForm("<|grounding|>OCR this image.", deepseek, grid=999.0),
    "dots": ModelForm(
        "Please output the layout information from the PDF image, including each layout element's bbox, its category, "
        "and the corresponding text content within the bbox, as a list of JSON objects in reading order.",
        layout_json,
    ),
    "paddle": ModelForm("Spotting:", paddle_layout, grid=1000.0),
}
"""`qwen` is Qwen2.5-VL with pixels of the image; `qwen_grid` Qwen3-VL, `deepseek` DeepSeek-OCR, `dots` dots.ocr and
`paddle` PaddleOCR-VL, with the grids of their publications."""


def read_form(
    text: str, width: int, height: int, form: str = "sections", seen: tuple[int, int] | None = None
) -> tuple[Section, ...]:
    """Return the sections of a model's text about an image of this size; `seen` is the size that the model saw."""
    text = text[:MAX_CHARACTERS]
    known = FORMS[form]
    pieces: list[Piece] = known.parse(text) if known.parse is not None else []
    if not pieces:
        pieces = [Piece(block) for block in blocks(text)]
    across, down = seen or (width, height)
    sections: list[Section] = []
    left = MAX_TOTAL_TEXT
    for piece in pieces[:MAX_SECTIONS]:
        said = piece.text.strip()[: min(MAX_TEXT, left)]
        if not said:
            continue
        left -= len(said)
        scale_x, scale_y = width / (known.grid or across), height / (known.grid or down)
        sections.append(Section(text=said, box=_inside(piece.box, scale_x, scale_y, width, height)))
    return tuple(sections)


def _inside(
    box: tuple[float, float, float, float] | None, scale_x: float, scale_y: float, width: int, height: int
) -> tuple[float, float, float, float] | None:
    """Scale a box to the image and cut it at its edges; None if nothing of it is inside."""
    if box is None:
        return None
    x1, x2 = sorted((box[0] * scale_x, box[2] * scale_x))
    y1, y2 = sorted((box[1] * scale_y, box[3] * scale_y))
    x1, y1, x2, y2 = max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2)
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None
