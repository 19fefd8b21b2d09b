"""Figures in words: shares and counts as the reports write them."""

from __future__ import annotations

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


def over_miners(figure: Estimate) -> str:
    """Write an estimate whose n counts miners: "0.94 (0.90 to 0.97, n=6 miners)"."""
    return f"{figure.text().removesuffix(')')} miners)"
