"""A section as files: its table as CSV and JSON, its picture as PNG. The same section gives the same bytes."""

from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.files import write_atomically
from lab.statistics import Estimate

from .cells import clean, for_csv, for_json, full
from .glyphs import spelled
from .palette import INK, LINE, MUTED, PAPER
from .plotting import ROW_PX, WIDTH_PX, draw, figure_of, new_axes, styled
from .section import Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 144
"""Twice the size in CSS pixels, for dense screens."""
MOST_ROWS = 60
"""Rows in the picture of a table; the CSV has all."""
CHARACTER_PX = 7.5
"""Width to reserve for a character of a table."""


def as_dict(section: Section) -> dict[str, Any]:
    """Return a section as JSON holds it; an estimate is its value, interval and n."""
    rows = [
        {column.key: for_json(cell) for column, cell in zip(section.columns, row, strict=True)} for row in section.rows
    ]
    facts = {fact.column.key: for_json(fact.value) for fact in section.facts}
    return {
        "key": section.key,
        "title": section.title,
        "shows": section.caption.shows,
        "not_shown": section.caption.not_shown,
        **({"facts": facts} if facts else {}),
        "rows": rows,
    }


def write_csv(section: Section, path: Path) -> Path:
    """Write a section's table; an estimate takes four columns: its value, `_low`, `_high` and `_n`."""
    spread = [any(isinstance(row[place], Estimate) for row in section.rows) for place in range(len(section.columns))]
    names = [
        name
        for column, estimates in zip(section.columns, spread, strict=True)
        for name in (
            [column.key, f"{column.key}_low", f"{column.key}_high", f"{column.key}_n"] if estimates else [column.key]
        )
    ]
    file = StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([for_csv(name) for name in names])
    for row in section.rows:
        cells: list[Any] = []
        for cell, estimates in zip(row, spread, strict=True):
            cells.append(for_csv(cell))
            if estimates:
                cells += [cell.low, cell.high, cell.n] if isinstance(cell, Estimate) else [None, None, None]
        writer.writerow(cells)
    return write_atomically(path, file.getvalue())


def write_json(value: Any, path: Path) -> Path:
    """Write a JSON file whole or not at all."""
    return write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_png(section: Section, path: Path) -> Path:
    """Draw a section's picture on paper, or its table if it has no picture."""
    if section.picture is not None:
        figure = draw(section.picture, WIDTH_PX, section.picture.height_px, spell=True)
    else:
        figure = draw_table(section)
    file = BytesIO()
    with styled():
        figure.savefig(file, format="png", dpi=PNG_DPI, facecolor=PAPER, metadata={"Software": None})
    return write_atomically(path, file.getvalue())


def draw_table(section: Section) -> Figure:
    """Draw a section's table, or its facts if it has none, as wide as its cells are."""
    if section.rows:
        titles = [clean(column.title) for column in section.columns]
        lines = [
            [full(cell, column) for cell, column in zip(row, section.columns, strict=True)]
            for row in section.rows[:MOST_ROWS]
        ]
        left = [section.aligns_left(place) for place in range(len(titles))]
    else:
        titles, left = ["figure", "value"], [True, False]
        lines = [[clean(fact.column.title), full(fact.value, fact.column)] for fact in section.facts]
    texts = [titles, *lines]
    widths = [CHARACTER_PX * (2 + max(len(line[place]) for line in texts)) for place in range(len(titles))]
    ends = list(accumulate(widths))
    ax = new_axes(max(WIDTH_PX, ends[-1]), ROW_PX * (2 + len(texts)))
    with styled():
        for number, line in enumerate(texts):
            for text, width, end, to_left in zip(line, widths, ends, left, strict=True):
                x, side = (end - width, "left") if to_left else (end - CHARACTER_PX, "right")
                ax.text(x, number, spelled(text), color=INK if number else MUTED, va="center", ha=side)
            ax.plot([0, ends[-1]], [number + 0.5] * 2, color=LINE, linewidth=0.8)
        ax.set_title(spelled(clean(section.title)), loc="left")
        ax.set_xlim(0, max(WIDTH_PX, ends[-1]))
        ax.set_ylim(len(texts) - 0.5, -0.5)
        ax.set_axis_off()
    return figure_of(ax)
