r"""Text: strangers' words made printable, texts made comparable, and the two overlap measures over words.

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
SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")
ARTICLES = frozenset(("a", "an", "the"))


def printable(text: object, length: int | None = 200, *, kept: str = "") -> str:
    """Return the first `length` characters (None: all), with "?" for each unprintable one that is not in `kept`."""
    return "".join(char if char.isprintable() or char in kept else "?" for char in str(text)[:length])


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


def fold(text: str) -> str:
    """Unify compatibility forms (NFKC) and case, and fold white space."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return " ".join(text.casefold().split())


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
