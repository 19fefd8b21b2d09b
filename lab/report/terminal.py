"""Sections in a terminal: whatever its width, no name and no figure is cut.

    show(sections, findings, heading=("ocr: 6 miners", "run: ocr"), wide=False)

A table that is too wide first wraps its titles, as little as it can, then writes an interval as ±, then leaves out
columns from the right and names them. If not even three columns fit, each row becomes a block of lines. `wide` prints
everything.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.statistics import Estimate

from .cells import clean, compact, full
from .section import Section

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

MOST_ROWS = 40
"""Rows of a table that are printed; a terminal is no place to study hundreds."""
MOST_LINES = 99
"""More lines than any title has words."""
LEAST_COLUMNS = 3
"""Columns below which rows are printed as blocks."""
GAP = "  "


@dataclass(frozen=True, slots=True)
class TextGrid:
    """A table as text, ready to be measured."""

    titles: tuple[tuple[str, ...], ...]
    """Lines of each column's title."""
    cells: tuple[tuple[str, ...], ...]
    left: tuple[bool, ...]

    @property
    def widths(self) -> list[int]:
        """Width of each column."""
        columns = [[*title, *(row[place] for row in self.cells)] for place, title in enumerate(self.titles)]
        return [max(map(_width, column)) for column in columns]

    def fitting(self, width: int | None) -> int:
        """Return how many columns fit, counted from the left."""
        used, count = -len(GAP), 0
        for column in self.widths:
            used += len(GAP) + column
            if width is not None and used > width:
                break
            count += 1
        return count

    def wrapped(self, lines: int) -> TextGrid:
        """Return the table with its titles in so many lines at most, each as wide as its column allows."""
        titles = []
        for place, title in enumerate(self.titles):
            words = " ".join(title)
            body = max((_width(row[place]) for row in self.cells), default=0)
            width = max(body, *map(_width, words.split()), 1)
            while len(wrapped := tuple(_wrapped(words, width))) > lines:
                width += 1
            titles.append(wrapped)
        return replace(self, titles=tuple(titles))

    def squeezed(self, width: int | None, columns: int) -> TextGrid | None:
        """Wrap titles onto the fewest lines with which so many columns fit; None if no number of lines does."""
        most = max((len(" ".join(title).split()) for title in self.titles), default=1)
        tries = (self if lines == 1 else self.wrapped(lines) for lines in range(1, max(1, most) + 1))
        return next((grid for grid in tries if grid.fitting(width) >= columns), None)

    def line(self, texts: Sequence[str]) -> str:
        """Align one row, which may be shorter than the table."""
        padded = [
            text + " " * (width - _width(text)) if left else " " * (width - _width(text)) + text
            for text, width, left in zip(texts, self.widths, self.left, strict=False)
        ]
        return GAP.join(padded).rstrip()


