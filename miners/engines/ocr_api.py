"""The engine of OCR endpoints: a server takes a page and returns Markdown, in the form of Mistral's `POST /v1/ocr`.

engine = { kind = "ocr_api", base_url = "https://api.mistral.ai/v1", model = "mistral-ocr-latest",
key_env = "MISTRAL_API_KEY", usd_per_thousand_pages = 1.0 }
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated, Any

from pydantic import Field

from inference.errors import PromptError
from miners.errors import APIError, EngineError
from subnets import Cost, spend
from subnets.option import Wording

from .completion import Completion, Request, Timings, Usage
from .openai.addresses import Traffic, check_url, traffic
from .openai.api import APIEngine
from .openai.error_words import words_of
from .openai.image_part import data_uri
from .openai.server import RETRIED, Server

MAX_BYTES = 10_000_000
"""Maximum bytes of a reply."""
NO_CONNECTION = 0
"""Stands for the status of a request that got no reply."""


class OcrApi(APIEngine):
    """An OCR endpoint of Mistral's form."""

    description = "an OCR endpoint that returns Markdown, POST /v1/ocr"

    base_url: str = "https://api.mistral.ai/v1"
    """Address of the server, up to what precedes `/ocr`."""
    model: str = Field("mistral-ocr-latest", min_length=1)
    """The model's name at the server."""
    key_env: Annotated[str, Wording("the name of an environment variable, or nothing")] = Field(
        "MISTRAL_API_KEY", pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,79})?$"
    )
    """Name of the environment variable that holds the key; empty for a server that needs none."""
    usd_per_thousand_pages: float = Field(1.0, ge=0.0)
    """Price of a thousand pages, as many as the server says it processed."""
    max_in_flight: int = Field(16, ge=1)
    """Maximum requests at once."""
    stall_s: float = Field(60.0, gt=0.0)
    """Longest silence of the server."""

    @property
    def no_images(self) -> str:
        """Empty: the endpoint takes nothing else."""
        return ""

    async def open(self) -> None:
        """Read the key and find the server's address; nothing is sent yet.

        Raises:
            EngineError: the key or the package is missing, or the address is refused; with the fix.
        """
        key = self.read_key()
        try:
            self._client = await self.guarded_client()
        except ImportError as error:
            raise EngineError(
                f"the ocr_api engine needs {error.name}; get it with: pip install 'subnetlab[text]'"
            ) from error
        self._server = Server(check_url(self.base_url), self.stall_s, key)
        self._free = asyncio.Semaphore(self.max_in_flight)

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def complete(self, request: Request) -> Completion:
        """Send the page, retrying if the failure may pass.

        Raises:
            APIError: the server's failure in words, without the key.
            PromptError: the request has no image.
        """
        from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, wait_exponential

        if self._client is None or self._free is None or self._server is None:
            raise RuntimeError("the ocr_api engine is not open")
        if not request.image:
            raise PromptError("an OCR endpoint reads images, and this query has none")
        started = time.perf_counter()
        body = {"model": self.model, "document": {"type": "image_url", "image_url": data_uri(request.image)}}
        retrying = AsyncRetrying(
            retry=retry_if_result(lambda reply: reply[0] in {NO_CONNECTION, *RETRIED}),
            stop=stop_after_attempt(self.retries + 1),
            wait=wait_exponential(self.pause_s),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        async with self._free:
            reply: tuple[int, str] = await retrying(self._post, body, self._server)
        status, text = reply
        if status != 200:
            attempts = retrying.statistics["attempt_number"]
            tried = f" (tried {attempts} times)" if attempts > 1 else ""
            if status == NO_CONNECTION:
                raise APIError(f"no connection to {self._server.host}: {text}{tried}")
            words = self._server.without_key(words_of(text), 300) or "no words"
            raise APIError(f"{self._server.host} answered {status}: {words}{tried}")
        pages, processed = _pages(text, self._server.host)
        paid_usd = processed * self.usd_per_thousand_pages / 1_000
        spend(Cost(paid_usd=paid_usd))
        took_s = time.perf_counter() - started
        return Completion(
            text=self._server.answer_without_key("\n\n".join(pages)),
            model=self.model,
            usage=Usage(counted=False),
            timings=Timings(0.0, took_s, took_s),
            decode=Cost(paid_usd=paid_usd),
        )

    async def _post(self, body: dict[str, Any], server: Server) -> tuple[int, str]:
        """Return the status and body of one attempt; NO_CONNECTION and the kind of error if no reply came."""
        import httpx2

        counted = Traffic(most_bytes=MAX_BYTES)
        token = traffic.set(counted)
        headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
        try:
            reply = await self._client.post(f"{self.base_url.rstrip('/')}/ocr", json=body, headers=headers)
            return int(reply.status_code), str(reply.text)
        except httpx2.RequestError as error:
            return NO_CONNECTION, type(error).__name__
        finally:
            traffic.reset(token)
            spend(Cost(sent_bytes=counted.sent_bytes, received_bytes=counted.received_bytes))


def _pages(text: str, host: str) -> tuple[list[str], int]:
    """Return the Markdown of each page and the number of pages that are billed.

    Raises:
        APIError: the reply is not of the form.
    """
    try:
        value = json.loads(text)
        pages = [str(page["markdown"]) for page in value["pages"]]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise APIError(f"{host} sent no pages of Markdown, but something else: {words_of(text)[:200]}") from None
    usage = value.get("usage_info")
    billed = usage.get("pages_processed") if isinstance(usage, dict) else None
    if isinstance(billed, int) and not isinstance(billed, bool) and 0 <= billed <= 1_000:
        return pages, billed
    return pages, len(pages)
