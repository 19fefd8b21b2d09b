"""Cells as text: the one place that decides how a value, an interval or a name is written.

Names and reasons may have been written by strangers. Here they lose what could harm a terminal, a chart or a
spreadsheet: control and direction characters, and a formula at the start of a CSV cell.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from math import isfinite

from lab.statistics import Estimate

from .section import Cell, Column, Label

MISSING = "–"
FORMULA = ("=", "+", "-", "@")
"""Starts of a cell that a spreadsheet would calculate."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A cell on a page."""

    value: str
    note: str = ""
    """Smaller, below it: interval and n."""
    tag: str = ""
    """A warning behind it."""
    colour: str = ""
    """CSS variable of the swatch before it."""


def printed(cell: Cell, column: Column) -> Printed:
    """Write a cell, what is smaller apart."""
    if isinstance(cell, Estimate):
        return estimate(cell, column)
    if isinstance(cell, Label):
        return Printed(clean(cell.text), clean(cell.note), cell.tag, cell.colour)
    if isinstance(cell, str):
        return Printed(clean(cell))
    if cell is None:
        return Printed(MISSING)
    if isinstance(cell, bool):
        return Printed("yes" if cell else "no")
    if isinstance(cell, int):
        return Printed(f"{cell:,}{column.unit}")
    return Printed(f"{_bare(column.scale * cell, column)}{column.unit}")


def full(cell: Cell, column: Column) -> str:
    """Write a cell in one line: an estimate as "0.69 (0.41–0.96, n=4)", a name with its asterisk."""
    if isinstance(cell, Label):
        return clean(str(cell))
    shown = printed(cell, column)
    return f"{shown.value} ({shown.note})" if shown.note else shown.value


def compact(cell: Cell, column: Column, *, n: bool) -> str:
    """Write a cell as short as it can be without cutting it: an estimate as "0.69 ±0.28", on request with its n."""
    if not isinstance(cell, Estimate):
        return full(cell, column)
    figure = cell.scaled(column.scale)
    if figure.value is None:
        return f"{MISSING} (n={figure.n})" if n else MISSING
    half = "" if figure.low is None or figure.high is None else f" ±{number((figure.high - figure.low) / 2, column)}"
    return f"{number(figure.value, column)}{column.unit}{half}" + (f" (n={figure.n})" if n else "")


def estimate(figure: Estimate, column: Column) -> Printed:
    """Split an estimate into its value and, smaller, its interval and n."""
    figure = figure.scaled(column.scale)
    if figure.value is None:
        return Printed(MISSING, f"n={figure.n}")
    interval = ""
    if figure.low is not None and figure.high is not None:
        dash = " to " if figure.low < 0 else "–"  # a minus after a dash can't be read
        interval = f"{number(figure.low, column)}{dash}{number(figure.high, column)}, "
    return Printed(f"{number(figure.value, column)}{column.unit}", f"{interval}n={figure.n}")


def number(value: float, column: Column) -> str:
    """Write a number with the digits of its column."""
    return f"{value:.{column.digits}g}" if column.significant else f"{value:,.{column.digits}f}"


def _bare(value: float, column: Column) -> str:
    """Write a number that has no interval: zero in one digit, and nothing else as zero."""
    if value == 0:
        return "0"
    least = 10.0**-column.digits
    if not column.significant and 0 < value < least / 2:
        return f"<{number(least, column)}"
    return number(value, column)


def clean(text: str) -> str:
    """Return text as one line without control and direction characters."""
    return "".join(" " if mark in "\n\t" else mark if visible(mark) else "�" for mark in text)


def plain(text: str, most: int = 400) -> str:
    """Cut text of unknown origin, and make control and direction characters visible; lines stay lines."""
    shown = text if len(text) <= most else f"{text[:most]}…"
    return harmless(shown.replace(" %", "\N{NO-BREAK SPACE}%"))


def harmless(text: str) -> str:
    """Return text whose control and direction characters are visible; lines stay lines."""
    return "".join(mark if mark in "\n\t" or visible(mark) else "�" for mark in text)


def visible(mark: str) -> bool:
    """Return whether a character is safe to print."""
    return unicodedata.category(mark) not in ("Cc", "Cf", "Co", "Cs", "Cn")


def for_csv(cell: Cell) -> str | int | float | bool | None:
    """Return a cell for a spreadsheet; a name that would be a formula there is quoted."""
    if isinstance(cell, Estimate):
        return cell.value
    if isinstance(cell, str | Label):
        text = clean(cell.text if isinstance(cell, Label) else cell)
        return f"'{text}" if text.lstrip().startswith(FORMULA) else text
    return cell


def for_json(cell: Cell) -> str | int | float | bool | dict[str, float | int | None] | None:
    """Return a cell as JSON holds it; an estimate is its value, interval and n."""
    if isinstance(cell, Estimate):
        return plain_figure(cell)
    return cell.text if isinstance(cell, Label) else cell


def plain_figure(figure: Estimate) -> dict[str, float | int | None]:
    """Return an estimate as JSON holds it; an infinite end is null."""
    ends = (None if end is None or not isfinite(end) else end for end in (figure.value, figure.low, figure.high))
    return dict(zip(("value", "low", "high"), ends, strict=True)) | {"n": figure.n}
