"""Words: texts made comparable, and what an answer says by them.

words("The Mill, founded in 1,931!")  ->  ["the", "mill", "founded", "in", "1931"]
says("It was not Ann but Bo.", ["Ann"])  ->  False
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['-][^\W\d_]+)*")
GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")

NEGATIONS = frozenset("not no never neither nor none without cannot hardly".split())
NEGATION_REACH = 5
"""Words over which a negation before a name carries: "was certainly not born in X"."""
ARTICLES = frozenset(("a", "an", "the"))


def fold(text: str) -> str:
    """Unify compatibility forms (NFKC) and case, and fold white space."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return " ".join(text.casefold().split())


def words(text: str) -> list[str]:
    """Split into folded words and numbers; thousands lose their commas, punctuation is dropped."""
    found = WORD.findall(fold(text))
    return [word.replace(",", "") if GROUPED.fullmatch(word) else word for word in found]


def content(text: str) -> list[str]:
    """Words without the articles."""
    return [word for word in words(text) if word not in ARTICLES]


def sentences(text: str) -> list[str]:
    """Split at sentence ends and line breaks."""
    return [part for part in (piece.strip() for piece in SENTENCE.split(text)) if part]


def places(within: Sequence[str], phrase: Sequence[str]) -> list[int]:
    """Return where the words of `phrase` stand together in `within`."""
    size = len(phrase)
    if not size:
        return []
    first, wanted = phrase[0], list(phrase)
    return [i for i, word in enumerate(within) if word == first and list(within[i : i + size]) == wanted]


def says(text: str, phrases: Iterable[str]) -> bool:
    """Whether one of `phrases` stands in the text, and nowhere denied."""
    stated = False
    for sentence in sentences(text):
        spoken = content(sentence)
        for phrase in phrases:
            for place in places(spoken, content(phrase)):
                if denied(spoken, place):
                    return False
                stated = True
    return stated


def denied(spoken: Sequence[str], place: int) -> bool:
    """Whether a negation reaches the word at `place`; "but" ends its reach."""
    for word in reversed(spoken[max(0, place - NEGATION_REACH) : place]):
        if word == "but":
            return False
        if word in NEGATIONS or word.endswith("n't"):
            return True
    return False


def token_f1(reference: Sequence[str], answer: Sequence[str]) -> float:
    """Harmonic mean of precision and recall over the words, as counted with repeats (SQuAD's F1)."""
    if not reference or not answer:
        return float(not reference and not answer)
    shared = sum((Counter(reference) & Counter(answer)).values())
    return 2.0 * shared / (len(reference) + len(answer))


def rouge_l(reference: Sequence[str], answer: Sequence[str]) -> float:
    """F1 over the longest common subsequence of words (Lin 2004, with recall and precision weighing the same)."""
    from rapidfuzz.distance import LCSseq

    if not reference or not answer:
        return float(not reference and not answer)
    return 2.0 * LCSseq.similarity(reference, answer) / (len(reference) + len(answer))
