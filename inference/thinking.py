"""Thinking that a model writes before or within its answer, between tags.

split("<think>Is it 7?</think>It is 7.")  ->  Parts(thoughts="Is it 7?", answer="It is 7.")
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

_NAMES = r"(?:think|thinking|thought|thoughts|reasoning|seed:think)"
_OPEN = rf"<{_NAMES}>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>analysis<\|message\|>"
_CLOSE = rf"</{_NAMES}>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|end\|>"
_TAGS = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})", re.IGNORECASE)
_OPEN_AT_END = re.compile(rf"(?:{_OPEN})\s*$", re.IGNORECASE)
_FRAME = re.compile(
    r"<\|start\|>assistant|<\|channel\|>final<\|message\|>|<\|return\|>|<\|(?:begin|end)_of_solution\|>"
)
"""Marks of an answer around which some models think."""
_CHANNELS = frozenset(("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>"))
"""Special tokens of models that write thoughts and answer on channels."""
_TAIL_TOKENS = 16
"""Tokens at the end of a prompt in which a tag may stand."""


class Parts(NamedTuple):
    """A text in two parts."""

    thoughts: str
    answer: str


def split(text: str, *, begun: bool = False) -> Parts:
    """Separate thoughts from the answer.

    A closing tag without an opening one ends thoughts that began in the prompt. Thoughts that were never closed reach
    to the end: the answer had not begun.

    Args:
        text: what a model wrote.
        begun: the prompt ended in an opening tag.
    """
    thoughts: list[str] = []
    answer: list[str] = []
    first = _TAGS.match(text.lstrip()) if begun else None
    at, depth = 0, int(begun and not (first and first["open"]))  # some models repeat the tag
    if depth == 0 and not _TAGS.search(text):
        return Parts("", text)
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
    return Parts("".join(thoughts).strip(), _FRAME.sub("", "".join(answer)).strip())


class ThinkingTokens:
    """What a model's tokenizer says about thinking: whether a prompt begins it, and which special tokens frame it."""

    def __init__(self, tokenizer: Any) -> None:
        """Look through the special tokens of a tokenizer."""
        self._tokenizer = tokenizer
        special = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
        frames = {text for text in special if _TAGS.fullmatch(text)} - _CHANNELS
        if "<|channel|>" in special:
            frames |= _CHANNELS & special
        self.special = bool(frames)
        """True if tags are special tokens, which must be decoded too."""
        others = sorted(map(re.escape, special - frames), key=len, reverse=True)
        self._others = re.compile("|".join(others)) if others else None

    def decoded(self, tokens: Sequence[int]) -> str:
        """Decode an answer without special tokens, except those that frame thinking."""
        if not self.special:
            return str(self._tokenizer.decode(tokens, skip_special_tokens=True))
        return self.without_others(str(self._tokenizer.decode(tokens, skip_special_tokens=False)))

    def without_others(self, text: str) -> str:
        """Remove special tokens that don't frame thinking from a text with all of them."""
        return self._others.sub("", text) if self._others else text

    def begun_by(self, prompt: Sequence[int]) -> bool:
        """Return True if a prompt ends in an opening tag, so that the model goes on with thoughts."""
        return _OPEN_AT_END.search(self._tokenizer.decode(list(prompt[-_TAIL_TOKENS:]))) is not None

    def count(self, thoughts: str) -> int:
        """Count the tokens of thoughts."""
        return len(self._tokenizer.encode(thoughts, add_special_tokens=False)) if thoughts else 0
