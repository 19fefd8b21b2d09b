"""What an answer states: phrases found among its words, and negations that deny them.

says("It was not Ann but Bo.", ["Ann"])  ->  False
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from subnets.text import content, sentences

NEGATIONS = frozenset("not no never neither nor none without cannot hardly".split())
NEGATION_REACH = 5
"""Words over which a negation before a name carries: "was certainly not born in X"."""


def places(within: Sequence[str], phrase: Sequence[str]) -> list[int]:
    """Return the positions at which the words of `phrase` stand together in `within`."""
    size = len(phrase)
    if not size:
        return []
    first, wanted = phrase[0], list(phrase)
    return [i for i, word in enumerate(within) if word == first and list(within[i : i + size]) == wanted]


def says(text: str, phrases: Iterable[str]) -> bool:
    """Return True if the text states one of `phrases` and denies none."""
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
    """Return True if a negation reaches the word at `place`; "but" ends its reach."""
    for word in reversed(spoken[max(0, place - NEGATION_REACH) : place]):
        if word == "but":
            return False
        if word in NEGATIONS or word.endswith("n't"):
            return True
    return False
