"""The OpenAI engine: any server that speaks the OpenAI protocol, through the `openai` client.

Answers are streamed, so that the time to the first token is known and an endless answer can be cut. Failures that may
pass (429, 5xx, no connection) are retried with growing pauses, unless part of the answer has arrived.
The key is read from the environment and appears nowhere else.

    engine = { kind = "openai", base_url = "https://api.example.com/v1", model = "small", key_env = "EXAMPLE_KEY" }
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from inference.causal import encodable, encode, load_tokenizer
from inference.errors import ModelError, PromptError
from miners.engines.completion import Completion, Request, Timings, Usage
from miners.errors import APIError, EngineError
from subnets import Cost, spend
from subnets.option import Wording

from .addresses import Traffic, check_url, traffic
from .api import APIEngine
from .dialect import MAX_SEED, Dialect
from .events import events
from .image_part import image_tokens, with_image
from .names import ModelNames
from .prices import FlatPrice, Price, listed_price
from .server import AttemptFailed, Server
from .spending import Spending
from .stream import StreamedAnswer, estimate

logger = logging.getLogger(__name__)

BYTES_PER_TOKEN = 4_000
"""More than any server's event for one token with 20 log-probabilities; a longer one is an attack or a defect."""
EXTRA_TOKENS = 16
"""Tokens that a server may send beyond those asked for before its answer is cut."""
DRAIN_S = 0.1
"""Maximum wait for the end of a reply after the end of its answer."""
TOKENS_BETWEEN_COUNTS = 16
"""Pieces of a long answer between two counts of its tokens, each of which reads all of it."""


