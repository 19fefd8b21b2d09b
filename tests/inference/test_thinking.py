"""A model's thinking is separated from its answer, whether its tags are text, special tokens or part of the prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from inference.thinking import Parts, ThinkingTokens, split
from miners.engines.completion import Completion, Request
from miners.engines.language import LanguageEngine, WrittenAnswer


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("It is 7.", ("", "It is 7.")),
        (" spaced ", ("", " spaced ")),
        ("<think>\nIs it 7?\n</think>\n\nIt is 7.", ("Is it 7?", "It is 7.")),
        ("Is it 7?\n</think>\nIt is 7.", ("Is it 7?", "It is 7.")),
        ("[THINK]Is it 7?[/THINK]It is 7.", ("Is it 7?", "It is 7.")),
        ("<thinking>a</thinking>One. <thinking>b</thinking>Two.", ("ab", "One. Two.")),
        ("<think>a <think>b</think> c</think>It is 7.", ("a b c", "It is 7.")),
        ("<think>never ends", ("never ends", "")),
        ("<think>a</think>The tag </think> closes it.", ("a", "The tag </think> closes it.")),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>It is 7.<|return|>",
            ("a", "It is 7."),
        ),
        ("a < b and <thinker> stay", ("", "a < b and <thinker> stay")),
    ],
)
def test_thoughts_and_answer_are_separated(text: str, parts: tuple[str, str]) -> None:
    assert split(text) == Parts(*parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Is it 7?</think>It is 7.", ("Is it 7?", "It is 7.")),
        ("<think>Is it 7?</think>It is 7.", ("Is it 7?", "It is 7.")),
        ("Is it 7? It never", ("Is it 7? It never", "")),
        ("", ("", "")),
    ],
)
def test_thinking_that_the_prompt_began_needs_no_opening_tag(text: str, parts: tuple[str, str]) -> None:
    assert split(text, begun=True) == Parts(*parts)


@dataclass(frozen=True)
class Mark:
    content: str
    special: bool = True

    def __str__(self) -> str:
        return self.content


class Tokenizer:
    """One token for each mark, and for each character."""

    def __init__(self, *special: str) -> None:
        self.added_tokens_decoder = {number: Mark(mark) for number, mark in enumerate(special)}

    def decode(self, tokens: Sequence[int], skip_special_tokens: bool = False) -> str:
        known = self.added_tokens_decoder
        return "".join(
            str(known[token]) if token in known else chr(token)
            for token in tokens
            if not (skip_special_tokens and token in known)
        )

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        return [ord(char) for char in text]


def letters(text: str) -> list[int]:
    return [ord(char) for char in text]


def test_special_tokens_are_dropped_except_those_that_frame_thinking() -> None:
    plain = ThinkingTokens(Tokenizer("<|im_end|>", "<|end|>"))
    assert not plain.special and plain.decoded([*letters("hi"), 0, 1]) == "hi"
    thinking = ThinkingTokens(Tokenizer("<|im_end|>", "[THINK]", "[/THINK]"))
    assert thinking.special and thinking.decoded([1, *letters("hm"), 2, *letters("hi"), 0]) == "[THINK]hm[/THINK]hi"
    channels = ThinkingTokens(Tokenizer("<|channel|>", "<|message|>", "<|end|>", "<|start|>", "<|pad|>"))
    written = [0, *letters("analysis"), 1, *letters("hm"), 2, 3, *letters("assistant"), 0, *letters("final"), 1, 104]
    assert split(channels.decoded([*written, 4])) == Parts("hm", "h")


class Silent(LanguageEngine):
    async def complete(self, request: Request) -> Completion:
        raise AssertionError("nobody asks")


@pytest.mark.parametrize(
    ("prompt", "text", "stripped", "kept", "count"),
    [
        ("<user>Hi", "hello", "hello", "hello", 0),
        ("<user>Hi", "<think>hm</think>hello", "hello", "<think>hm</think>hello", 2),
        ("<user>Hi<think>\n", "hm</think>hello", "hello", "<think>\nhm</think>hello", 2),
        ("<user>Hi<think>\n\n</think>\n\n", "hello", "hello", "hello", 0),
        ("<user>Hi<think>\n", "hm and", "", "<think>\nhm and", 6),
    ],
    ids=["none", "own tags", "begun", "empty", "never closed"],
)
def test_an_engine_strips_or_keeps_thinking_and_counts_its_tokens(
    prompt: str, text: str, stripped: str, kept: str, count: int
) -> None:
    tokens: Any = ThinkingTokens(Tokenizer())
    assert Silent().written(text, letters(prompt), tokens) == WrittenAnswer(stripped, count)
    assert Silent(thinking="keep").written(text, letters(prompt), tokens) == WrittenAnswer(kept, count)
