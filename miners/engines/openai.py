"""The OpenAI engine: any server that speaks the OpenAI protocol, through the `openai` client.

Answers are streamed, so that the time to the first token is seen and an answer without an end is cut. Failures that
may pass (429, 5xx, no connection) are tried again with growing pauses, unless some of the answer has arrived.
The key is read from the environment and appears nowhere else.

    engine = { kind = "openai", base_url = "https://api.example.com/v1", model = "small", key_env = "EXAMPLE_KEY" }
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from inference.causal import encodable, encode, load_tokenizer
from inference.errors import ModelError, PromptError
from miners.errors import APIError, EngineError
from subnets import Cost, spend

from .addresses import Traffic, check_url, guarded_client, resolve, traffic
from .completion import Completion, Request, Timings, Usage
from .language import LanguageEngine
from .prices import FlatPrice, Price, listed_price

logger = logging.getLogger(__name__)

RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""Status codes that may pass."""
BYTES_PER_TOKEN = 4_000
"""More than any server's event for one token with 20 log-probabilities; what exceeds it is an attack or a defect."""
TEMPLATE_TOKENS = 256
"""What a server's chat template is taken to add to a prompt at most, when money is held back for it."""
EXTRA_TOKENS = 16
"""What a server may send beyond the tokens it was asked for, before its answer is cut."""


