"""What strangers say, made fit for a terminal."""

from __future__ import annotations


def printable(said: object, length: int | None = 200, *, kept: str = "") -> str:
    """Write the first characters of it, None for all, with a ? for each that would not print, but for those `kept`."""
    return "".join(char if char.isprintable() or char in kept else "?" for char in str(said)[:length])
