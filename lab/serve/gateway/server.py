"""The HTTP side of a gateway: routes, keys, bodies, streams and errors.

Every refusal is an error object of the OpenAI API, and every failure of ours too. A client that sends too slowly, reads
too slowly or goes away frees its place.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from lab.errors import LabError
from lab.record.customers import Feedback
from lab.record.saved_receipt import SavedReceipt

from .account import Account
from .chat import (
    ChatRequest,
    FeedbackRequest,
    OcrRequest,
    decode_image,
    image_of,
    messages_of,
    read,
    read_chat,
)
from .disguise import Disguise
from .keys import ApiKey, KeyFile
from .metrics import CONTENT_TYPE, Metrics
from .refusal import INVALID, ApiRefusal, failed, invalid, too_many, unknown_key
from .replies import chunks, completion, event, model_list, pages, usage_of
from .sale import CustomerQuestion, Sale, Seller

if TYPE_CHECKING:
    from ssl import SSLContext

logger = logging.getLogger(__name__)
silent = logging.getLogger(f"{__name__}.http")
silent.setLevel(logging.CRITICAL + 1)  # strangers who send something other than HTTP would fill the log

MAX_BYTES = 40_000_000
"""Maximum bytes of a body."""
BODY_S = 30.0
"""Time for a body to arrive."""
IDLE_S = 60.0
"""Time for the head of a request to arrive, and for the next request over a connection."""
STALL_S = 30.0
"""Time for a client to take a piece of its answer."""
HEARTBEAT_S = 5.0
"""Time after which a stream without an answer yet is opened, so that nothing on the way gives it up."""
MAX_SECRET = 200

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class GatewayServer:
    """Serves customers over HTTP."""

    def __init__(self, seller: Seller, disguise: Disguise, keys: KeyFile, metrics: Metrics, max_text: int) -> None:
        self._seller, self._disguise, self._keys, self._metrics = seller, disguise, keys, metrics
        self._max_text = max_text
        self._began = int(time.time())
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int, places: int, tls: SSLContext | None = None) -> None:
        """Listen, for at most `places` requests at once; port 0 takes a free one.

        Raises:
            LabError: the address is not available.
        """
        self._places = places
        application = web.Application(middlewares=[self._explained], client_max_size=MAX_BYTES)
        application.add_routes(
            [
                web.get("/health", self._health),
                web.get("/metrics", self._counters),
                web.get("/v1/models", self._models),
                web.get("/v1/models/{model:.+}", self._model),
                web.get("/v1/usage", self._usage),
                web.get("/v1/receipts/{id}", self._receipt),
                web.post("/v1/chat/completions", self._chat),
                web.post("/v1/feedback", self._feedback),
            ]
        )
        if self._disguise.reads_pages:
            application.add_routes([web.post("/v1/ocr", self._ocr)])
        application.on_response_prepare.append(_name_server)
        self._runner = web.AppRunner(
            application,
            handler_cancellation=True,
            access_log=None,
            logger=silent,
            keepalive_timeout=IDLE_S,
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=tls, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            raise LabError(f"can't serve at {host}:{port}: {error.strerror or error}") from None
        self.port = int(self._runner.addresses[0][1])

    async def stop_listening(self) -> None:
        """Accept no further connections."""
        for site in [*self._runner.sites] if self._runner is not None else []:
            await site.stop()

    async def close(self) -> None:
        """Cut all connections; safe to call twice."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @web.middleware
    async def _explained(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn whatever goes wrong into an error object."""
        try:
            return await handler(request)
        except ApiRefusal as error:
            refusal = error
        except web.HTTPException as error:
            words = f"{error.reason}: {request.method} {request.path[:200]}"
            if error.status == 413:
                words = f"The body is too large; at most {MAX_BYTES:,} bytes are read."
            refusal = ApiRefusal(error.status, words, INVALID)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            logger.exception("a request failed")
            refusal = failed("The server had an error while processing your request.", 500)
        self._metrics.refused(refusal.status)
        headers = {}
        if refusal.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, round(refusal.retry_after_s)))
        return web.json_response(refusal.body(), status=refusal.status, headers=headers)

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _counters(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _models(self, request: web.Request) -> web.Response:
        self._key(request)
        return web.json_response(model_list([*self._seller.models], self._began))

    async def _model(self, request: web.Request) -> web.Response:
        self._key(request)
        name = request.match_info["model"]
        if name not in self._seller.models:
            raise ApiRefusal(404, f"The model {name[:80]!r} does not exist.", code="model_not_found", param="model")
        return web.json_response(model_list([name], self._began)["data"][0])

    async def _usage(self, request: web.Request) -> web.Response:
        key = self._key(request)
        return web.json_response(usage_of(key, self._account(key)))

    async def _receipt(self, request: web.Request) -> web.Response:
        entry = await self._seller.receipt(self._key(request), request.match_info["id"])
        return web.json_response(SavedReceipt.of(entry).model_dump())

    async def _feedback(self, request: web.Request) -> web.Response:
        key = self._key(request)
        with self._account(key).place(key):
            form = read(FeedbackRequest, await self._body(request))
            comment = hashlib.sha256(form.comment.encode("utf-8", "replace")).hexdigest() if form.comment else ""
            await self._seller.rate(key, form.receipt, Feedback(rating=form.rating, comment_sha256=comment))
        return web.json_response({"object": "feedback", "receipt": form.receipt, "rating": form.rating})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        key = self._key(request)
        with self._account(key).place(key):
            self._check_room()
            form = read_chat(await self._body(request))
            question = CustomerQuestion(
                model=form.model,
                messages=messages_of(form, self._max_text),
                page=await self._page(image_of(form)),
                token_limit=form.token_limit,
                wants_json=form.wants_json,
            )
            if not form.stream:
                sale = await self._seller.sell(key, question)
                return web.json_response(completion(sale), headers={"X-Receipt": sale.id})
            return await self._stream(request, key, form, question)

    async def _ocr(self, request: web.Request) -> web.Response:
        key = self._key(request)
        with self._account(key).place(key):
            self._check_room()
            form = read(OcrRequest, await self._body(request))
            if form.document.type != "image_url":
                raise invalid(
                    f"document.type {form.document.type[:40]!r} is not supported; send an image_url", "document.type"
                )
            page = await self._page(decode_image(form.document.image_url, "document.image_url"))
            question = CustomerQuestion(form.model, (), page)
            sale = await self._seller.sell(key, question)
        return web.json_response(pages(sale, question), headers={"X-Receipt": sale.id})

    async def _stream(
        self, request: web.Request, key: ApiKey, form: ChatRequest, question: CustomerQuestion
    ) -> web.StreamResponse:
        """Stream an answer. The status is that of the answer, if it comes before the first sign of life."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        )
        work = asyncio.ensure_future(self._seller.sell(key, question))
        try:
            while not (await asyncio.wait({work}, timeout=HEARTBEAT_S))[0]:
                if not response.prepared:
                    await response.prepare(request)
                await self._send(response, b": waiting for a miner\n\n")
            sale = work.result()
        except ApiRefusal as refusal:
            if not response.prepared:
                raise
            self._metrics.refused(refusal.status)
            await self._send(response, event(refusal.body()))
            return response
        finally:
            work.cancel()
        if not response.prepared:
            response.headers["X-Receipt"] = sale.id
            await response.prepare(request)
        with_usage = form.stream_options is not None and form.stream_options.include_usage
        await self._send_all(response, sale, with_usage)
        return response

    async def _send_all(self, response: web.StreamResponse, sale: Sale, with_usage: bool) -> None:
        for chunk in chunks(sale, with_usage=with_usage):
            await self._send(response, event(chunk))
        await self._send(response, b"data: [DONE]\n\n")

    async def _send(self, response: web.StreamResponse, data: bytes) -> None:
        """Send a piece of a stream; a client that does not take it in time loses its connection."""
        try:
            async with asyncio.timeout(STALL_S):
                await response.write(data)
        except TimeoutError:
            raise ConnectionResetError("the client takes nothing") from None

    async def _page(self, image: bytes) -> bytes:
        """Prepare an image in a thread, as decoding one takes up to a second."""
        return await asyncio.to_thread(self._disguise.page, image) if image else self._disguise.page(image)

    async def _body(self, request: web.Request) -> bytes:
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise ApiRefusal(415, "Send the body uncompressed, without Content-Encoding.")
        try:
            async with asyncio.timeout(BODY_S):
                return await request.read()
        except TimeoutError:
            raise ApiRefusal(408, f"The body did not arrive within {BODY_S:g} s.") from None
        except web.RequestPayloadError:
            raise invalid("The body broke off, or is not what its head says.") from None

    def _key(self, request: web.Request) -> ApiKey:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not 0 < len(secret) <= MAX_SECRET:
            raise unknown_key()
        key = self._keys.find(secret)
        if key is None:
            raise unknown_key()
        return key

    def _account(self, key: ApiKey) -> Account:
        return self._seller.accounts.setdefault(key.name, Account())

    def _check_room(self) -> None:
        if sum(account.under_way for account in self._seller.accounts.values()) > self._places:
            raise too_many(f"The server has {self._places:,} requests under way; try again later.")


async def _name_server(_: web.Request, response: web.StreamResponse) -> None:
    """Keep the name and the version of the library to ourselves."""
    response.headers["Server"] = "subnetlab"
