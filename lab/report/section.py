"""What a study publishes: a page, and beside it every picture as PNG and every table as CSV and JSON.

    publish(Publication(title, findings, sections, facts), Path("runs/study-overhead"))

The same sections give the same bytes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.statistics import Estimate

from .captions import Caption
from .charts import WIDTH_PX, new_axes, styled
from .html import Chart, chart, estimate, render, write
from .palette import PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cell = str | int | float | bool | Estimate | None

PNG_DPI = 144
"""Twice the size in CSS pixels, for screens with as many."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    key: str
    """Its name in CSV and JSON, unit included: "cpu_s"."""
    title: str
    """Its name on the page."""
    digits: int = 3
    unit: str = ""
    """Printed behind each value on the page: "×", " %"."""
    scale: float = 1.0
    """Of the page's values over those of the files: 100 for a share shown in percent."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart of a section."""

    draw: Callable[[Axes], Figure]
    height_px: float = 320
    phone_px: float = 300


@dataclass(frozen=True, slots=True)
class Section:
    """One question and its answer: a picture, a plain sentence, a table."""

    key: str
    """Names its files."""
    title: str
    caption: Caption
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    """Each aligned with `columns`; the first cell names the row."""
    picture: Picture | None = None

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"section {self.key}: a row of {len(row)} cells under {len(self.columns)} columns")


@dataclass(frozen=True, slots=True)
class Publication:
    """All of a study's results."""

    study: str
    title: str
    findings: tuple[str, ...]
    """The answers, a sentence each, the most important first."""
    sections: tuple[Section, ...]
    facts: tuple[tuple[str, str], ...] = ()
    """What was run, by name."""
    links: tuple[tuple[str, str], ...] = ()
    """Further pages in the study's folder: what they are called, and their places in it."""


def publish(publication: Publication, folder: Path) -> Path:
    """Write `index.html`, `result.json`, and each section's PNG, CSV and JSON; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    charts: dict[str, Chart] = {}
    for section in publication.sections:
        if section.rows:
            write_csv(section, folder / f"{section.key}.csv")
            _write_json(as_dict(section), folder / f"{section.key}.json")
        if section.picture is not None:
            picture, alt = section.picture, f"{section.caption.shows} The figures are in the table."
            charts[section.key] = chart(
                section.key, alt, picture.draw, height_px=picture.height_px, phone_px=picture.phone_px
            )
            write_png(picture, folder / f"{section.key}.png")
    _write_json(
        {
            "study": publication.study,
            "title": publication.title,
            "findings": list(publication.findings),
            "facts": dict(publication.facts),
            "sections": [as_dict(section) for section in publication.sections],
        },
        folder / "result.json",
    )
    page = render("study.html", title=publication.title, study=publication, charts=charts, shown=shown)
    return write(page, folder / "index.html")


def as_dict(section: Section) -> dict[str, Any]:
    """Return a section as JSON holds it; an estimate is its value, interval and n."""
    rows = [
        {column.key: _plain(cell) for column, cell in zip(section.columns, row, strict=True)} for row in section.rows
    ]
    return {
        "key": section.key,
        "title": section.title,
        "shows": section.caption.shows,
        "not_shown": section.caption.not_shown,
        "rows": rows,
    }


def write_csv(section: Section, path: Path) -> Path:
    """Write a section's table; an estimate takes four columns: its value, `_low`, `_high` and `_n`."""
    wide = [any(isinstance(row[place], Estimate) for row in section.rows) for place in range(len(section.columns))]
    names = [
        name
        for column, estimates in zip(section.columns, wide, strict=True)
        for name in (
            [column.key, f"{column.key}_low", f"{column.key}_high", f"{column.key}_n"] if estimates else [column.key]
        )
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in section.rows:
            cells: list[Any] = []
            for cell, estimates in zip(row, wide, strict=True):
                if isinstance(cell, Estimate):
                    cells += [cell.value, cell.low, cell.high, cell.n]
                else:
                    cells += [cell, None, None, None] if estimates else [cell]
            writer.writerow(cells)
    return path


def write_png(picture: Picture, path: Path) -> Path:
    """Draw a picture on paper."""
    figure = picture.draw(new_axes(WIDTH_PX, picture.height_px))
    with styled():
        figure.savefig(path, dpi=PNG_DPI, facecolor=PAPER, metadata={"Software": None})
    return path


def shown(cell: Cell, column: Column) -> dict[str, str]:
    """Split a cell for the page into its value and what belongs under it."""
    if isinstance(cell, Estimate):
        return estimate(cell, column.digits, column.unit, column.scale)
    if cell is None:
        return {"value": "–", "note": ""}
    if isinstance(cell, bool):
        return {"value": "yes" if cell else "no", "note": ""}
    if isinstance(cell, float):
        return {"value": f"{column.scale * cell:,.{column.digits}f}{column.unit}", "note": ""}
    return {"value": f"{cell:,}{column.unit}" if isinstance(cell, int) else cell, "note": ""}


def text_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Return the cells as a terminal shows them: value and interval in one line."""
    return [
        [" ".join(filter(None, shown(cell, column).values())) for cell, column in zip(row, columns, strict=True)]
        for row in rows
    ]


def plain_figure(figure: Estimate) -> dict[str, float | int | None]:
    """Return an estimate as JSON holds it: an end that is infinite is none."""
    ends = (None if end is None or not isfinite(end) else end for end in (figure.value, figure.low, figure.high))
    return dict(zip(("value", "low", "high"), ends, strict=True)) | {"n": figure.n}


def _plain(cell: Cell) -> Any:
    return plain_figure(cell) if isinstance(cell, Estimate) else cell


def _write_json(value: Any, path: Path) -> None:
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
