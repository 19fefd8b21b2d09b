"""Thinking that a model writes before or within its answer, between tags.

split("<think>Is it 7?</think>It is 7.")  ->  Parts(thoughts="Is it 7?", answer="It is 7.")
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAMES = r"(?:think|thinking|thought|thoughts|reasoning|seed:think)"
_OPEN = rf"<{_NAMES}>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>analysis<\|message\|>"
_CLOSE = rf"</{_NAMES}>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|end\|>"
_TAGS = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})", re.IGNORECASE)
_FRAME = re.compile(
    r"<\|start\|>assistant|<\|channel\|>final<\|message\|>|<\|return\|>|<\|(?:begin|end)_of_solution\|>"
)
"""Marks of an answer around which some models think."""


class Parts(NamedTuple):
    """A text in two parts."""

    thoughts: str
    answer: str


def split(text: str) -> Parts:
    """Separate thoughts from the answer.

    A closing tag without an opening one ends thoughts that began in the prompt. Thoughts that were never closed reach
    to the end: the answer had not begun.
    """
    thoughts: list[str] = []
    answer: list[str] = []
    at = depth = 0
    for tag in _TAGS.finditer(text):
        piece = text[at : tag.start()]
        if tag["open"]:
            (thoughts if depth else answer).append(piece)
            depth += 1
        elif depth:
            thoughts.append(piece)
            depth -= 1
        elif thoughts:
            answer.append(piece + tag[0])  # a closing tag that closes nothing, quoted by the answer
        else:
            thoughts += [*answer, piece]
            answer.clear()
        at = tag.end()
    (thoughts if depth else answer).append(text[at:])
    if at == 0:
        return Parts("", text)
    return Parts("".join(thoughts).strip(), _FRAME.sub("", "".join(answer)).strip())
