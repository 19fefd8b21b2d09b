"""Cells as text: the one place that decides how a value, an interval or a name is written.

Names and reasons may have been written by strangers. Here they lose what could harm a terminal, a chart or a
spreadsheet: control and direction characters, and a formula at the start of a CSV cell.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from math import isfinite

from lab.statistics import Estimate, number

from .section import Cell, Column, Label

MISSING = "–"
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r")
"""Starts of a cell that a spreadsheet would calculate."""
HIDDEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
"""Categories of characters that show as nothing, turn the direction of others, or break a line."""


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
    href: str = ""
    """Address that it leads to."""


def printed(cell: Cell, column: Column) -> Printed:
    """Write a cell, what is smaller apart."""
    if isinstance(cell, Estimate):
        return estimate(cell, column)
    if isinstance(cell, Label):
        return Printed(clean(cell.text), clean(cell.note), cell.tag, cell.colour, cell.href)
    if isinstance(cell, str):
        return Printed(clean(cell))
    if cell is None:
        return Printed(MISSING)
    if isinstance(cell, bool):
        return Printed("yes" if cell else "no")
    if isinstance(cell, int):
        return Printed(f"{cell:,}{column.unit}")
    text = number(column.scale * cell, column.digits, significant=column.significant) if cell else "0"
    return Printed(f"{text}{column.unit}")


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
        return f"{MISSING} (n={figure.n:,})" if n else MISSING
    value, half = figure.parts(column.digits, significant=column.significant)[0], ""
    if figure.interval is not None:
        low, high = figure.interval
        half = f" ±{number((high - low) / 2, column.digits, significant=column.significant)}"
    return f"{value}{column.unit}{half}" + (f" (n={figure.n:,})" if n else "")


def estimate(figure: Estimate, column: Column) -> Printed:
    """Split an estimate into its value and, smaller, its interval and n."""
    figure = figure.scaled(column.scale)
    if figure.value is None:
        return Printed(MISSING, f"n={figure.n:,}")
    value, *ends = figure.parts(column.digits, significant=column.significant)
    dash = " to " if ends and ends[0].startswith("-") else "–"  # a minus after a dash can't be read
    return Printed(f"{value}{column.unit}", f"{dash.join(ends)}{', ' if ends else ''}n={figure.n:,}")


def clean(text: str) -> str:
    """Return text as one line without control and direction characters."""
    return "".join(" " if mark in "\n\t" else mark if visible(mark) else "�" for mark in text)


def plain(text: str, most: int = 400) -> str:
    """Cut text of unknown origin, and make control and direction characters visible; lines stay lines."""
    return harmless(cut(text, most).replace(" %", "\N{NO-BREAK SPACE}%"))


def cut(text: str, most: int) -> str:
    """Return at most so many characters and an ellipsis, ending between two words if there is a gap to end in."""
    if len(text) <= most:
        return text
    start = text[:most]
    whole = start if text[most].isspace() else start.rpartition(" ")[0]
    return f"{(whole if 2 * len(whole) > most else start).rstrip()}…"


def harmless(text: str) -> str:
    """Return text whose control and direction characters are visible; lines stay lines."""
    return "".join(mark if mark in "\n\t" or visible(mark) else "�" for mark in text)


def visible(mark: str) -> bool:
    """Return whether a character is safe to print."""
    return unicodedata.category(mark) not in HIDDEN


def for_csv(cell: Cell) -> str | int | float | bool | None:
    """Return a cell for a spreadsheet; a name that would be a formula there is quoted."""
    if isinstance(cell, Estimate):
        return cell.value
    if isinstance(cell, str | Label):
        raw = cell.text if isinstance(cell, Label) else cell
        text = clean(raw)
        return f"'{text}" if raw.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text
    return cell


def for_json(cell: Cell) -> str | int | float | bool | dict[str, float | int | str | None] | None:
    """Return a cell as JSON holds it; an estimate is its value, interval, n and method."""
    if isinstance(cell, Estimate):
        return plain_figure(cell)
    return cell.text if isinstance(cell, Label) else cell


def plain_figure(figure: Estimate) -> dict[str, float | int | str | None]:
    """Return an estimate as JSON holds it; an infinite end is null."""
    ends = (None if end is None or not isfinite(end) else end for end in (figure.value, figure.low, figure.high))
    value, low, high = ends
    return {"value": value, "low": low, "high": high, "n": figure.n, "method": figure.method}
