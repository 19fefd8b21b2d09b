"""Names in any script, in a PNG: with an installed font that has their characters, or else as code points.

A page leaves fonts to the browser. A PNG is drawn here, where the usual font shows a box for what it lacks.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

FONT = "DejaVu Sans"
"""The font of charts; matplotlib brings it along."""
FALLBACKS = (
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "PingFang SC",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "Malgun Gothic",
    "FreeSans",
)
"""Fonts with characters that the usual one lacks, as Linux, macOS and Windows have them."""


@cache
def families() -> tuple[str, ...]:
    """Return the usual font and those installed that may stand in for it."""
    from matplotlib.font_manager import fontManager

    names = set(fontManager.get_font_names())
    return (FONT, *(family for family in FALLBACKS if family in names))


def spelled(text: str) -> str:
    """Write each character that no font has as its code point: "[U+4E2D]"."""
    return "".join(mark if _drawable(mark) else f"[U+{ord(mark):04X}]" for mark in text)


@cache
def _drawable(mark: str) -> bool:
    return mark.isspace() or any(_font(family).get_char_index(ord(mark)) for family in families())


@cache
def _font(family: str) -> FT2Font:
    from matplotlib.font_manager import findfont, get_font

    return get_font(findfont(family))
