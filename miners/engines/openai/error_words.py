"""The words of a server's error, whatever the shape of its body: one line, plain and short.

words_of('{"detail": [{"loc": ["body", "seed"], "msg": "Input is too large"}]}')  ->  "body.seed: Input is too large"
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from subnets.text import printable

WORDS = ("message", "error", "detail", "errors", "msg", "error_message", "error_description", "description", "reason")
"""Keys of servers' messages, the most informative first."""
MAX_DEPTH = 6
MAX_WORDS = 3
"""Maximum messages of a list that are quoted."""
MAX_BODY = 100_000
"""Maximum characters of a body that are searched for words."""
_HIDDEN = re.compile(r"(?is)<(script|style|head)\b.*?(</\1\s*>|$)|<!--.*?(-->|$)")
_TAG = re.compile(r"(?s)<[/!a-zA-Z][^<>]*>")
_TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title")


def words_of(body: str) -> str:
    """Return the words of an error's body; empty if it has none."""
    body = body[:MAX_BODY].strip().lstrip("\ufeff")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return one_line(_page_text(body) if re.search(r"(?i)<(!doctype|html|head|body|h1|p|title)\b", body) else body)
    return error_words(value)


def error_words(value: Any) -> str:
    """Return the words of an error that is a JSON value; the value itself if no words are found in it."""
    words = list(dict.fromkeys(filter(None, map(one_line, _words(value, MAX_DEPTH)))))
    if words:
        return "; ".join(words[:MAX_WORDS])
    return one_line(json.dumps(value, ensure_ascii=False)) if value else ""


def one_line(text: str) -> str:
    """Put a foreign text on one line, without terminal sequences and other characters that can't be shown."""
    text = re.sub(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?)", "", text)
    return " ".join(printable(" ".join(text.split()), None).split())


def _words(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, str):
        yield _unwrapped(value, depth)
    elif isinstance(value, list):
        for part in value[:MAX_WORDS]:
            yield from _words(part, depth - 1)
    elif isinstance(value, dict):
        key = next((key for key in WORDS if value.get(key) and not isinstance(value[key], bool | int | float)), None)
        if key is None:
            return
        place = value.get("loc")
        prefix = ".".join(map(str, place)) + ": " if isinstance(place, list) and place else ""
        for words in _words(value[key], depth - 1):
            yield prefix + words
        # An aggregator's own message hides that of the provider behind it.
        metadata = value.get("metadata")
        if isinstance(metadata, dict) and metadata.get("raw"):
            yield from _words(metadata["raw"], depth - 1)


def _unwrapped(text: str, depth: int) -> str:
    """Return the words of a message that is itself JSON."""
    if text.lstrip().startswith(("{", "[")):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return "; ".join(_words(value, depth - 1)) or text
    return text


def _page_text(page: str) -> str:
    text = html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", page)))
    title = _TITLE.search(page)
    return text if text.strip() or title is None else html.unescape(title.group(1))
