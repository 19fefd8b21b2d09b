"""A channel: messages between two processes over a socket, in which what is due at the same time travels together.

The side that connects names itself by a number, and each side proves that it knows the secret of that number before
anything of the other is unpickled.

    channel = Channel(receive, lost)
    await channel.connect(address, number, secret)
    channel.send(message)
"""

from __future__ import annotations

import asyncio
import hmac
import pickle
import secrets
import ssl
import struct
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, cast

NONCE_BYTES = 32
HELLO = struct.Struct(f"!Q{NONCE_BYTES}s")
LENGTH = struct.Struct("!Q")
GREETING_S = 20.0
"""Time to connect and to prove one's secret."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a relay listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Channel(asyncio.Protocol):
    """One end of a connection; `receive` gets each message, `lost` is called once when the connection ends."""

    delay_s = 0.0
    """Time for which what is sent is gathered, unless `flush` is called; 0 is until the event loop's next turn."""

    def __init__(self, receive: Callable[[Any], None], lost: Callable[[], None]) -> None:
        self._receive, self._lost = receive, lost
        self._outbox: list[Any] = []
        self._flushing: asyncio.Handle | None = None
        self._transport: asyncio.Transport | None = None
        self._inbox = bytearray()
        self._wanted = 0
        self._reading: Generator[int, bytes, None] | None = None
        self._greeted: asyncio.Future[None] | None = None
        self._ended = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """True from the moment at which both sides have proved their secret until the connection ends."""
        return self._transport is not None and self._greeted is not None and self._greeted.done()

    async def connect(self, address: Address, number: int, secret: bytes, tls: ssl.SSLContext | None = None) -> None:
        """Connect to a relay as the member with this number.

        Raises:
            OSError: nobody listens there, or whoever does lacks the secret.
        """
        loop = asyncio.get_running_loop()
        self._greeted = loop.create_future()
        self._reading = self._read_as_member(number, secret)
        try:
            async with asyncio.timeout(GREETING_S):
                await loop.create_connection(lambda: self, address.host, address.port, ssl=tls)
                await self._greeted
        except TimeoutError:
            await self.end()
            raise ConnectionError(f"no answer within {GREETING_S:g} s") from None

    def accept(self, secrets_by_number: Mapping[int, bytes], greet: Callable[[int], None]) -> Channel:
        """Wait for a member; call `greet` with its number once it has proved its secret. Returns this channel."""
        loop = asyncio.get_running_loop()
        self._greeted = loop.create_future()
        self._reading = self._read_as_relay(secrets_by_number, greet)
        loop.call_later(GREETING_S, self._close_if_unknown)
        return self

    def send(self, message: Any) -> None:
        """Send a message, soon; it is dropped if the connection has ended."""
        self._outbox.append(message)
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_later(self.delay_s, self.flush) if self.delay_s else loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send now what has been gathered."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        messages, self._outbox = self._outbox, []
        if messages and self._transport is not None:
            body = pickle.dumps(messages, protocol=5)
            self._transport.write(LENGTH.pack(len(body)) + body)

    def close(self) -> None:
        """End the connection; `lost` is called soon."""
        if self._transport is not None:
            self._transport.abort()

    async def end(self) -> None:
        """End the connection and wait until it has ended."""
        if self._transport is not None:
            self.close()
            await self._ended.wait()

    def _close_if_unknown(self) -> None:
        if not self.is_open:
            self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to greet."""
        assert self._reading is not None
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._wanted = next(self._reading)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the owner, unless the two never met."""
        met = self.is_open
        self._transport = None
        self._ended.set()
        if self._greeted is not None and not self._greeted.done():
            self._greeted.set_exception(ConnectionError("the other side does not know the secret, or has ended"))
            self._greeted.exception()  # the relay awaits none of its greetings
        elif met:
            self._lost()

    def data_received(self, data: bytes) -> None:
        """Take in what has arrived."""
        assert self._reading is not None
        self._inbox += data
        start = 0
        try:
            while len(self._inbox) - start >= self._wanted and self._transport is not None:
                part = bytes(memoryview(self._inbox)[start : start + self._wanted])
                start += self._wanted
                self._wanted = self._reading.send(part)
        except Exception:  # what a miner may have written into its host's socket
            self.close()
            self._inbox.clear()
            return
        del self._inbox[:start]

    def _read_as_member(self, number: int, secret: bytes) -> Generator[int, bytes, None]:
        own = secrets.token_bytes(NONCE_BYTES)
        self._write(HELLO.pack(number, own))
        nonce = yield NONCE_BYTES
        proof = yield NONCE_BYTES
        if not hmac.compare_digest(proof, _proof(secret, b"relay", own, nonce)):
            raise ConnectionError
        self._write(_proof(secret, b"member", own, nonce))
        assert self._greeted is not None
        self._greeted.set_result(None)
        yield from self._read_messages()

    def _read_as_relay(
        self, secrets_by_number: Mapping[int, bytes], greet: Callable[[int], None]
    ) -> Generator[int, bytes, None]:
        number, theirs = HELLO.unpack((yield HELLO.size))
        # To a number without a secret the answer is as useless as to one that guesses.
        secret = secrets_by_number.get(number, secrets.token_bytes(NONCE_BYTES))
        own = secrets.token_bytes(NONCE_BYTES)
        self._write(own + _proof(secret, b"relay", theirs, own))
        proof = yield NONCE_BYTES
        if not hmac.compare_digest(proof, _proof(secret, b"member", theirs, own)):
            raise ConnectionError
        assert self._greeted is not None
        self._greeted.set_result(None)
        greet(number)
        yield from self._read_messages()

    def _read_messages(self) -> Generator[int, bytes, None]:
        while True:
            (length,) = LENGTH.unpack((yield LENGTH.size))
            for message in pickle.loads((yield length)):
                self._receive(message)

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


def _proof(secret: bytes, role: bytes, member_nonce: bytes, relay_nonce: bytes) -> bytes:
    return hmac.digest(secret, role + member_nonce + relay_nonce, "sha256")
