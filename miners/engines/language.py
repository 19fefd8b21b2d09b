"""A language engine: prompts in, completions out, each metered and charged to its caller.

engine = load_engine({"kind": "transformers", "model": "smollm2-135m-instruct"})
await engine.open()
[completion] = await engine.generate([Request((Message("user", "Hello"),))])
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from inference.errors import PromptError
from inference.thinking import ThinkingTokens, split
from miners.miner import Engine
from miners.registry import ENGINES
from subnets import Cost, spend

from .completion import Completion, Request


class WrittenAnswer(NamedTuple):
    """The text of an answer, and the tokens that the model thought for it."""

    text: str
    thinking_tokens: int


class LanguageEngine(Engine):
    """Base of the engines that run or call a language model."""

    model: str = Field("smollm2-135m-instruct", min_length=1)
    """A path, a known name (`subnetlab models list`), `package:NAME` or a Hub id; for an API, its own name there."""
    thinking: Literal["strip", "keep"] = "strip"
    """Cut thinking off the answer, or keep it between tags. Its tokens are metered and paid either way."""

    @property
    def no_images(self) -> str:
        """Why requests may not hold an image, with the fix if there is one; empty if they may."""
        return f"{self.model} reads text alone"

    @abstractmethod
    async def complete(self, request: Request) -> Completion:
        """Answer one request and `spend` what it used; the engine may batch it with others."""

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer all requests together and return the completions in order.

        Raises:
            PromptError: a prompt that the model can't take.
            TimeoutError: a request was not answered within its `timeout_s`.
            EngineDied: the engine is gone, and everything in flight with it.
            RuntimeError: the engine failed at this request; its message is quoted.
        """
        if any(request.image for request in requests) and (reason := self.no_images):
            raise PromptError(
                f"no image can be read: {reason}; take a vision-language model, here or on a server with "
                'engine = {kind = "openai", ...}, or read pages with kind = "tesseract" or "rapidocr"'
            )
        if len(requests) == 1:
            completions = [await self._timed(requests[0])]
        else:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._timed(request)) for request in requests]
            completions = [task.result() for task in tasks]
        spend(Cost(first_token_s=sum(completion.timings.first_token_s for completion in completions)))
        return completions

    def written(self, text: str, prompt: Sequence[int], tokens: ThinkingTokens) -> WrittenAnswer:
        """Return what a model that runs here wrote, as an answer with or without its thinking."""
        begun = tokens.begun_by(prompt)
        thoughts, answer = split(text, begun=begun)
        if self.thinking == "keep":
            answer = f"<think>\n{text}" if begun else text
        return WrittenAnswer(answer, tokens.count(thoughts))

    async def _timed(self, request: Request) -> Completion:
        if not isfinite(request.timeout_s):
            return await self.complete(request)
        try:
            async with asyncio.timeout(request.timeout_s) as limit:
                return await self.complete(request)
        except TimeoutError:
            if not limit.expired():
                raise
            raise TimeoutError(f"no completion within {request.timeout_s:g} s") from None


AnyLanguageEngine = Annotated[LanguageEngine, *ENGINES.field()]
"""A field of a miner that takes a language engine, by name or as a table."""
