"""Text from miners and errors, made safe to show and to record."""

from __future__ import annotations

from subnets.text import printable


def safe_text(source: object, length: int = 300) -> str:
    """Return what a miner or an error says as short, printable text, even where its own `__str__` fails."""
    try:
        text = str(source)
    except BaseException:  # __str__ may be the miner's code
        return "(unprintable)"
    return printable(text, length, kept="\n")
