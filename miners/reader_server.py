"""A server of pages: any reader behind the two interfaces that providers of page reading have.

    python -m miners.reader_server --engine "{kind = 'rapidocr', threads = 1}" --port 8000

`POST /v1/chat/completions` takes an image as a data URI and answers with JSON sections, as a vision-language model
does; `POST /v1/ocr` answers with a page of Markdown. `GET /health` says that it is up. Tokens are billed by size: one
for each 28 x 28 pixels of the image and for each four bytes of the answer.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiohttp import web

from miners.engines.openai.image_part import image_tokens
from miners.engines.openai.stream import estimate
from miners.engines.readers.lines import Line
from miners.engines.readers.reader import Reader
from miners.errors import ImageError

from .registry import load_engine

MAX_BYTES = 40_000_000
"""Maximum bytes of a request."""


class ReaderServer:
    """The two interfaces over one engine."""

    def __init__(self, engine: Reader) -> None:
        self._engine = engine

    def application(self) -> web.Application:
        """Return the web application; it opens the engine when it starts."""
        application = web.Application(client_max_size=MAX_BYTES)
        application.add_routes(
            [
                web.get("/health", self._health),
                web.get("/v1/models", self._models),
                web.post("/v1/chat/completions", self._chat),
                web.post("/v1/ocr", self._ocr),
            ]
        )
        application.cleanup_ctx.append(self._opened)
        return application

    async def _opened(self, _: web.Application) -> AsyncIterator[None]:
        await self._engine.open()
        yield
        await self._engine.close()

    @property
    def _name(self) -> str:
        return type(self._engine).__name__.lower()

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(text="up")

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": self._name, "object": "model"}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        image, lines = await self._read(_image_of_messages(body.get("messages")))
        sections = [{"text": line.text, "box": [line.x1, line.y1, line.x2, line.y2]} for line in lines]
        text = json.dumps({"sections": sections}, ensure_ascii=False)
        read, written = image_tokens(image), estimate(text)
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        model = str(body.get("model") or self._name)
        if not body.get("stream"):
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return web.json_response({"object": "chat.completion", "model": model, "choices": [choice], "usage": usage})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for delta, finish in (({"role": "assistant", "content": text}, None), ({}, "stop")):
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            await _send(response, {"object": "chat.completion.chunk", "model": model, "choices": [choice]})
        await _send(response, {"object": "chat.completion.chunk", "model": model, "choices": [], "usage": usage})
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def _ocr(self, request: web.Request) -> web.Response:
        body = await _body(request)
        document = body.get("document")
        url = document.get("image_url") if isinstance(document, dict) else None
        image, lines = await self._read(_image_of_url(url))
        page = {"index": 0, "markdown": "\n\n".join(line.text for line in lines), "images": []}
        usage = {"pages_processed": 1, "doc_size_bytes": len(image)}
        return web.json_response({"model": self._name, "pages": [page], "usage_info": usage})

    async def _read(self, image: bytes) -> tuple[bytes, Sequence[Line]]:
        try:
            return image, await self._engine.read(image)
        except ImageError as error:
            raise _refusal(web.HTTPBadRequest, str(error)) from None
        except (TimeoutError, RuntimeError) as error:
            raise _refusal(web.HTTPInternalServerError, str(error)) from None


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise _refusal(web.HTTPBadRequest, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise _refusal(web.HTTPBadRequest, "the body is not an object")
    return body


async def _send(response: web.StreamResponse, event: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())


def _image_of_messages(messages: Any) -> bytes:
    """Return the last image of a conversation."""
    for turn in reversed(messages if isinstance(messages, list) else []):
        content = turn.get("content") if isinstance(turn, dict) else None
        for part in reversed(content if isinstance(content, list) else []):
            if isinstance(part, dict) and part.get("type") == "image_url":
                return _image_of_url(part.get("image_url"))
    raise _refusal(web.HTTPBadRequest, "no message has an image_url")


def _image_of_url(url: Any) -> bytes:
    address = url.get("url") if isinstance(url, dict) else url
    head, _, data = address.partition(";base64,") if isinstance(address, str) else ("", "", "")
    if not head.startswith("data:image/") or not data:
        raise _refusal(web.HTTPBadRequest, "image_url is no data URI: data:image/png;base64,...")
    try:
        return b64decode(data, validate=True)
    except (Base64Error, ValueError):
        raise _refusal(web.HTTPBadRequest, "the image is not base64") from None


def _refusal(kind: type[web.HTTPException], words: str) -> web.HTTPException:
    return kind(text=json.dumps({"error": {"message": words}}), content_type="application/json")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a reader until the process is ended."""
    parser = argparse.ArgumentParser(description="Serve a reader of pages as an OpenAI-compatible provider.")
    parser.add_argument("--engine", default="tesseract", help="a kind, or a table in TOML: {kind = 'rapidocr'}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    spec = options.engine.strip()
    engine = load_engine(tomllib.loads(f"engine = {spec}")["engine"] if spec.startswith("{") else spec)
    if not isinstance(engine, Reader):
        parser.error(f"--engine: {spec} reads no pages; take one of tesseract, tesserocr, rapidocr, gocr, ocrad")
    web.run_app(ReaderServer(engine).application(), host=options.host, port=options.port, print=None)


if __name__ == "__main__":
    main()
