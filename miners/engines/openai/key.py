"""The key of a server, checked before anything is sent."""

from __future__ import annotations

import unicodedata

from miners.errors import EngineError

NAMES = {"\r": "a line end", "\n": "a line end", " ": "a space", "\t": "a tab", "\ufeff": "a byte order mark"}
QUOTES = "\"'`"


def check_key(key: str, variable: str) -> None:
    """Refuse a key that can't be part of a header, or that was copied with characters around it.

    Raises:
        EngineError: names the first such character and its place; the key itself is not shown.
    """
    for place, char in enumerate(key):
        if "!" <= char <= "~" and not (char in QUOTES and place in (0, len(key) - 1)):
            continue
        name = NAMES.get(char) or unicodedata.name(char, f"U+{ord(char):04X}").lower()
        where = "begins with" if place == 0 else "ends in" if place == len(key) - 1 else "contains"
        raise EngineError(f"{variable} {where} {name}, which is not part of a key; export {variable}=... without it")
