"""Chat templates as fine-tuned models have them, without any weights."""

import re
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from inference.causal import encode, end_tokens
from inference.errors import PromptError
from subnets import Message

TURNS = (Message("system", "Be brief."), Message("user", "Hi"))
Turns = Sequence[dict[str, str]]


class Tokenizer:
    """Spells a conversation with one token for each mark and each character."""

    chat_template: str | None = "given"
    eos_token_id: int | None = 0
    added_tokens_decoder = {0: "<end of text>", 1: "<end of turn>", 2: "<user>", 3: "<assistant>", 4: "<system>"}

    def __init__(self, system: str = "taken") -> None:
        self.system = system

    def apply_chat_template(self, turns: Turns, *, tokenize: bool, add_generation_prompt: bool = False) -> str:
        if self.system == "refused" and any(turn["role"] == "system" for turn in turns):
            raise ValueError("no system role here\nat all")
        shown = [turn for turn in turns if self.system != "dropped" or turn["role"] != "system"]
        text = "".join(f"<{turn['role']}>{turn['content']}<end of turn>\n" for turn in shown)
        return text + "<assistant>" * add_generation_prompt

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        numbers = {mark: number for number, mark in self.added_tokens_decoder.items()}
        return [numbers.get(part, ord(part[0])) for part in re.findall(r"<[a-z ]+>|.", text, re.DOTALL)]

    def decode(self, tokens: Sequence[int]) -> str:
        return "".join(self.added_tokens_decoder.get(token, chr(token)) for token in tokens)


@pytest.mark.parametrize("system", ["refused", "dropped"])
def test_a_system_prompt_goes_before_the_users_text_where_the_template_has_no_place_for_it(system: str) -> None:
    tokenizer = Tokenizer(system)
    text = tokenizer.decode(encode(tokenizer, TURNS, "little"))
    assert text == "<user>Be brief.\n\nHi<end of turn>\n<assistant>"


def test_a_system_prompt_stays_where_the_template_takes_it() -> None:
    tokenizer = Tokenizer()
    text = tokenizer.decode(encode(tokenizer, TURNS, "little"))
    assert text == "<system>Be brief.<end of turn>\n<user>Hi<end of turn>\n<assistant>"


def test_a_model_without_a_template_is_named_in_one_line_that_says_what_to_do() -> None:
    tokenizer = Tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(PromptError, match="little has no chat template; give one as `template`, or take an"):
        encode(tokenizer, TURNS, "little")


def test_end_tokens_come_from_the_tokenizer_the_configs_and_the_template_together() -> None:
    tokenizer = Tokenizer()
    configs = SimpleNamespace(eos_token_id=[7, 8]), SimpleNamespace(eos_token_id=9), SimpleNamespace()
    assert end_tokens(tokenizer, *configs) == {0, 1, 7, 8, 9}
    tokenizer.chat_template, tokenizer.eos_token_id = None, None
    assert end_tokens(tokenizer, configs[1]) == {9}
