r"""Text: making untrusted text printable and texts comparable, and two overlap measures over words.

    printable("\x1b[31mred")  ->  "?[31mred"
    words("The Mill, founded in 1,931!")  ->  ["the", "mill", "founded", "in", "1931"]

`answer_text` and `reference_text` read the plain text that a grader of any text subnet compares.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from .answer import Response
from .task import Task

WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['-][^\W\d_]+)*")
GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
SENTENCE = re.compile(r"(?<=[.!?])[\"')\]\u2019\u201d\u00bb]*\s+|[\n\u2028\u2029]+")
SOFT_BREAK = re.compile("\u00ad[ \t]*\r?\n[ \t]*")
THOUSANDS = re.compile("(?<!\\d)\\d{1,3}(?:[\u00a0\u2007\u2008\u2009\u202f'\u2019]\\d{3})+(?!\\d)")
BACKTICK = re.compile(r"(?<=[^\W\d_])`(?=[^\W\d_])")
"""An apostrophe; elsewhere it is markup."""
LOOKALIKES = (
    dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212\u2043"), "-")
    | dict.fromkeys(map(ord, "\u2014\u2015"), " - ")
    | dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u02bc\u02b9\u2032\u00b4\uff40"), "'")
    | dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u2039\u203a\u301d\u301e"), '"')
)
"""Typographic hyphens, dashes, apostrophes and quotes; a dash separates words, a hyphen joins them."""
UNSEEN = frozenset(map(chr, (*range(0xFE00, 0xFE10), 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0)))
"""Invisible characters outside of the category of format characters."""
ARTICLES = frozenset(("a", "an", "the"))


def printable(text: object, length: int | None = 200, *, kept: str = "") -> str:
    """Return the first `length` characters (None: all), with "?" for each unprintable one that is not in `kept`."""
    return "".join(char if char.isprintable() or char in kept else "?" for char in str(text)[:length])


def padded(text: str, filler: Sequence[str]) -> str:
    """Return the text with half of the `filler` sentences before it and half after."""
    half = len(filler) // 2
    return " ".join([*filler[:half], text, *filler[half:]])


def answer_text(response: Response) -> str:
    """Return the text of a response's answer; empty without an answer."""
    return "" if response.answer is None else response.answer.text


def reference_text(task: Task) -> str:
    """Return the text of a task's reference: the reference itself, or its `text`.

    Raises:
        TypeError: the reference has no text.
    """
    text = getattr(task.reference, "text", task.reference)
    if not isinstance(text, str):
        raise TypeError(f"task {task.id} has a {type(task.reference).__name__} for a reference, not a text")
    return text


def unify(text: str) -> str:
    """Return the text as it reads: one form for each character, no invisible ones; case and white space stay.

    Compatibility forms (NFKC), digits of all scripts, and typographic hyphens, apostrophes and quotes become the
    plain ones.
    """
    if "`" in text:
        text = BACKTICK.sub("'", text)
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", SOFT_BREAK.sub("", text).translate(LOOKALIKES)).translate(LOOKALIKES)
    return text if text.isascii() else "".join(map(_plain, text))


def _plain(char: str) -> str:
    if char.isascii():
        return char
    if char in UNSEEN or (kind := unicodedata.category(char)) == "Cf":
        return ""
    return str(unicodedata.decimal(char)) if kind == "Nd" else char


def separate_digits(text: str) -> str:
    """Mark raised, lowered and fractional digits, which `unify` would join to their neighbours: 10\u00b2 is 10^2."""
    if text.isascii():
        return text
    marked = []
    for char in text:
        form = unicodedata.decomposition(char).partition(">")[0][1:] if unicodedata.category(char) == "No" else ""
        mark = {"super": "^", "sub": "_"}.get(form, " ") if form else ""
        marked.append(mark + (unicodedata.normalize("NFKC", char).replace("\u2044", "/") if form else char))
    return "".join(marked)


def fold(text: str) -> str:
    """Unify characters and case, and fold white space; thousands keep one separator, the comma."""
    return " ".join(unify(join_thousands(text)).casefold().split())


def join_thousands(text: str) -> str:
    """Separate thousands by commas where they are separated by apostrophes or by spaces that break no line."""
    return THOUSANDS.sub(lambda number: re.sub(r"\D", ",", number[0]), text)


def words(text: str) -> list[str]:
    """Split into folded words and numbers; thousands lose their commas, punctuation is dropped."""
    return [word.replace(",", "") if GROUPED.fullmatch(word) else word for word in WORD.findall(fold(text))]


def content(text: str) -> list[str]:
    """Return the words without the articles."""
    return [word for word in words(text) if word not in ARTICLES]


def sentences(text: str) -> list[str]:
    """Split at sentence ends and line breaks."""
    return [part for part in (piece.strip() for piece in SENTENCE.split(text)) if part]


def token_f1(reference: Sequence[str], answer: Sequence[str]) -> float:
    """Return the harmonic mean of precision and recall over words, repeats counted (SQuAD's F1)."""
    if not reference or not answer:
        return float(not reference and not answer)
    shared = sum((Counter(reference) & Counter(answer)).values())
    return 2.0 * shared / (len(reference) + len(answer))


def rouge_l(reference: Sequence[str], answer: Sequence[str]) -> float:
    """Return ROUGE-L: F1 over the longest common subsequence of words (Lin 2004, equal weights)."""
    from rapidfuzz.distance import LCSseq

    if not reference or not answer:
        return float(not reference and not answer)
    return 2.0 * LCSseq.similarity(reference, answer) / (len(reference) + len(answer))