def show(
    sections: Iterable[Section],
    findings: Iterable[str] = (),
    *,
    heading: Sequence[str] = (),
    wide: bool = False,
    console: Console | None = None,
) -> None:
    """Print sections and the findings: below the heading, or last without one."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console()
    width = None if wide else console.width
    top = [
        Text(line, style="" if place else "bold")
        for place, text in enumerate(heading)
        for line in _wrapped(clean(text), width)
    ]
    bullets = [Text(line) for finding in findings for line in _wrapped(f"- {clean(finding)}", width, "  ")]
    tables = [line for section in sections for line in section_lines(section, width)]
    for line in [*top, *bullets, *tables] if top else [*tables, *bullets]:
        console.print(line, soft_wrap=True, highlight=False)


def section_lines(section: Section, width: int | None) -> list[Text]:
    """Return the lines of a section; `width` None leaves out nothing."""
    from rich.text import Text

    lines = [Text(), *(Text(line, style="bold") for line in _wrapped(clean(section.title), width))]
    for fact in section.facts:
        text = f"{clean(fact.column.title)}: {full(fact.value, fact.column)}"
        lines += [Text(line) for line in _wrapped(text, width, "  ")]
    notes: list[str] = []
    if section.rows:
        lines += _table(section, width, notes)
    notes += [f"* {tag}" for tag in section.tags]
    if section.caption.shows:
        lines += [Text(line) for line in _wrapped(clean(section.caption.shows), width)]
    lines += [Text(line, style="dim") for note in notes for line in _wrapped(note, width)]
    return lines


def _table(section: Section, width: int | None, notes: list[str]) -> list[Text]:
    """Return a section's rows in the fullest form that fits, and add to `notes` what is left out."""
    rows = _shown_rows(section, width)
    if len(rows) < len(section.rows):
        notes.append(f"{len(section.rows) - len(rows)} more are in the report; --wide prints all.")
    whole = _grid(section, rows).squeezed(width, len(section.columns))
    if whole is not None:
        return _grid_lines(section, rows, whole, len(section.columns))
    sizes = {cell.n for row in rows for cell in section.rows[row] if isinstance(cell, Estimate)}
    short = _grid(section, rows, short=True, n=len(sizes) > 1)
    columns = short.wrapped(MOST_LINES).fitting(width)
    grid = short.squeezed(width, columns)
    if grid is None or columns < min(LEAST_COLUMNS, len(section.columns)):
        return _blocks(section, rows, width)
    if any(isinstance(cell, Estimate) for row in section.rows for cell in row[:columns]):
        notes.append("± is half of the 95 % interval" + (f"; n={sizes.pop()}." if len(sizes) == 1 else "."))
    if columns < len(section.columns):
        hidden = ", ".join(clean(column.title) for column in section.columns[columns:])
        notes.append(f"Left out for lack of room: {hidden}; --wide prints everything.")
    return _grid_lines(section, rows, grid, columns)


def _shown_rows(section: Section, width: int | None) -> list[int]:
    """Return which rows to print: all, or as many of the largest group as `MOST_ROWS` leaves room for."""
    rows = list(range(len(section.rows)))
    if width is None or len(rows) <= MOST_ROWS:
        return rows
    starts = sorted({0, *section.groups, *section.sums, *(place + 1 for place in section.sums), len(rows)})
    groups = [rows[start:end] for start, end in zip(starts, starts[1:], strict=False)]
    largest = max(groups, key=len)
    left = max(1, MOST_ROWS - (len(rows) - len(largest)))
    hidden = set(largest[left:])
    return [row for row in rows if row not in hidden]


def _grid(section: Section, rows: Sequence[int], *, short: bool = False, n: bool = True) -> TextGrid:
    columns = section.columns
    titles = [clean(column.title) for column in columns]
    return TextGrid(
        tuple((title,) for title in titles),
        tuple(
            tuple(
                compact(cell, column, n=n) if short else full(cell, column)
                for cell, column in zip(section.rows[row], columns, strict=True)
            )
            for row in rows
        ),
        tuple(section.aligns_left(place) for place in range(len(columns))),
    )


def _grid_lines(section: Section, rows: Sequence[int], grid: TextGrid, columns: int) -> list[Text]:
    from rich.text import Text

    height = max(len(title) for title in grid.titles[:columns])
    titles = [("",) * (height - len(title)) + title for title in grid.titles[:columns]]
    rule = "─" * (sum(grid.widths[:columns]) + len(GAP) * (columns - 1))
    lines = [Text(grid.line([title[place] for title in titles]), style="dim") for place in range(height)]
    lines.append(Text(rule, style="dim"))
    after = {place + 1 for place in section.sums}
    for number, row in enumerate(rows):
        if number and (row in section.groups or row in section.sums or row in after):
            lines.append(Text(rule, style="dim"))
        lines.append(Text(grid.line(grid.cells[number][:columns]), style="bold" if row in section.sums else ""))
    return lines


def _blocks(section: Section, rows: Sequence[int], width: int | None) -> list[Text]:
    """Return each row as its name and a line for every other column."""
    from rich.text import Text

    lines: list[Text] = []
    for row in rows:
        name, *cells = section.rows[row]
        lines.append(Text(full(name, section.columns[0]), style="bold"))
        for cell, column in zip(cells, section.columns[1:], strict=True):
            text = f"  {clean(column.title)}: {full(cell, column)}"
            lines += [Text(line) for line in _wrapped(text, width, "    ")]
    return lines


def _wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    """Break text between words alone."""
    if width is None or not text:
        return [text]
    first = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(
        text.strip(),
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
