"""Lists in a terminal: rows whose last cell wraps between words, so that nothing is cut.

print_rows([("echo", "Answers with the prompt's own text."), ("silent", "Never answers.")])
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

from .output import echo

COLUMN = 36
"""Widest column but the last; a row with a wider cell continues on the next line."""
ROOM = 20
"""Least width in which text is wrapped."""
GAP = "  "


def print_rows(rows: Sequence[tuple[str, ...]], *, indent: str = GAP, wide: bool = False) -> None:
    """Print aligned rows within the width of the terminal, or with `wide` each on one line.

    Where little of a line is left, or less than a long word such as a path takes, the last cell stands on lines of its
    own.
    """
    *widths, _ = (min(COLUMN, max(map(len, column))) for column in zip(*rows, strict=True)) if rows else (0,)
    below = 2 * indent or GAP
    start = len(indent) + sum(widths) + len(GAP) * len(widths)
    room = terminal_width() - start
    for *cells, last in rows:
        head = indent + GAP.join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        longest = max(map(len, last.split()), default=0)
        if wide:
            echo(f"{head}{GAP}{last}".rstrip())
        elif room < max(ROOM, longest):
            echo(f"{head.rstrip()}\n{below}{wrapped(last, below)}")
        elif len(head) + len(GAP) > start:
            echo(f"{head.rstrip()}\n{' ' * start}{wrapped(last, ' ' * start)}")
        else:
            echo(f"{head}{GAP}{wrapped(last, ' ' * start)}".rstrip())


def wrapped(text: str, indent: str = "") -> str:
    """Wrap a text to the terminal's width; all lines but the first are indented."""
    width = max(ROOM, terminal_width() - len(indent))
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{indent}".join(lines)


def terminal_width() -> int:
    """Return the columns of the terminal; 80 if there is none."""
    return shutil.get_terminal_size().columns
