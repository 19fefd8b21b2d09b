"""Ocrad, a small program that recognises characters by their features: the cheapest reader, and the weakest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from .lines import Word
from .program import ProgramReader

_CHARACTER = re.compile(r"^ *(-?\d+) +(-?\d+) +(\d+) +(\d+); (\d+)(?:, '(.)'(\d))?")
UNKNOWN = "_"
"""What Ocrad prints for a character that it does not recognise."""


class Ocrad(ProgramReader):
    """Ocrad, started for each image."""

    description = "ocrad, the cheapest and weakest program that reads (Debian package ocrad)"

    program: ClassVar[str] = "ocrad"

    def arguments(self, image: str) -> Sequence[str]:
        """Ask for columns to be read apart, and for every character and its box in Ocrad's results format."""
        return ("--layout", "--format=utf8", "--export=-", image)

    def words(self, output: str) -> list[Word]:
        """Join the characters between two spaces to words."""
        words: list[Word] = []
        line, starts = 0, True
        for row in output.splitlines():
            if row.startswith("line "):
                line, starts = line + 1, True
            character = _CHARACTER.match(row)
            if character is None:
                continue
            text = character[6] or UNKNOWN
            if text.isspace():
                starts = True
                continue
            x, y, width, height = (int(character[number]) for number in range(1, 5))
            box = Word(text, x, y, x + width, y + height, 100.0 if character[6] else 0.0, line)
            if starts:
                words.append(box)
            else:
                words[-1] = words[-1].joined(box)
            starts = False
        return words
