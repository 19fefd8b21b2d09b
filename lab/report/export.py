"""A section as files: its table as CSV and JSON, its picture as PNG. The same section gives the same bytes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from lab.files import write_atomically
from lab.statistics import Estimate

from .cells import for_csv, for_json
from .palette import PAPER
from .plotting import WIDTH_PX, new_axes, styled
from .section import Picture, Section

PNG_DPI = 144
"""Twice the size in CSS pixels, for dense screens."""


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
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in section.rows:
            cells: list[Any] = []
            for cell, estimates in zip(row, spread, strict=True):
                cells.append(for_csv(cell))
                if estimates:
                    cells += [cell.low, cell.high, cell.n] if isinstance(cell, Estimate) else [None, None, None]
            writer.writerow(cells)
    return path


def write_json(value: Any, path: Path) -> Path:
    """Write a JSON file whole or not at all."""
    return write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_png(picture: Picture, path: Path) -> Path:
    """Draw a picture on paper."""
    figure = picture.draw(new_axes(WIDTH_PX, picture.height_px))
    with styled():
        figure.savefig(path, dpi=PNG_DPI, facecolor=PAPER, metadata={"Software": None})
    return path
