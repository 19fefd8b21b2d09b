"""GOCR, a small program that recognises characters by rules: cheap, and weak on small or blurred type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from typing import ClassVar

from .lines import Word
from .program import ProgramReader

_TAG = re.compile(r'<(line|space|box) x="(-?\d+)" y="(-?\d+)" dx="(-?\d+)" dy="(-?\d+)"(?: value="([^"]*)")?')
_CERTAINTY = re.compile(r'weights="(\d+)')
UNKNOWN = "_"
"""What GOCR prints for a character that it does not recognise."""


class Gocr(ProgramReader):
    """GOCR, started for each image."""

    description = "gocr, a cheap and weak program that reads by rules (Debian package gocr)"

    program: ClassVar[str] = "gocr"

    def arguments(self, image: str) -> Sequence[str]:
        """Ask for every character and its box, as XML."""
        return ("-f", "XML", "-i", image)

    def words(self, output: str) -> list[Word]:
        """Join characters to words: a tag `space` stands before each of them."""
        words: list[Word] = []
        line, starts = 0, True
        for row in output.splitlines():
            tag = _TAG.search(row)
            if tag is None:
                continue
            kind, text = tag[1], unescape(tag[6] or "")
            if kind == "line":
                line += 1
            if kind != "box":
                starts = True
                continue
            if not text.strip() or text.startswith("("):  # "(PICTURE)" is no text
                starts = True
                continue
            x, y, width, height = (int(tag[number]) for number in range(2, 6))
            certainty = _CERTAINTY.search(row)
            character = Word(text, x, y, x + width, y + height, float(certainty[1]) if certainty else 0.0, line)
            if starts:
                words.append(character)
            else:
                words[-1] = words[-1].joined(character)
            starts = False
        return words
