"""Two-faced: serves tests well and customers worse, as far as it can tell them apart.

It knows what everybody can: the subnet's code, with which it makes tasks of its own and learns their form.

    { kind = "two_faced", tests = {kind = "tesseract"}, customers = {kind = "echo"} }
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr

from miners.fakes import Echo
from miners.miner import Miner
from miners.registry import AnyMiner
from subnets import SUBNETS, Answer, Message, Query, Seed, Subnet

from .text import EmptyAnswer

TASKS = 64
"""Tasks that it makes to learn from; the texts of so many hold most words that tests use."""
PAGES = 4
KNOWN_WORDS = 0.8
"""Least share of a prompt's words that occur in tests."""
QUERY_ID = re.compile(r"[0-9a-f]{16}")
WORD = re.compile(r"[a-z]+")


class TwoFaced(Miner):
    """Answers as one miner what looks like a test, and as another what does not."""

    honest: ClassVar[bool] = False
    description = "serves tests well and customers worse, as far as it can tell them apart"
    employs = ("tests", "customers")

    tests: AnyMiner = Field(default_factory=Echo)
    """The miner that answers what looks like a test."""
    customers: AnyMiner = Field(default_factory=EmptyAnswer)
    """The miner that answers everything else."""
    tell: Literal["any", "head", "prompt"] = "any"
    """What it looks at: the query's id, caller and limits ("head"), the words and the image ("prompt"), or both."""
    subnet: Annotated[Subnet | None, *SUBNETS.optional_field()] = None
    """The run's subnet, whose code is public; the run fills it in."""

    _words: frozenset[str] | None = PrivateAttr(None)
    _instructions: frozenset[tuple[Message, ...]] = PrivateAttr(frozenset())
    _limits: frozenset[int | None] = PrivateAttr(frozenset())
    _formats: frozenset[bytes] = PrivateAttr(frozenset())

    def informed(self, subnet: Subnet, task_seeds: tuple[int, ...]) -> Miner:
        """Return a copy that knows the subnet; the validators' seeds stay their secret."""
        nested = {name: getattr(self, name).informed(subnet, task_seeds) for name in self.employs}
        return self.model_copy(update={"subnet": subnet, **nested})

    async def forward(self, query: Query) -> Answer | bytes:
        """Have one of the two miners answer."""
        return await (self.tests if self.is_test(query) else self.customers).forward(query)

    def is_test(self, query: Query) -> bool:
        """Return whether a query looks like a validator's."""
        self._learn()
        return (self.tell == "prompt" or self._head_fits(query)) and (self.tell == "head" or self._prompt_fits(query))

    def _head_fits(self, query: Query) -> bool:
        is_known = not self._limits or query.prompt.max_tokens in self._limits
        return bool(QUERY_ID.fullmatch(query.id)) and query.caller.validator_permit and is_known

    def _prompt_fits(self, query: Query) -> bool:
        if query.prompt.messages in self._instructions:
            return query.prompt.image[:2] in self._formats
        words = list(_words(query.prompt.messages))
        known = sum(word in (self._words or ()) for word in words)
        return bool(words) and known >= KNOWN_WORDS * len(words)

    def _learn(self) -> None:
        """Make some tasks, once, and remember what they look like."""
        if self._words is not None or self.subnet is None:
            return
        seeds = (Seed(self.seed).child("sample", number).integer() for number in range(TASKS))
        prompts = [self.subnet.task(next(seeds)).prompt for _ in range(PAGES)]
        if not any(prompt.image for prompt in prompts):
            prompts += [self.subnet.task(seed).prompt for seed in seeds]
        self._words = frozenset(word for prompt in prompts for word in _words(prompt.messages))
        self._limits = frozenset(prompt.max_tokens for prompt in prompts)
        self._instructions = frozenset(prompt.messages for prompt in prompts if prompt.image)
        self._formats = frozenset(prompt.image[:2] for prompt in prompts)


def _words(messages: Iterable[Message]) -> Iterable[str]:
    return (word for message in messages for word in WORD.findall(message.content.lower()))
