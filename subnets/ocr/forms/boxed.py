"""Parsers of the forms that give a box with each text. A text that is not of a form gives no pieces."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from subnets.ocr.grading.markup import blocks

Box = tuple[float, float, float, float]

TEXT_KEYS = ("text", "text_content", "content", "transcription", "label")
BOX_KEYS = ("box", "bbox_2d", "bbox", "box_2d", "polygon", "quad")
_DEEPSEEK = re.compile(
    r"<\|ref\|>(?P<ref>.{0,2000}?)<\|/ref\|>\s*<\|det\|>\s*\[\s*(?P<boxes>\[[^\]]{0,200}\](?:\s*,\s*\[[^\]]{0,200}\])*)"
    r"\s*\]\s*<\|/det\|>(?P<rest>[^<]*)",
    re.DOTALL,
)
_LABELS = {
    *("title", "text", "sub_title", "table", "image", "figure", "formula", "equation", "list", "header", "footer"),
    *("table_caption", "image_caption", "figure_title", "page_number", "footnote", "reference", "code"),
}
"""Words that DeepSeek-OCR writes for a kind of block, where its text follows."""
_PADDLE = re.compile(r"(?:<\|?LOC_\d{1,4}\|?>\s*){4,8}")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_FENCE = re.compile(r"```(?:json)?\s*(.*?)(?:```|\Z)", re.DOTALL)
_OBJECT = re.compile(r"\{[^{}]{1,20000}\}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A text that a model found, and its box in the model's own units."""

    text: str
    box: Box | None = None


def json_boxes(text: str) -> list[Piece]:
    """Read a list of objects with texts and boxes, whatever their keys are called; a broken one as far as it goes."""
    return [Piece(said, box) for said, box in _entries(text) if said]


def layout_json(text: str) -> list[Piece]:
    """Read dots.ocr's layout: blocks of Markdown or HTML tables; of several lines in one the places are not known."""
    pieces: list[Piece] = []
    for said, box in _entries(text):
        parts = blocks(said)
        pieces += [Piece(part, share) for part, share in zip(parts, _shares(box, len(parts)), strict=True)]
    return pieces


def deepseek(text: str) -> list[Piece]:
    """Read DeepSeek-OCR's grounding tags: a text, or the label of a block whose text follows, and boxes of 0 to 999."""
    pieces: list[Piece] = []
    for match in _DEEPSEEK.finditer(text):
        numbers = [float(number) for number in _NUMBER.findall(match["boxes"])]
        box = _box(numbers[:4])
        said = match["ref"].strip()
        if said.lower() in _LABELS and match["rest"].strip():
            parts = blocks(match["rest"])
            pieces += [Piece(part, share) for part, share in zip(parts, _shares(box, len(parts)), strict=True)]
        elif said.lower() not in _LABELS:
            pieces.append(Piece(said, box))
    return pieces


def paddle_layout(text: str) -> list[Piece]:
    """Read PaddleOCR-VL's spotting: each text with the corners of its quadrilateral as tokens <|LOC_123|>."""
    pieces, end = [], 0
    for match in _PADDLE.finditer(text):
        said = re.split(r"[<\n]", text[end : match.start()].rstrip())[-1].strip()
        end = match.end()
        if said:
            pieces.append(Piece(said, _box([float(number) for number in _NUMBER.findall(match[0])])))
    return pieces


def _entries(text: str) -> Iterator[tuple[str, Box | None]]:
    fenced = _FENCE.search(text)
    source = (fenced[1] if fenced else text).strip()
    values: list[Any]
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        values = list(_objects(source))
    else:
        inner = value.get("sections", value.get("layout", value)) if isinstance(value, dict) else value
        values = inner if isinstance(inner, list) else [inner]
    for entry in values:
        if not isinstance(entry, dict):
            continue
        said = next((entry[key] for key in TEXT_KEYS if isinstance(entry.get(key), str)), "")
        place: list[Any] = next((entry[key] for key in BOX_KEYS if isinstance(entry.get(key), list)), [])
        yield said, _box(_flat(place))


def _objects(source: str) -> Iterator[Any]:
    """Yield the objects that can be read in a text that is no JSON as a whole."""
    for match in _OBJECT.finditer(source):
        try:
            yield json.loads(match[0])
        except (ValueError, RecursionError):
            continue


def _flat(place: list[Any]) -> list[float]:
    numbers: list[float] = []
    for item in place[:16]:
        for number in item[:2] if isinstance(item, list) else [item]:
            if not isinstance(number, int | float) or isinstance(number, bool) or not abs(number) < 1e6:
                return []
            numbers.append(float(number))
    return numbers


def _box(numbers: list[float]) -> Box | None:
    """Return the box of two corners or of four; None for anything else."""
    if len(numbers) not in (4, 8) or not all(map(math.isfinite, numbers)):
        return None
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def _shares(box: Box | None, count: int) -> list[Box | None]:
    """Return a block's box for its only line; the places of several lines in it are not known."""
    return [box] if count == 1 else [None] * count
