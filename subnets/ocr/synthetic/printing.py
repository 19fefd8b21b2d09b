"""Printing: draws a page of a given kind, in varying size and type, as a clean image with its lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subnets.ocr.page import Line
from subnets.seed import Seed

from .canvas import Canvas
from .fonts import FAMILIES
from .kinds import KINDS
from .words import Words

SIZES = (18, 19, 20, 21, 22)
"""Sizes of running text, in pixels of a page 900 wide."""
FACES = ("DejaVu Sans", "DejaVu Serif", "STIX", "Lato", "Source Serif Pro")
SLIP_FACES = ("DejaVu Sans Mono", "DejaVu Sans", "Lato")


def faces(kind: str, script: str) -> tuple[str, ...]:
    """Return the type families in which pages of a kind are set and that cover a script."""
    families = SLIP_FACES if kind == "receipt" else FACES
    return tuple(family for family in families if script in FAMILIES[family].scripts)


def print_page(
    kind: str, locale: str, width: int, seed: Seed, language: str = "eng"
) -> tuple[NDArray[np.uint8], list[Line]]:
    """Draw one page, (4/3 width, width) in grey, and list its lines in reading order."""
    words = Words(seed, locale, language)
    unit = width / 900
    canvas = Canvas(
        width,
        width * 4 // 3,
        family=words.pick(faces(kind, words.vocabulary.script)),
        size=round(words.pick(SIZES) * unit),
        margin=round(words.between(45, 70) * unit),
        pitch=words.between(1.4, 1.65),
    )
    KINDS[kind](canvas, words)
    return np.asarray(canvas.image), sorted(
        canvas.lines, key=lambda line: (line.box[3] // canvas.em, line.box[0]) if line.box else (0.0, 0.0)
    )
