"""Helpers of the sections: tables without empty columns, and pictures with a row for each miner."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.report.section import Caption, Cell, Column, Picture, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_PX = 28


def rows_picture(draw: Callable[[Axes], Figure], rows: int) -> Picture:
    """Return a picture with room for so many rows."""
    return Picture(draw, 70 + ROW_PX * max(1, rows), 80 + ROW_PX * max(1, rows))


def without_empty_columns(
    key: str,
    title: str,
    caption: Caption,
    columns: tuple[Column, ...],
    rows: tuple[tuple[Cell, ...], ...],
    picture: Picture | None = None,
) -> Section:
    """Make a section without the columns that are empty in every row."""
    kept = [place for place in range(len(columns)) if any(row[place] is not None for row in rows)]
    return Section(
        key,
        title,
        caption,
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
        picture,
    )
