"""Miner text in a judge's prompt: cleaned, cut, and fenced by a tag that the miner can't know.

Angle brackets and bracketed control words are replaced, so that miner text can't contain a chat template's
tokens or a closing tag. It can still argue with the judge; the tests measure how well that works.
"""

from __future__ import annotations

import re
import unicodedata

from subnets import Seed, Task

ANGLES = str.maketrans(
    {"<": "\u2039", ">": "\u203a", "\uff1c": "\u2039", "\uff1e": "\u203a", "\ufe64": "\u2039", "\ufe65": "\u203a"}
)
CONTROL_WORD = re.compile(r"\[(/?[A-Z_]{2,20})\]")
"""Control words such as [INST], [/INST], [SEP], [MASK]."""
ROLE = re.compile(r"(?im)^([ \t#*]*)(system|assistant|user|human|judge|verdict|score)([ \t*]*):")
"""The start of a line that poses as a turn of the conversation or as the verdict."""
REPEATS = re.compile(r"(\S)\1{30,}")


def clean(text: str, limit: int) -> str:
    """Return at most `limit` characters without control, format and surrogate characters and without control tokens."""
    text = text[: 4 * limit]
    printed = "".join(
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return CONTROL_WORD.sub(r"(\1)", printed.translate(ANGLES))[:limit]


def draw_nonce(task: Task) -> str:
    """Return the nonce of the tags: the same in every grading of a task, and as secret as its seed."""
    return f"{Seed(task.seed).child('fence').integer():016x}"


def fence(text: str, name: str, nonce: str, limit: int) -> str:
    """Put a text between tags, and quote lines that pose as turns."""
    inside = ROLE.sub(r"\1(\2)\3", REPEATS.sub(lambda match: match[1] * 30, clean(text, limit)))
    return f"<{name}-{nonce}>\n{inside}\n</{name}-{nonce}>"
