"""Pages of PDFs, drawn by pypdfium2; their text layer is the truth.

Lines are grouped from characters: one ends where the next character is on another line, where a gap is as wide as
between columns, and at any visible gap where the text layer breaks the line, too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from subnets.errors import PluginError
from subnets.ocr.answer import COLUMN_GAP_EM, MAX_SECTIONS, MAX_TEXT
from subnets.ocr.page import Line

from .document import Document, refuse_size, upright

MAX_PAGES = 2_000
MAX_CHARACTERS = 50_000
"""Characters of a page; a page with more is refused."""

BREAK_GAP_EM = 0.5
"""Gap, in heights of the text, at which a break of the text layer ends a line."""

_pdfium = threading.RLock()
"""Held while pdfium works, because it is not safe in several threads."""


def pages_with_text(path: Path) -> list[bool]:
    """Return for each page of a PDF whether it has a text layer.

    Raises:
        PluginError: broken, with a password, or with too many pages; with the file's name.
    """
    with _opened(path) as pdf:
        if len(pdf) > MAX_PAGES:
            raise PluginError(f"documents: {path}: {len(pdf):,} pages; at most {MAX_PAGES:,} are read: split the file")
        have_text = []
        for number in range(len(pdf)):
            page = pdf[number]
            text = page.get_textpage()
            have_text.append(bool(text.get_text_range().strip()))
            text.close()
            page.close()
        return have_text


def read_page(path: Path, number: int, dpi: int) -> Document:
    """Draw a page, counted from 0, and read its text layer.

    Raises:
        PluginError: the file can't be read or the page is too large; with the file's name.
    """
    import numpy as np

    with _opened(path) as pdf:
        page = pdf[number]
        width, height = (round(side * dpi / 72) for side in page.get_size())
        refuse_size(path, width, height)
        bitmap = page.render(scale=dpi / 72, grayscale=True)
        image = np.array(bitmap.to_numpy())
        image = np.ascontiguousarray(image[:, :, 0] if image.ndim == 3 else image)
        lines = _lines(path, page, image.shape[1], image.shape[0])
        page.close()
    return Document(image, tuple(lines[:MAX_SECTIONS]))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pypdfium2
    except ImportError as error:
        raise PluginError(
            f"documents: {path}: pypdfium2 can't be imported ({error}); get it with: pip install 'subnetlab[documents]'"
        ) from error
    with _pdfium:
        try:
            pdf = pypdfium2.PdfDocument(path)
        except pypdfium2.PdfiumError as error:
            reason = "it needs a password: remove it" if "password" in str(error).lower() else f"it is broken: {error}"
            raise PluginError(f"documents: {path}: the PDF can't be read; {reason}") from None
        try:
            yield pdf
        finally:
            pdf.close()


def _lines(path: Path, page: Any, width: int, height: int) -> list[Line]:
    """Return the lines of a page's text layer, with boxes in pixels of an image of this size."""
    from ctypes import byref, c_int

    from pypdfium2 import raw

    text = page.get_textpage()
    count = text.count_chars()
    if count > MAX_CHARACTERS:
        raise PluginError(f"documents: {path}: a page has {count:,} characters; at most {MAX_CHARACTERS:,} are read")
    pieces: list[tuple[str, list[float]]] = []
    said, box, is_broken = "", [0.0, 0.0, 0.0, 0.0], False
    for index in range(count):
        code = raw.FPDFText_GetUnicode(text, index)
        letter = "-" if code == 2 else chr(code) if 0 < code < 0x110000 else ""
        if letter in "\r\n":
            is_broken = True  # which also happens within a line, after a superscript
            continue
        if letter.isspace():
            said += " " if said else ""
            continue
        left, bottom, right, top = text.get_charbox(index)
        if not letter.isprintable() or right <= left or top <= bottom:
            continue
        if said and _is_apart(box, left, bottom, right, top, is_broken=is_broken):
            pieces.append((said, box))
            said = ""
        box = (
            [min(box[0], left), min(box[1], bottom), max(box[2], right), max(box[3], top)]
            if said
            else [*(left, bottom, right, top)]
        )
        said, is_broken = said + letter, False
    pieces.append((said, box))
    text.close()

    def pixel(x: float, y: float) -> tuple[float, float]:
        across, down = c_int(), c_int()
        raw.FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, byref(across), byref(down))
        return float(across.value), float(down.value)

    lines = []
    for said, (left, bottom, right, top) in pieces:
        if not said.strip():
            continue
        (xa, ya), (xb, yb) = pixel(left, top), pixel(right, bottom)
        x1, y1 = max(0.0, min(xa, xb)), max(0.0, min(ya, yb))
        x2, y2 = min(float(width), max(xa, xb, x1 + 1)), min(float(height), max(ya, yb, y1 + 1))
        if x1 < x2 and y1 < y2:  # text outside of the page can't be read
            lines.append(Line(" ".join(said.split())[:MAX_TEXT], upright(x1, y1, x2, y2)))
    return lines


def _is_apart(line: list[float], left: float, bottom: float, right: float, top: float, *, is_broken: bool) -> bool:
    """Return whether a character belongs to another line than the one before it; `is_broken` where a break parts them.

    Lines may be set so tightly that a bracket of one reaches down to the next, so that their heights alone don't tell:
    after a break, a character to the left of the line's end begins another one.
    """
    height = max(line[3] - line[1], top - bottom)
    overlap = min(line[3], top) - max(line[1], bottom)
    beside = left - line[2] > (BREAK_GAP_EM if is_broken else COLUMN_GAP_EM) * height or right < line[0] - height
    returned = is_broken and left < line[2] - height
    return beside or returned or overlap < -0.3 * height
