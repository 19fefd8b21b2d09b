"""What others say, made fit to be shown."""

from __future__ import annotations


def plain(said: object, length: int = 300) -> str:
    """Write what a miner or an error said as short, valid Unicode."""
    try:
        return str(said)[:length].encode("utf-8", "backslashreplace").decode()
    except BaseException:  # a __str__ of the miner's own
        return "(unprintable)"
