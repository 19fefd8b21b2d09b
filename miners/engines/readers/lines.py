"""Lines of text, boxed as a person would box them, from the words that an engine recognised.

Engines group words into lines by their baselines, which follows a rotated page well. But such a line may span two
columns or cells, and one printed line may be split between two of an engine's blocks. The gaps between words decide
both cases. They are measured in heights of the text, so neither resolution nor font size matters.

    lines(words_of(tsv))  ->  (Line("Invoice No. 17", 40.0, 52.0, 210.0, 71.0), ...)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, median


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its box in pixels, origin top left."""

    text: str
    x1: float
    y1: float
    x2: float
    y2: float
    confidence: float = 100.0
    """The engine's own confidence in percent; 100 if it has none."""
    line: int = 0
    """Number of the word's line by the engine."""

    def joined(self, other: Word) -> Word:
        """Return this word continued by the next character of the same word."""
        length, more = len(self.text), len(other.text)
        return Word(
            self.text + other.text,
            min(self.x1, other.x1),
            min(self.y1, other.y1),
            max(self.x2, other.x2),
            max(self.y2, other.y2),
            (self.confidence * length + other.confidence * more) / (length + more),
            self.line,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """Words that are read as one piece, and their bounding box in pixels, origin top left."""

    text: str
    x1: float
    y1: float
    x2: float
    y2: float
    confidence: float = 100.0
    """Mean confidence of its words in percent."""


def words_of(tsv: str) -> list[Word]:
    """Parse tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, conf, text."""
    words: list[Word] = []
    line = 0
    for row in tsv.split("\n"):
        cells = row.split("\t", 11)
        if cells[0] == "4":
            line += 1
        if cells[0] != "5" or len(cells) < 12 or not cells[11].strip():
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        words.append(Word(cells[11].strip(), left, top, left + width, top + height, float(cells[10]), line))
    return words


def lines(words: Iterable[Word], *, gap: float = 1.3, min_confidence: float = 0.0) -> tuple[Line, ...]:
    """Merge words into lines, sorted from top to bottom.

    A space wider than `gap` heights of the text separates two lines; a narrower one joins pieces on the same line.
    """
    sure = sorted((word for word in words if word.confidence >= min_confidence), key=lambda word: (word.line, word.x1))
    pieces: list[list[Word]] = []
    for _, group in groupby(sure, key=lambda word: word.line):
        pieces += _split(list(group), gap)
    return tuple(sorted((_boxed(piece) for piece in _join(pieces, gap)), key=lambda line: (line.y1, line.x1)))


def _split(words: Sequence[Word], gap: float) -> list[list[Word]]:
    pieces = [[words[0]]]
    height = _height(words)
    right = words[0].x2
    for word in words[1:]:
        if word.x1 - right > gap * height:
            pieces.append([])
        pieces[-1].append(word)
        right = max(right, word.x2)
    return pieces


def _join(pieces: list[list[Word]], gap: float) -> list[list[Word]]:
    """Join each piece to the one on its left if they are on the same line and close enough."""
    joined: list[list[Word]] = []
    for piece in sorted(pieces, key=lambda piece: piece[0].x1):
        for other in joined:
            if other[0].line != piece[0].line and _continues(other, piece, gap):
                other.extend(piece)
                break
        else:
            joined.append(list(piece))
    return joined


def _continues(left: Sequence[Word], right: Sequence[Word], gap: float) -> bool:
    """Return True if `right` starts where `left` ends, by their adjacent words, so that a slope does not matter."""
    last, first = max(left, key=lambda word: word.x2), right[0]
    small, large = sorted((_height(left), _height(right)))
    overlap = min(last.y2, first.y2) - max(last.y1, first.y1)
    return (
        large < 2 * small
        and -small / 2 < first.x1 - last.x2 <= gap * small
        and overlap > min(last.y2 - last.y1, first.y2 - first.y1) / 2
    )


def _height(words: Sequence[Word]) -> float:
    return median(word.y2 - word.y1 for word in words)


def _boxed(words: Sequence[Word]) -> Line:
    return Line(
        " ".join(word.text for word in words),
        min(word.x1 for word in words),
        min(word.y1 for word in words),
        max(word.x2 for word in words),
        max(word.y2 for word in words),
        fmean(word.confidence for word in words),
    )
