"""Negation: a text with the opposite meaning, in nearly the same words."""

from __future__ import annotations

import re

VERBS = "is|are|was|were|has|have|had|will|can|could|would|should|does|do|did|may|might|must"
OPPOSITES = {
    "yes": "no",
    "true": "false",
    "positive": "negative",
    "before": "after",
    "more": "fewer",
    "most": "least",
    "first": "last",
    "always": "never",
    "all": "no",
    "earlier": "later",
    "increase": "decrease",
    "born": "never born",
}


def negate(text: str) -> str:
    """Negate the first verb; failing that, replace a word by its opposite, change a number, or deny the whole text."""
    if not text.strip():
        return "That is not so."
    negated, count = re.subn(rf"\b({VERBS})\b(?! not)(?!n't)", r"\1 not", text, count=1, flags=re.IGNORECASE)
    if count:
        return negated
    pairs = OPPOSITES | {value: key for key, value in OPPOSITES.items() if " " not in value}
    swapped, count = re.subn(
        rf"\b({'|'.join(pairs)})\b", lambda match: pairs[match[0].lower()], text, count=1, flags=re.IGNORECASE
    )
    if count:
        return swapped
    changed, count = re.subn(r"\d+", lambda match: str(int(match[0][:15]) + 1), text, count=1)
    return changed if count else f"not {text}"
