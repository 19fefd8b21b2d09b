r"""What a page of Markdown or HTML says: its blocks of text without marks, and its tables as cells.

blocks("# Invoice\n| Item | Price |\n|---|---|\n| Lamp | 12 |")  ->  ["Invoice", "Item", "Price", "Lamp", "12"]
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

MAX_SPAN = 50
"""Maximum rows or columns that one cell covers."""
MAX_CELLS = 20_000
"""Maximum cells of all tables of a page."""

_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
# Each part stops where another of its kind begins, so that no text of a model takes more than linear time.
_HTML_TABLE = re.compile(r"<table\b(?:(?!<table\b).)*?</table\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,500}>")
_LEADING = re.compile(r"^\s*(#{1,6}\s+|[-*+]\s+|>\s?|\d{1,3}[.)]\s+(?=\S))")
_IMAGE = re.compile(r"!\[[^\[\]\n]*\]\([^()\n]*\)")
_LINK = re.compile(r"\[([^\[\]\n]*)\]\([^()\n]*\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.{1,2000}?)(?<=\S)\1")
_FENCE = re.compile(r"^\s*(```|~~~)\w*\s*$")


@dataclass(slots=True)
class TableCells:
    """A table as a grid: a cell that covers several places is in all of them."""

    rows: list[list[str]] = field(default_factory=list)
    headings: set[tuple[int, int]] = field(default_factory=set)
    """Places, by row and column, of cells that are headings."""


def tables(text: str) -> list[TableCells]:
    """Return the tables of a page in Markdown or HTML."""
    result = []
    for match in _HTML_TABLE.finditer(text):
        parser = _TableParser()
        parser.feed(match[0])
        parser.close()
        result.append(parser.table)
    rest = _HTML_TABLE.sub("\n", text).splitlines()
    number = 0
    while number < len(rest):
        rows = []
        while number < len(rest) and rest[number].count("|") >= 1 and rest[number].strip():
            rows.append(rest[number])
            number += 1
        if len(rows) >= 2 and any(_RULE.match(row) and "-" in row for row in rows[:2]):
            cells = [_cells(row) for row in rows if not _RULE.match(row)]
            width = max(map(len, cells), default=0)
            grid = [row + [""] * (width - len(row)) for row in cells]
            result.append(TableCells(grid, {(0, column) for column in range(width)} if grid else set()))
        number += 1
    return result


def blocks(text: str) -> list[str]:
    """Return the lines and cells of a page in their order, without marks of Markdown or HTML."""
    parts: list[str] = []
    start = 0
    for match in _HTML_TABLE.finditer(text):
        parts += _lines(text[start : match.start()])
        parser = _TableParser()
        parser.feed(match[0])
        parts += parser.cells
        start = match.end()
    parts += _lines(text[start:])
    return [part for part in parts if part]


def _lines(text: str) -> list[str]:
    parts: list[str] = []
    for line in re.sub(r"<br\s*/?>|</(p|div|li|h[1-6])>", "\n", text, flags=re.IGNORECASE).splitlines():
        if _FENCE.match(line) or (_RULE.match(line) and "-" in line):
            continue
        row = line.strip()
        pieces = _cells(row) if row.startswith("|") and row.count("|") > 1 else [_LEADING.sub("", line)]
        parts += [_plain(piece) for piece in pieces]
    return parts


def _plain(text: str) -> str:
    text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    return " ".join(unescape(_TAG.sub("", _STRONG.sub(r"\2", text))).split())


def _cells(row: str) -> list[str]:
    inner = row.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", inner)]


class _TableParser(HTMLParser):
    """Reads one table, with spans."""

    def __init__(self) -> None:
        super().__init__()
        self.table = TableCells()
        self.cells: list[str] = []
        """Each cell once, in the order of the source."""
        self._taken: dict[tuple[int, int], str] = {}
        self._row = -1
        self._text: list[str] | None = None
        self._span = (1, 1)
        self._heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._end_cell()
            self._row += 1
        elif tag in ("td", "th"):
            self._end_cell()
            self._row = max(0, self._row)
            attributes = dict(attrs)
            self._span = _span(attributes.get("rowspan")), _span(attributes.get("colspan"))
            self._heading, self._text = tag == "th", []
        elif tag == "br" and self._text is not None:
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "table"):
            self._end_cell()
        if tag == "table":
            self._fill()

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _end_cell(self) -> None:
        if self._text is None:
            return
        text, self._text = _plain("".join(self._text)), None
        self.cells.append(text)
        column = 0
        while (self._row, column) in self._taken:
            column += 1
        for down in range(self._span[0]):
            for right in range(self._span[1]):
                place = (self._row + down, column + right)
                if len(self._taken) < MAX_CELLS:
                    self._taken[place] = text
                    if self._heading:
                        self.table.headings.add(place)

    def _fill(self) -> None:
        height = 1 + max((row for row, _ in self._taken), default=-1)
        width = 1 + max((column for _, column in self._taken), default=-1)
        if height * width <= 10 * MAX_CELLS:
            self.table.rows = [[self._taken.get((row, column), "") for column in range(width)] for row in range(height)]


def _span(value: str | None) -> int:
    return min(MAX_SPAN, max(1, int(value))) if value and value.strip().isascii() and value.strip().isdigit() else 1
