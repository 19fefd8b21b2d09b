"""Colours of the report, light and dark; the charts draw in the light ones."""

from __future__ import annotations

PAPER = "#fdfdfc"
INK = "#1d1f22"
MUTED = "#62676e"
LINE = "#dcddda"
SERIES = ("#0a6c9b", "#c0531a", "#2b7a4c", "#7c4dbd", "#94700a", "#b93d74", "#53677d", "#7d5a3c")
"""Distinguishable with the common kinds of colour blindness, at a contrast of 4.5:1 or more."""

DARK_PAPER = "#17191c"
DARK_INK = "#e9e7e2"
DARK_MUTED = "#a3a8af"
DARK_LINE = "#363a40"
DARK_SERIES = ("#5cb6e0", "#f0905a", "#66c18a", "#bb98ea", "#d9b23e", "#ee86b3", "#a0b4c9", "#c9a682")

PARTS = (
    "miners",
    "making tasks",
    "grading",
    "transport and scheduling",
    "consensus",
    "record",
    "providers",
)
"""Parts of the subnet's bill, in the order of their colours."""


def part_colour(group: str) -> str:
    """Return the colour of a part of the bill."""
    return SERIES[PARTS.index(group)] if group in PARTS else MUTED


def variables() -> dict[str, tuple[str, str]]:
    """Return the page's CSS variables, each with its light and its dark colour."""
    named = {
        "paper": (PAPER, DARK_PAPER),
        "ink": (INK, DARK_INK),
        "muted": (MUTED, DARK_MUTED),
        "line": (LINE, DARK_LINE),
    }
    return named | {f"c{place}": pair for place, pair in enumerate(zip(SERIES, DARK_SERIES, strict=True))}
