"""Figures in words: shares and counts as the reports write them."""

from __future__ import annotations

from collections.abc import Iterable

from lab.statistics import Estimate


def percent(share: float) -> str:
    """Write a share as "12 %", small ones as "0.4 %"."""
    number = 100 * share
    if 0 < number < 0.1:
        return "<0.1 %"
    return f"{number:.1f} %" if 0 < number < 9.95 else f"{number:.0f} %"


def counted(number: int, noun: str) -> str:
    """Write "1 miner", "1,024 miners"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


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
    return f"{figure.text().removesuffix(')')} tasks, {counted(miners, 'miner')})"
