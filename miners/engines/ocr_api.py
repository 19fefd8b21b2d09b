"""The engine of OCR endpoints: a server takes a page and returns Markdown, in the form of Mistral's `POST /v1/ocr`.

engine = { kind = "ocr_api", base_url = "https://api.mistral.ai/v1", model = "mistral-ocr-latest",
key_env = "MISTRAL_API_KEY", usd_per_thousand_pages = 1.0 }
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from base64 import b64encode
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, field_validator

from inference.errors import PromptError
from miners.errors import APIError, EngineError
from subnets import Cost, spend
from subnets.option import Wording

from .completion import Completion, Request, Timings, Usage
from .language import LanguageEngine
from .openai.addresses import Traffic, check_url, guarded_client, resolve, traffic
from .openai.error_words import words_of
from .openai.key import check_key
from .openai.server import RETRIED, Server

MAX_BYTES = 10_000_000
"""Maximum bytes of a reply."""


class OcrApi(LanguageEngine):
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
    private_hosts: tuple[str, ...] = ()
    """Hosts in private networks that may be called: "127.0.0.1"."""
    usd_per_thousand_pages: float = Field(1.0, ge=0.0)
    """Price of a thousand pages, as many as the server says it processed."""
    max_in_flight: int = Field(16, ge=1)
    """Maximum requests at once."""
    retries: int = Field(3, ge=0, le=10)
    """Number of times that a failed request is repeated."""
    pause_s: float = Field(0.5, gt=0.0)
    """Pause before the first retry; doubled each time."""
    stall_s: float = Field(60.0, gt=0.0)
    """Longest silence of the server."""

    _client: Any = PrivateAttr(None)
    _server: Server | None = PrivateAttr(None)
    _free: asyncio.Semaphore | None = PrivateAttr(None)

    @field_validator("base_url")
    @classmethod
    def _is_a_base_url(cls, url: str) -> str:
        check_url(url)
        return url

    @property
    def concurrency(self) -> int:
        """Requests that may be under way at once."""
        return self.max_in_flight

    @property
    def takes_images(self) -> bool:
        """True; it takes nothing else."""
        return True

    async def open(self) -> None:
        """Read the key and find the server's address; nothing is sent yet.

        Raises:
            EngineError: the key or the package is missing, or the address is refused; with the fix.
        """
        host = check_url(self.base_url)
        key = os.environ.get(self.key_env, "") if self.key_env else ""
        if self.key_env and not key:
            raise EngineError(
                f"{self.key_env} is not set; export {self.key_env}=... with the key of {host}, "
                'or set key_env = "" for a server that needs none'
            )
        if self.key_env:
            check_key(key, self.key_env)
        try:
            await resolve(host, 0, self.private_hosts)
            self._client = guarded_client(self.private_hosts, stall_s=self.stall_s, connections=self.max_in_flight)
        except APIError as error:
            raise EngineError(f"base_url: {error}") from None
        except ImportError as error:
            raise EngineError(
                f"the ocr_api engine needs {error.name}; get it with: pip install 'subnetlab[text]'"
            ) from error
        self._server = Server(host, self.stall_s, key)
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
        if self._client is None or self._free is None or self._server is None:
            raise RuntimeError("the ocr_api engine is not open")
        if not request.image:
            raise PromptError("an OCR endpoint reads images, and this query has none")
        started = time.perf_counter()
        kind = "png" if request.image.startswith(b"\x89PNG") else "jpeg"
        url = f"data:image/{kind};base64,{b64encode(request.image).decode()}"
        body = {"model": self.model, "document": {"type": "image_url", "image_url": url}}
        async with self._free:
            for attempt in range(self.retries + 1):
                status, text = await self._post(body, self._server)
                if status not in RETRIED or attempt == self.retries:
                    break
                await asyncio.sleep(self.pause_s * 2.0**attempt)
        if status != 200:
            words = self._server.without_key(words_of(text), 300) or "no words"
            tried = f" (tried {attempt + 1} times)" if attempt else ""
            raise APIError(f"{self._server.host} answered {status or 'nothing'}: {words}{tried}")
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
        """Return the status and body of one attempt; status 0 if there was no connection."""
        import httpx2

        counted = Traffic(most_bytes=MAX_BYTES)
        token = traffic.set(counted)
        headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
        try:
            reply = await self._client.post(f"{self.base_url.rstrip('/')}/ocr", json=body, headers=headers)
            return int(reply.status_code), str(reply.text)
        except httpx2.RequestError as error:
            return 503, f"no connection: {type(error).__name__}"
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