class OpenAI(APIEngine):
    """A model behind an OpenAI-compatible server."""

    description = "a language model behind an OpenAI-compatible server"

    base_url: str = "https://api.openai.com/v1"
    """Address of the server, up to what precedes `/chat/completions`."""
    model: str = Field("gpt-4o-mini", min_length=1)
    """The model's name at the server. An answer from another model is a failure, unless its name only adds to this."""
    key_env: Annotated[str, Wording("the name of an environment variable, or nothing")] = Field(
        "OPENAI_API_KEY", pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,79})?$"
    )
    """Name of the environment variable that holds the key; empty for a server that needs none."""
    tokenizer: str = ""
    """A model on this machine whose tokenizer counts the tokens; empty trusts the server's count."""
    requests_per_minute: float | None = Field(None, gt=0.0)
    """Maximum requests in a minute. Omit it to set no limit."""
    max_usd: float | None = Field(None, gt=0.0)
    """Maximum spending from `open` to `close`; a request that could exceed it is not sent."""
    usd_per_million_input: float | None = Field(None, ge=0.0)
    """Price of the tokens read; omit it to look it up."""
    usd_per_million_output: float | None = Field(None, ge=0.0)
    """Price of the tokens written, given together with that of the tokens read."""
    pause_s: float = Field(0.5, gt=0.0)
    """Pause before the first retry; doubled each time, up to `most_pause_s`. A server's Retry-After goes first."""
    most_pause_s: float = Field(20.0, gt=0.0)
    """Longest pause before a retry."""
    stall_s: float = Field(30.0, gt=0.0)
    """Longest silence of a server within an answer."""
    limit_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The server's name of the limit on an answer; changed if the server refuses it."""
    leave_out: tuple[str, ...] = ()
    """Parameters that the server does not take: "top_p", "seed", "stream_options". Those whose absence changes nothing
    are also left out once the server has refused them."""
    rename: dict[str, str] = {}
    """Other names under which the server takes parameters: {seed = "random_seed"}."""
    stream: bool = True
    """False for a server that sends only whole answers; the time to the first token is then that of the answer."""
    image_detail: Literal["", "auto", "low", "high"] = ""
    """How closely the server looks at an image, where it knows that; empty leaves it to the server."""
    answered_by: str = ""
    """Name of the model that is meant to answer, where `model` is the name of a deployment."""

    _tokenizer: Any = PrivateAttr(None)
    _price: Price | None = PrivateAttr(None)
    _spending: Spending | None = PrivateAttr(None)
    _dialect: Dialect | None = PrivateAttr(None)
    _names: ModelNames | None = PrivateAttr(None)
    _next_at: float = PrivateAttr(0.0)

    @field_validator("leave_out", "rename")
    @classmethod
    def _has_a_model_and_messages(cls, names: Collection[str]) -> Collection[str]:
        if essential := {"model", "messages"} & set(names):
            raise ValueError(f"every server takes {', '.join(sorted(essential))}")
        return names

    @model_validator(mode="after")
    def _prices_come_in_pairs(self) -> Self:
        if (self.usd_per_million_input is None) != (self.usd_per_million_output is None):
            raise ValueError("usd_per_million_input and usd_per_million_output go together; give both or neither")
        return self

    @property
    def no_images(self) -> str:
        """Empty: whether the model reads images is the server's to say."""
        return ""

    @property
    def price(self) -> Price | None:
        """Price of the server's tokens, with its source; None if unknown."""
        return self._price

    async def open(self) -> None:
        """Read the key and find the price and the server's address; nothing is sent yet.

        Raises:
            EngineError: the key, the price or the package is missing, or the address is refused; with the fix.
        """
        try:
            import openai
        except ImportError as error:
            raise EngineError(
                f"the openai engine needs {error.name}; get it with: pip install 'subnetlab[text]'"
            ) from error
        host, key = check_url(self.base_url), self.read_key()
        self._price = self._find_price()
        if self._price is None and self.max_usd is not None:
            raise EngineError(
                f"no price is known for {self.model} at {host}, so max_usd can't be kept; "
                "set usd_per_million_input and usd_per_million_output"
            )
        client = await self.guarded_client()
        if self.tokenizer:
            try:
                self._tokenizer = await asyncio.to_thread(load_tokenizer, self.tokenizer)
            except ModelError as error:
                raise EngineError(f"tokenizer: {error}") from error
        self._server = Server(host, self.stall_s, key)
        self._dialect = Dialect(self.limit_key, self.leave_out, self.rename, self.stream)
        self._names = ModelNames(self.model, self.answered_by)
        self._spending = Spending(self._price, self.max_usd)
        self._free = asyncio.Semaphore(self.max_in_flight)

        class Client(openai.AsyncOpenAI):  # type: ignore[misc]
            """The client without its default headers, which would send OPENAI_CUSTOM_HEADERS to any server."""

            default_headers = {"Accept": "application/json", "Content-Type": "application/json"}

        self._client = Client(
            api_key=key or "none",
            base_url=self.base_url,
            max_retries=0,
            http_client=client,
        )

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def complete(self, request: Request) -> Completion:
        """Ask the server, retrying if the failure may pass.

        Raises:
            APIError: the server's failure in words, without the key.
        """
        from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

        if self._client is None or self._free is None or self._spending is None:
            raise RuntimeError("the openai engine is not open")

        def pause(state: RetryCallState) -> float:
            failure = state.outcome.exception() if state.outcome else None
            return self._pause(failure, state.attempt_number, request)

        def log(state: RetryCallState) -> None:
            failure = state.outcome.exception() if state.outcome else None
            logger.info("%s: %s; trying again in %.1f s", self.model, failure, state.upcoming_sleep)

        started = time.perf_counter()
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, AttemptFailed) and error.may_pass),
            stop=stop_after_attempt(self.retries + 1),
            wait=pause,
            before_sleep=log,
            reraise=True,
        )
        async with self._free, self._spending.reserve(request):
            try:
                return await retrying(self._attempt, request, started, self._spending)
            except AttemptFailed as error:
                attempts = retrying.statistics["attempt_number"]
                raise APIError(f"{error} (tried {attempts} times)" if attempts > 1 else str(error)) from None

    async def _attempt(self, request: Request, started: float, spending: Spending) -> Completion:
        """Send the request; if the server refuses a dispensable parameter, send it again without that one."""
        from openai import APIStatusError

        assert self._server is not None and self._dialect is not None
        parameters = self._parameters(request)
        while True:
            await self._take_turn()
            answer = StreamedAnswer(started)
            counted = Traffic(most_bytes=BYTES_PER_TOKEN * (request.max_tokens + 32))
            token = traffic.set(counted)
            body = self._dialect.body(parameters)
            try:
                await self._receive(body, request, answer, self._server)
                break
            except Exception as error:
                if isinstance(error, APIStatusError) and self._dialect.learn(
                    error.status_code, error.response.text, parameters, body
                ):
                    continue
                raise self._server.failure(error, answer) from error
            finally:
                traffic.reset(token)
                self._charge(request, answer, counted, spending)
        text = answer.answer(self.thinking)
        if not self._dialect.stops:
            text = min((text.partition(stop)[0] for stop in request.stop), key=len, default=text)
        return Completion(
            text=self._server.answer_without_key(encodable(text)),
            logprobs=tuple(answer.logprobs),
            finish=answer.finish if answer.finish == "length" else "stop",
            model=self._server.without_key(answer.model, 200),
            usage=self._usage(request, answer),
            timings=Timings(0.0, answer.first_token_s, time.perf_counter() - answer.started),
            decode=Cost(paid_usd=answer.paid_usd),
        )

    def _parameters(self, request: Request) -> dict[str, Any]:
        """Return the request by the usual names of its parameters."""
        messages = [{"role": turn.role, "content": encodable(turn.content)} for turn in request.messages]
        parameters: dict[str, Any] = {
            "model": self.model,
            "messages": with_image(messages, request.image, self.image_detail),
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed % MAX_SEED,
            "max_tokens": request.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.stop:
            parameters["stop"] = list(request.stop)
        if request.logprobs is not None:
            parameters |= {"logprobs": True, "top_logprobs": request.logprobs}
        return parameters

    async def _receive(self, body: dict[str, Any], request: Request, answer: StreamedAnswer, server: Server) -> None:
        assert self._names is not None
        call = self._client.chat.completions.with_streaming_response.create(
            model=body["model"], messages=body["messages"], extra_body=body
        )
        async with call as response:
            parts = response.iter_bytes()
            async for event in events(parts):
                answer.add(event)
                if self._too_long(answer, request.max_tokens + EXTRA_TOKENS):
                    answer.finish = "length"
                    return
            # A connection is used again only if its reply was read to the end.
            with suppress(TimeoutError, APIError):
                async with asyncio.timeout(DRAIN_S):
                    async for _ in parts:
                        pass
        if not answer.events:
            raise APIError(f"{server.host} sent no completion, but something else")
        if not answer.ended:
            raise APIError(f"{server.host} broke off its answer after {answer.pieces} pieces")
        if answer.finish == "content_filter" and not answer.text:
            raise APIError(f"the content filter of {server.host} withheld the answer")
        if problem := self._names.problem(server.without_key(answer.model)):
            raise APIError(f"asked for {self.model}, {server.host} {problem}")

    def _too_long(self, answer: StreamedAnswer, most_tokens: int) -> bool:
        if answer.pieces > most_tokens and self._tokenizer is not None and answer.pieces % TOKENS_BETWEEN_COUNTS == 0:
            return self._count(answer.text + "".join(answer.thoughts)) > most_tokens
        return answer.least_tokens > most_tokens

    def _count(self, text: str) -> int:
        """Count the tokens of a text, or estimate them without a tokenizer."""
        if self._tokenizer is None:
            return estimate(text)
        return len(self._tokenizer.encode(encodable(text), add_special_tokens=False))

    def _usage(self, request: Request, answer: StreamedAnswer) -> Usage:
        claimed = answer.claimed
        thinking = self._count(answer.thinking)
        if self._tokenizer is None and claimed:
            input_tokens, output_tokens = claimed
            if answer.claimed_thinking is not None:
                thinking = answer.claimed_thinking
        else:
            read = sum(estimate(turn.content) for turn in request.messages) + image_tokens(request.image)
            input_tokens = claimed.input if claimed else read
            output_tokens = self._count(answer.text + "".join(answer.thoughts))
        if self._tokenizer is not None and not request.image:  # no tokenizer counts images; the server bills them
            with suppress(PromptError):  # the server's template accepted the prompt
                input_tokens = len(encode(self._tokenizer, request.messages, self.tokenizer))
        return Usage(
            input_tokens,
            output_tokens,
            claimed_input_tokens=claimed.input if claimed else None,
            claimed_output_tokens=claimed.output if claimed else None,
            counted=self._tokenizer is not None and not request.image,
            estimated=self._tokenizer is None and claimed is None,
            thinking_tokens=min(thinking, output_tokens),
        )

    def _charge(self, request: Request, answer: StreamedAnswer, counted: Traffic, spending: Spending) -> None:
        """Charge for an attempt, even a failed one if part of an answer arrived."""
        cost = Cost(sent_bytes=counted.sent_bytes, received_bytes=counted.received_bytes)
        if answer.events:
            usage = self._usage(request, answer)
            answer.paid_usd = spending.pay(*(answer.claimed or (usage.input_tokens, usage.output_tokens)))
            cost += Cost(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, paid_usd=answer.paid_usd)
        spend(cost)

    def _find_price(self) -> Price | None:
        if self.usd_per_million_input is not None and self.usd_per_million_output is not None:
            return FlatPrice(self.usd_per_million_input, self.usd_per_million_output)
        return listed_price(self.model, self.base_url)

    async def _take_turn(self) -> None:
        """Wait until `requests_per_minute` allows another request."""
        if self.requests_per_minute is None:
            return
        now = time.monotonic()
        turn = max(now, self._next_at)
        self._next_at = turn + 60.0 / self.requests_per_minute
        await asyncio.sleep(turn - now)

    def _pause(self, failure: BaseException | None, attempts: int, request: Request) -> float:
        """Return the seconds to wait after so many attempts."""
        if isinstance(failure, AttemptFailed) and failure.retry_after_s is not None:
            return min(failure.retry_after_s, self.most_pause_s)
        jitter = random.Random(f"{request.seed} {attempts - 1}").uniform(0.75, 1.25)
        return min(self.pause_s * 2.0 ** (attempts - 1), self.most_pause_s) * jitter


OpenAI.model_rebuild()
