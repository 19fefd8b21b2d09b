"""Figures in words: shares and counts as the reports write them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lab.statistics import Estimate


def percent(share: float) -> str:
    """Write a share as "12 %", small ones as "0.4 %"."""
    number = 100 * share
    if 0 < number < 0.1:
        return "<0.1 %"
    return f"{number:.1f} %" if 0 < number < 9.95 else f"{number:.0f} %"


def counted(number: int, noun: str) -> str:
    """Write "1 miner", "1,024 miners", "2 entries"."""
    if number == 1:
        return f"{number:,} {noun}"
    return f"{number:,} {noun[:-1]}ies" if re.search("[^aeiou]y$", noun) else f"{number:,} {noun}s"


def times(number: int) -> str:
    """Write "once", "2 times"."""
    return "once" if number == 1 else f"{number:,} times"


def quoted(name: str) -> str:
    """Write a name in a sentence, so that "half" is not read as a word."""
    return f"'{name}'"


def listed(texts: Iterable[str]) -> str:
    """Join texts as in a sentence: "a", "a and b", "a, b and c"."""
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last


def over_miners(figure: Estimate, miners: int) -> str:
    """Write a figure over miners whose n counts tasks: "0.94 (0.90 to 0.97, n=24 tasks, 6 miners)"."""
    tasks = "task" if figure.n == 1 else "tasks"
    return f"{figure.text().removesuffix(')')} {tasks}, {counted(miners, 'miner')})"
