"""Miners that answer with a language model: `language_model` runs one, `passthrough` buys answers from a server."""

from __future__ import annotations

from pydantic import Field

from miners.engines.completion import Request
from miners.engines.language import AnyLanguageEngine, LanguageEngine
from miners.engines.openai import OpenAI
from miners.engines.transformers import Transformers
from subnets import Answer, Message, Query, Seed
from subnets.registry import subnet_class

from .miner import Miner


class Prompted(Miner):
    """Base of the miners that pass the query to a language model."""

    system: str = Field("", max_length=20_000)
    """System prompt; empty adds none."""
    temperature: float = Field(0.0, ge=0.0, le=2.0)
    """Sampling temperature: 0 always takes the likeliest token; above about 0.7 answers get worse."""
    top_p: float = Field(1.0, gt=0.0, le=1.0)
    """Sample among the likeliest tokens that together have this probability."""
    max_tokens: int = Field(256, ge=1)
    """Maximum tokens of an answer, unless the query sets a lower limit."""
    stop: tuple[str, ...] = ()
    """Texts that end an answer."""
    reads: float = Field(1.0, gt=0.0, le=1.0)
    """Share of the last turn that the miner reads, counted from its end; less makes a weaker miner."""

    form: str = Field("", max_length=40)
    """Form in which the model writes its answer, on subnets that read several: "markdown", "qwen", "deepseek" (OCR;
    docs/ocr.md lists them). Empty asks for the subnet's own form."""

    def request(self, query: Query) -> Request:
        """Turn a query into a request to the engine; the same query gives the same request."""
        prompt = subnet_class(query.subnet).model_prompt(query.prompt, self.form)
        turns = list(prompt.messages)
        if self.reads < 1.0 and turns:
            content = turns[-1].content
            turns[-1] = Message(turns[-1].role, content[len(content) - round(len(content) * self.reads) :])
        if self.system:
            turns.insert(0, Message("system", self.system))
        return Request(
            messages=tuple(turns),
            image=prompt.image,
            max_tokens=min(self.max_tokens, query.prompt.max_tokens or self.max_tokens),
            temperature=self.temperature,
            top_p=self.top_p,
            seed=Seed(self.seed).child("answer", query.id).integer(),
            stop=self.stop,
        )

    async def ask(self, engine: LanguageEngine, query: Query) -> Answer:
        """Have an engine answer the query."""
        [completion] = await engine.generate([self.request(query)])
        subnet, text = subnet_class(query.subnet), completion.text.strip()
        answer = subnet.answer_from_model(text, query.prompt, self.form, completion.seen)
        return answer.model_copy(
            update={"model": completion.model[:200], "output_tokens": completion.usage.output_tokens}
        )


class LanguageModel(Prompted):
    """Answers with its own language model."""

    description = "answers with a language model: transformers, vLLM or a server"

    engine: AnyLanguageEngine = Field(default_factory=Transformers)
    """Engine that writes the answer."""

    async def forward(self, query: Query) -> Answer:
        """Ask the engine."""
        return await self.ask(self.engine, query)


class Passthrough(LanguageModel):
    """Forwards the query to a server and sells its answer."""

    description = "passes queries on to an OpenAI-compatible server"

    engine: AnyLanguageEngine = Field(default_factory=OpenAI)
    """Engine that asks the server."""
