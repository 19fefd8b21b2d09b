"""What an answer states: phrases found among its words, and negations that deny them.

says("It was not Ann but Bo.", ["Ann"])  ->  False
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from subnets.text import content, join_thousands, unify

NEGATIONS = frozenset("not no never neither nor none without cannot hardly".split())
NEGATION_REACH = 5
"""Number of words over which a negation before a name carries: "was certainly not born in X"."""
SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n\s*(?:\n|(?=[-*\u2022]\s|\d{1,3}[.)]\s))")
WRAPPED_HYPHEN = re.compile(r"(?<=\w-)[ \t]*\r?\n[ \t]*(?=\w)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """The words of a sentence, which may run over several lines."""

    words: tuple[str, ...]
    line_starts: tuple[int, ...]
    """For each word, the position of the first word of its line."""


@lru_cache(maxsize=8)
def split_sentences(text: str) -> tuple[Sentence, ...]:
    """Split a text into sentences; cached, as many phrases are looked for in the same text."""
    sentences = []
    for part in SENTENCE.split(WRAPPED_HYPHEN.sub("", unify(join_thousands(text)))):
        part_words: list[str] = []
        starts: list[int] = []
        for line in part.splitlines():
            line_words = _without_possessives(content(line))
            starts += [len(part_words)] * len(line_words)
            part_words += line_words
        if part_words:
            sentences.append(Sentence(tuple(part_words), tuple(starts)))
    return tuple(sentences)


@lru_cache(maxsize=4_096)
def phrase_words(phrase: str) -> tuple[str, ...]:
    """Return the content words of a phrase; cached, as tasks reuse their phrases."""
    return tuple(_without_possessives(content(phrase)))


def _without_possessives(words: Sequence[str]) -> list[str]:
    return [word.removesuffix("'s") for word in words]


def places(within: Sequence[str], phrase: Sequence[str]) -> list[int]:
    """Return the positions at which the words of `phrase` stand together in `within`."""
    size = len(phrase)
    if not size or phrase[0] not in within:
        return []
    first, target = phrase[0], list(phrase)
    return [i for i, word in enumerate(within) if word == first and list(within[i : i + size]) == target]


def says(text: str, phrases: Iterable[str]) -> bool:
    """Return True if the text states one of `phrases` and denies none."""
    targets = [phrase_words(phrase) for phrase in phrases]
    stated = False
    for sentence in split_sentences(text):
        for phrase in targets:
            for place in places(sentence.words, phrase):
                if denied(sentence.words, place, sentence.line_starts[place]):
                    return False
                stated = True
    return stated


def denied(words: Sequence[str], place: int, start: int = 0) -> bool:
    """Return True if a negation from `start` on reaches the word at `place`; "but" ends its reach."""
    for word in reversed(words[max(start, place - NEGATION_REACH) : place]):
        if word == "but":
            return False
        if word in NEGATIONS or word.endswith("n't"):
            return True
    return False


def denies(clause: str) -> bool:
    """Return True if a negation in a clause reaches what follows it."""
    words = content(clause)
    return denied(words, len(words))
