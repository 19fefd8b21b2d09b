"""One page of a real document: its clean image and what is known of its text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from subnets.errors import PluginError
from subnets.ocr.document_test import DocumentTest
from subnets.ocr.page import Line, Quad

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_PIXELS = 20_000_000
MAX_SIDE = 8_000
"""Limits of an image; readers take no larger ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A page with its image, (height, width) in grey, and its truth in reading order."""

    image: NDArray[np.uint8]
    lines: tuple[Line, ...] = ()
    tests: tuple[DocumentTest, ...] = ()
    kind: str = "document"


def refuse_size(path: Path, width: int, height: int) -> None:
    """Refuse an image that is too large.

    Raises:
        PluginError: with the file's name and the limits.
    """
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise PluginError(
            f"documents: {path}: {width} x {height} pixels; at most {MAX_SIDE:,} a side and {MAX_PIXELS:,} in all "
            "are read: scale it down, or lower dpi for a PDF"
        )


def upright(x1: float, y1: float, x2: float, y2: float) -> Quad:
    """Return the corners of a box."""
    return (x1, y1), (x2, y1), (x2, y2), (x1, y2)
