"""Miner text in a judge's prompt: cleaned, cut, and fenced by a tag that the miner can't know.

Every angle bracket and every bracketed control word is replaced, so that no chat template's token and no
closing tag can be written. What remains is an argument that the judge may believe: the tests measure that.
"""

from __future__ import annotations

import re
import unicodedata

from subnets import Seed, Task

ANGLES = str.maketrans(
    {"<": "\u2039", ">": "\u203a", "\uff1c": "\u2039", "\uff1e": "\u203a", "\ufe64": "\u2039", "\ufe65": "\u203a"}
)
CONTROL_WORD = re.compile(r"\[(/?[A-Z_]{2,20})\]")
"""[INST], [/INST], [SEP], [MASK]"""
ROLE = re.compile(r"(?im)^([ \t#*]*)(system|assistant|user|human|judge|verdict|score)([ \t*]*):")
"""A line that poses as a turn of the conversation or as the verdict."""
REPEATS = re.compile(r"(\S)\1{30,}")


def clean(text: str, limit: int) -> str:
    """Return at most `limit` characters without control, format and surrogate characters and without control tokens."""
    text = text[: 4 * limit]
    kept = "".join(
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    kept = CONTROL_WORD.sub(r"(\1)", kept.translate(ANGLES))
    return kept[:limit]


def nonce(task: Task) -> str:
    """Return the tag's number: the same when graded again, and secret as the seed is."""
    return f"{Seed(task.seed).child('fence').integer():016x}"


def fence(text: str, name: str, number: str, limit: int) -> str:
    """Put a text between tags, with lines that pose as turns quoted."""
    inside = ROLE.sub(r"\1(\2)\3", REPEATS.sub(lambda match: match[1] * 30, clean(text, limit)))
    return f"<{name}-{number}>\n{inside}\n</{name}-{number}>"
