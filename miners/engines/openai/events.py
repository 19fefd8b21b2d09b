"""The lines of a server's reply: events of a stream, or one whole JSON answer.

Only line feeds and carriage returns end a line, so other separators may stand inside an answer. Comments, empty lines
and names of fields are skipped, and an event may span several lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

DONE = "[DONE]"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIELD = re.compile(r"(data|event|id|retry)\s*:\s?(.*)", re.DOTALL)


class Unreadable(ValueError):
    """A server sent something that is neither an event nor JSON."""


async def events(parts: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """Yield the JSON values of a reply, and DONE where the server says so.

    Raises:
        Unreadable: an event, or the whole reply, is not JSON; its text is the argument.
    """
    reader = _Reader()
    rest = b""
    async for part in parts:
        *lines, rest = _LINE_END.split(rest + part)
        for line in lines:
            for value in reader.take(line):
                yield value
                if value is DONE:
                    return
    for value in (*reader.take(rest), *reader.end()):
        yield value


class _Reader:
    """Joins lines to values."""

    def __init__(self) -> None:
        self._data: list[str] = []
        """Lines of an event that is not complete yet."""
        self._plain: list[str] = []
        """Lines of a reply that is not a stream."""

    def take(self, line: bytes) -> list[Any]:
        text = line.decode("utf-8", "replace").removeprefix("\ufeff")
        if self._plain:
            self._plain.append(text)
            return []
        if not text.strip():
            return self._flush()
        if text.startswith(":"):
            return []
        field = _FIELD.fullmatch(text)
        if field is None:
            if self._data:
                raise Unreadable("\n".join(self._data))
            self._plain.append(text)
            return []
        if field[1] != "data":
            return []
        if field[2].strip() == DONE:
            return [*self._flush(), DONE]
        try:
            value = json.loads("\n".join([*self._data, field[2]]))
        except (ValueError, RecursionError):
            self._data.append(field[2])
            return []
        self._data.clear()
        return [value]

    def end(self) -> list[Any]:
        if self._plain:
            return [_parsed("\n".join(self._plain))]
        return self._flush()

    def _flush(self) -> list[Any]:
        data, self._data = "\n".join(self._data), []
        return [_parsed(data)] if data.strip() else []


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable(text) from None