class OpenAI(LanguageEngine):
    """A model behind an OpenAI-compatible server."""

    description = "a language model behind an OpenAI-compatible server"

    base_url: str = "https://api.openai.com/v1"
    model: str = Field("gpt-4o-mini", min_length=1)
    """As the server names it. A server that answers with another one has failed, unless the name only grew longer."""
    key_env: str = Field("OPENAI_API_KEY", pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,79})?$")
    """Name of the environment variable that holds the key; empty for a server that wants none."""
    private_hosts: tuple[str, ...] = ()
    """Hosts in private networks that may be called: "127.0.0.1"."""
    tokenizer: str = ""
    """A model on this machine whose tokenizer counts the tokens; empty takes the server's word."""
    max_in_flight: int = Field(64, ge=1)
    requests_per_minute: float | None = Field(None, gt=0.0)
    max_usd: float | None = Field(None, gt=0.0)
    """Most that may be spent from `open` to `close`; an answer that could exceed it is not asked for."""
    usd_per_million_input: float | None = Field(None, ge=0.0)
    """Price of the tokens read; None looks it up."""
    usd_per_million_output: float | None = Field(None, ge=0.0)
    retries: int = Field(3, ge=0, le=10)
    pause_s: float = Field(0.5, gt=0.0)
    """Before the first retry; doubled each time, up to `most_pause_s`. A server's Retry-After counts instead."""
    most_pause_s: float = Field(20.0, gt=0.0)
    stall_s: float = Field(30.0, gt=0.0)
    """Longest silence of a server within an answer."""
    limit_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """How the server calls the bound on an answer."""

    _client: Any = PrivateAttr(None)
    _key: str = PrivateAttr("")
    _tokenizer: Any = PrivateAttr(None)
    _price: Price | None = PrivateAttr(None)
    _free: asyncio.Semaphore | None = PrivateAttr(None)
    _next_at: float = PrivateAttr(0.0)
    _spent_usd: float = PrivateAttr(0.0)
    _reserved_usd: float = PrivateAttr(0.0)
    _returned: asyncio.Condition | None = PrivateAttr(None)

    @field_validator("base_url")
    @classmethod
    def _is_a_base_url(cls, url: str) -> str:
        check_url(url)
        return url

    @model_validator(mode="after")
    def _prices_come_in_pairs(self) -> Self:
        if (self.usd_per_million_input is None) != (self.usd_per_million_output is None):
            raise ValueError("usd_per_million_input and usd_per_million_output go together; give both or neither")
        return self

    @property
    def concurrency(self) -> int:
        """Requests that may be under way at once."""
        return self.max_in_flight

    @property
    def spent_usd(self) -> float:
        """Spent since the engine was opened."""
        return self._spent_usd

    @property
    def price(self) -> Price | None:
        """What the server takes for tokens, with its source; None where it is not known."""
        return self._price

    async def open(self) -> None:
        """Read the key, find the price and the server's address; nothing is sent yet.

        Raises:
            EngineError: the key, the price or the package is missing, or the address is refused; with the fix.
        """
        try:
            import openai
        except ImportError as error:
            raise EngineError(
                f"the openai engine needs {error.name}; get it with: pip install 'subnetlab[text]'"
            ) from error
        self._key = os.environ.get(self.key_env, "") if self.key_env else ""
        if self.key_env and not self._key:
            raise EngineError(
                f"{self.key_env} is not set; export {self.key_env}=... with the key of {self._host}, "
                'or set key_env = "" for a server that wants none'
            )
        if self.usd_per_million_input is not None and self.usd_per_million_output is not None:
            self._price = FlatPrice(self.usd_per_million_input, self.usd_per_million_output)
        else:
            self._price = listed_price(self.model, self.base_url)
        if self._price is None and self.max_usd is not None:
            raise EngineError(
                f"no price is known for {self.model} at {self._host}, so max_usd can't be kept; "
                "set usd_per_million_input and usd_per_million_output"
            )
        try:
            await resolve(self._host, 0, self.private_hosts)
        except APIError as error:
            raise EngineError(f"base_url: {error}") from None
        if self.tokenizer:
            try:
                self._tokenizer = await asyncio.to_thread(load_tokenizer, self.tokenizer)
            except ModelError as error:
                raise EngineError(f"tokenizer: {error}") from error
        self._free = asyncio.Semaphore(self.max_in_flight)
        self._spent_usd = self._reserved_usd = 0.0
        self._returned = asyncio.Condition()

        class Client(openai.AsyncOpenAI):  # type: ignore[misc]
            """Its own defaults would add what OPENAI_CUSTOM_HEADERS and the like hold, for whatever server this is."""

            default_headers = {"Accept": "application/json", "Content-Type": "application/json"}

        self._client = Client(
            api_key=self._key or "none",
            base_url=self.base_url,
            max_retries=0,
            http_client=guarded_client(self.private_hosts, stall_s=self.stall_s, connections=self.max_in_flight),
        )

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def complete(self, request: Request) -> Completion:
        """Ask the server, again where a failure may pass.

        Raises:
            APIError: the server's failure in words, without the key.
        """
        if self._client is None or self._free is None:
            raise RuntimeError("the openai engine is not open")
        asked = time.perf_counter()
        async with self._free, self._reserve(request):
            for attempt in range(self.retries + 1):
                await self._rate()
                answer = _Answer(asked)
                counted = Traffic(most_bytes=BYTES_PER_TOKEN * (request.max_tokens + 32))
                token = traffic.set(counted)
                failure: Exception | None = None
                try:
                    await self._stream(request, answer)
                except Exception as error:
                    failure = error
                finally:
                    traffic.reset(token)
                    self._pay(request, answer, counted)
                if failure is None:
                    return self._completion(request, answer)
                pause_s = self._pause(failure, attempt, request)
                if answer.events or attempt == self.retries or pause_s < 0.0:
                    tries = f" (tried {attempt + 1} times)" if attempt else ""
                    raise APIError(f"{self._said(failure, answer)}{tries}")
                logger.info("%s: %s; trying again in %.1f s", self.model, self._said(failure, answer), pause_s)
                await asyncio.sleep(pause_s)
        raise AssertionError("every attempt returns or raises")

    async def _stream(self, request: Request, answer: _Answer) -> None:
        options: dict[str, Any] = {self.limit_key: request.max_tokens}
        if request.stop:
            options["stop"] = list(request.stop)
        if request.logprobs is not None:
            options |= {"logprobs": True, "top_logprobs": request.logprobs}
        messages = [{"role": message.role, "content": encodable(message.content)} for message in request.messages]
        stream = await self._client.chat.completions.create(
            model=self.model,
            messages=messages,
            temperature=request.temperature,
            top_p=request.top_p,
            seed=request.seed % 2**63,
            stream=True,
            stream_options={"include_usage": True},
            **options,
        )
        async with stream:
            async for event in stream:
                answer.add(event)
                if answer.pieces > request.max_tokens + EXTRA_TOKENS:
                    answer.finish = "length"
                    return
        if not answer.events:
            raise APIError(f"{self._host} sent no completion, but something else")
        if not answer.finish:
            raise APIError(f"{self._host} broke off its answer after {answer.pieces} pieces")
        if answer.model and not answer.model.startswith(self.model) and not self.model.endswith(answer.model):
            raise APIError(f"asked for {self.model}, {self._host} answered with {self._shown(answer.model, 100)}")

    def _completion(self, request: Request, answer: _Answer) -> Completion:
        return Completion(
            text=encodable("".join(answer.texts)),
            logprobs=tuple(answer.logprobs),
            finish=answer.finish if answer.finish == "length" else "stop",
            model=self._shown(answer.model, 200),
            usage=self._usage(request, answer),
            timings=Timings(0.0, answer.first_token_s, time.perf_counter() - answer.asked),
            decode=Cost(paid_usd=answer.paid_usd),
        )

    def _usage(self, request: Request, answer: _Answer) -> Usage:
        claimed = answer.claimed or (None, None)
        read, written = answer.claimed or (0, answer.pieces)
        if self._tokenizer is not None:
            with suppress(PromptError):  # the server's template took it
                read = len(encode(self._tokenizer, request.messages, self.tokenizer))
            written = len(self._tokenizer.encode(encodable("".join(answer.texts)), add_special_tokens=False))
        counted = self._tokenizer is not None
        return Usage(read, written, claimed_input_tokens=claimed[0], claimed_output_tokens=claimed[1], counted=counted)

    def _pay(self, request: Request, answer: _Answer, counted: Traffic) -> None:
        """Charge for an attempt, failed ones included where some of an answer came."""
        cost = Cost(sent_bytes=counted.sent_bytes, received_bytes=counted.received_bytes)
        if answer.events:
            usage = self._usage(request, answer)
            if self._price is not None:
                billed = answer.claimed or (usage.input_tokens, usage.output_tokens)
                answer.paid_usd = self._price.usd(*billed)
                self._spent_usd += answer.paid_usd
            cost += Cost(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, paid_usd=answer.paid_usd)
        spend(cost)

    @asynccontextmanager
    async def _reserve(self, request: Request) -> AsyncIterator[None]:
        """Hold back the most that a request may cost, so that many at once can't pass the limit together."""
        if self._price is None or self.max_usd is None or self._returned is None:
            yield
            return
        # A token of input has at least one byte; the server's template adds its own.
        written = sum(len(message.content.encode("utf-8", "replace")) for message in request.messages)
        most = self._price.usd(written + TEMPLATE_TOKENS, request.max_tokens)
        async with self._returned:
            while self._spent_usd + self._reserved_usd + most > self.max_usd:
                if self._reserved_usd == 0.0:
                    raise APIError(
                        f"the spending limit of ${self.max_usd:g} allows no more: ${self._spent_usd:.6f} is spent "
                        f"and this answer may cost ${most:.6f}; raise max_usd"
                    )
                await self._returned.wait()
            self._reserved_usd += most
        try:
            yield
        finally:
            self._reserved_usd = max(0.0, self._reserved_usd - most)
            if self._reserved_usd < 1e-12:  # what rounding leaves of many is nothing
                self._reserved_usd = 0.0
            async with self._returned:
                self._returned.notify_all()

    async def _rate(self) -> None:
        """Wait for this request's turn."""
        if self.requests_per_minute is None:
            return
        now = time.monotonic()
        turn = max(now, self._next_at)
        self._next_at = turn + 60.0 / self.requests_per_minute
        await asyncio.sleep(turn - now)

    def _pause(self, error: Exception, attempt: int, request: Request) -> float:
        """Return the seconds to wait before another try; negative where none may help."""
        import openai

        if isinstance(error, openai.APIStatusError):
            if error.status_code not in RETRIED:
                return -1.0
            told = error.response.headers.get("retry-after", "")
            if re.fullmatch(r"\d{1,4}(\.\d{1,3})?", told):
                return min(float(told), self.most_pause_s)
        elif not isinstance(error, openai.APIConnectionError) or isinstance(error.__cause__, APIError):
            return -1.0
        jitter = random.Random(f"{request.seed} {attempt}").uniform(0.75, 1.25)
        return min(self.pause_s * 2.0**attempt, self.most_pause_s) * jitter

    def _said(self, error: BaseException, answer: _Answer) -> str:
        """Say what went wrong, without the key."""
        import openai

        cause = error.__cause__
        if isinstance(error, APIError):
            said = str(error)
        elif isinstance(cause, APIError):
            said = str(cause)
        elif isinstance(error, openai.APIStatusError):
            said = f"{self._host} answered {error.status_code}: {self._shown(error.message, 200)}"
        elif isinstance(error, openai.APITimeoutError) or "Timeout" in type(error).__name__:
            said = f"{self._host} was silent for {self.stall_s:g} s"
        elif answer.events and "RemoteProtocolError" in (type(error).__name__, type(cause).__name__):
            said = f"{self._host} broke off its answer after {answer.pieces} pieces"
        elif isinstance(error, openai.APIConnectionError):
            said = f"no connection to {self._host}: {type(cause).__name__ if cause else 'refused'}"
        else:
            said = f"{self._host} sent what can't be read: {type(error).__name__}"
        return self._shown(said)

    def _shown(self, said: str, most: int | None = None) -> str:
        """Leave out the key, and only then cut: what is left of a key would not be found."""
        return (said.replace(self._key, "[key]") if self._key else said)[:most]

    @property
    def _host(self) -> str:
        return check_url(self.base_url)


