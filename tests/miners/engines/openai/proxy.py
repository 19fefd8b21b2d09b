"""A proxy before a model's server that injects faults, one for each request, in the order given."""

import asyncio
import gzip
import json
import sys
from collections import deque
from contextlib import suppress

SERVED, OTHER = b"smollm2-135m-instruct", b"gigantic-1000b-model!"
assert len(SERVED) == len(OTHER)

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def event(text: str, finish: str | None = None, model: str = SERVED.decode()) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


class Proxy:
    """Forwards requests to `upstream` (host, port) unless a fault is queued."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.faults: deque[str] = deque()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.delay_s = 0.0
        """Delay of forwarded bytes, each way."""
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *lines = head.decode().strip().split("\r\n")
                headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append((line, headers, body))
                fault = self.faults.popleft() if self.faults else "none"
                if not await self._answer(fault, head, headers, body, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            await closed(writer)

    async def _answer(
        self, fault: str, head: bytes, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer; True to keep the connection."""
        if fault.isdigit():
            body = json.dumps({"error": {"message": f"no, {headers.get('authorization', '')}"}}).encode()
            more = b"location: http://127.0.0.1:1/v1\r\n" if fault == "307" else b"retry-after: 0.05\r\n"
            writer.write(b"HTTP/1.1 %d No\r\ncontent-length: %d\r\n%s\r\n%s" % (int(fault), len(body), more, body))
            await writer.drain()
            return True
        if fault == "hang":
            await asyncio.sleep(30)
        elif fault == "html":
            writer.write(HEAD.replace(b"event-stream", b"html") + b"<html>Please log in</html>")
        elif fault == "garbage":
            writer.write(HEAD + event("Well") + b'data: {"choices": [{"delta\n\n')
        elif fault == "no choices":
            writer.write(HEAD + b'data: {"hello": 1}\n\n' + b"data: [DONE]\n\n")
        elif fault == "surrogate":
            writer.write(HEAD + event("a\ud800b\x00c") + event("", "stop") + b"data: [DONE]\n\n")
        elif fault == "key":
            writer.write(HEAD + event("a", "stop", headers["authorization"]) + b"data: [DONE]\n\n")
        elif fault == "gzip":
            packed = gzip.compress(event("x" * 100_000) + event("", "stop") + b"data: [DONE]\n\n")
            writer.write(HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n") + packed)
        elif fault == "huge":
            writer.write(HEAD + b"data: " + b"x" * 50_000_000)
        elif fault == "endless":
            writer.write(HEAD)
            while not writer.is_closing():
                writer.write(event("more "))
                await writer.drain()
                await asyncio.sleep(0.001)
        else:
            return await self._forward(fault, head, body, writer)
        await writer.drain()
        return False

    async def _forward(self, fault: str, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> bool:
        upstream_reader, upstream = await asyncio.open_connection(*self._upstream)
        try:
            await asyncio.sleep(self.delay_s)
            upstream.write(head.replace(b"keep-alive", b"close") + body)
            left = 800 if fault == "cut" else sys.maxsize  # bytes: some events, and never the last
            while left and (part := await upstream_reader.read(min(left, 65536))):
                left -= len(part)
                await asyncio.sleep(self.delay_s)
                if fault == "other model":
                    part = part.replace(SERVED, OTHER)
                writer.write(part)
                await writer.drain()
        finally:
            await closed(upstream)
        return False


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
