"""A server on loopback that answers with given bytes, and keeps what it was asked."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from miners.engines.completion import Completion, Request
from miners.engines.openai import OpenAI
from subnets import Message

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """One reply: a status, and a body that is sent as it is."""

    body: str
    status: int = 200
    content_type: str = "text/event-stream"
    phrase: str = "Reply"
    """Words after the status."""
    header: str = "none"

    def bytes(self) -> bytes:
        body = self.body.encode()
        head = (
            f"HTTP/1.1 {self.status} {self.phrase}\r\nx-echo: {self.header}\r\n"
            f"content-type: {self.content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def stream(*events: Any, done: bool = True) -> Reply:
    """Return a stream of these events; a text stands for a delta with this content."""
    bodies = [
        {"model": "m", "choices": [{"index": 0, "delta": {"content": event}}]} if isinstance(event, str) else event
        for event in events
    ]
    lines = [f"data: {json.dumps(body)}\n\n" for body in bodies]
    return Reply("".join([*lines, "data: [DONE]\n\n" if done else ""]))


def refusal(message: str, status: int = 400, **fields: Any) -> Reply:
    return Reply(json.dumps({"error": {"message": message, **fields}}), status, "application/json")


def ask(
    answer: Callable[[Body], Reply], *, request: Request | None = None, times: int = 1, **options: Any
) -> tuple[list[Completion | Exception], list[Body]]:
    """Ask a server that answers by this function; return the outcomes, and the bodies of all its requests."""
    return asyncio.run(_ask(answer, request or Request((Message("user", "Hi"),), max_tokens=32), times, options))


async def _ask(
    answer: Callable[[Body], Reply], request: Request, times: int, options: Body
) -> tuple[list[Completion | Exception], list[Body]]:
    bodies: list[Body] = []

    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
                bodies.append(json.loads(await reader.readexactly(int(length.split(b":")[1]))))
                writer.write(answer(bodies[-1]).bytes())
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    defaults = {"model": "m", "key_env": "", "private_hosts": ("127.0.0.1",), "retries": 1, "pause_s": 0.01}
    engine = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", **(defaults | options))
    outcomes: list[Completion | Exception] = []
    try:
        await engine.open()
        for _ in range(times):
            try:
                outcomes += await engine.generate([request])
            except Exception as error:
                outcomes.append(error)
    finally:
        await engine.close()
        server.close()
        await asyncio.gather(*(task for task in serving if task), return_exceptions=True)
    return outcomes, bodies