class _Answer:
    """What has arrived of one answer."""

    def __init__(self, asked: float) -> None:
        self.asked = asked
        self.texts: list[str] = []
        self.logprobs: list[float] = []
        self.pieces = 0
        self.events = 0
        self.finish = ""
        self.model = ""
        self.claimed: tuple[int, int] | None = None
        self.first_token_s = 0.0
        self.paid_usd = 0.0

    def add(self, event: Any) -> None:
        """Take in one event of the stream.

        Raises:
            TypeError, AttributeError: it is no such event.
        """
        if not isinstance(event.choices, list):
            raise TypeError("an event without choices")
        self.events += 1
        self.model = str(event.model or self.model)
        if event.usage is not None:
            claims = event.usage.prompt_tokens, event.usage.completion_tokens
            if all(isinstance(claim, int) and 0 <= claim < 10**9 for claim in claims):
                self.claimed = claims
        for choice in event.choices[:1]:
            if piece := choice.delta.content:
                if not self.pieces:
                    self.first_token_s = time.perf_counter() - self.asked
                self.texts.append(str(piece))
                self.pieces += 1
            if choice.logprobs is not None and choice.logprobs.content:
                self.logprobs += [float(told.logprob) for told in choice.logprobs.content]
            self.finish = str(choice.finish_reason or self.finish)


OpenAI.model_rebuild()
