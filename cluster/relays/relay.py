"""A relay: passes queries from one driver to the hosts of a machine, and gathers their answers.

A query's body comes once and goes to each host that serves it once. Answers are held back for a few milliseconds, to
travel with others, unless no call is open. When the driver leaves, so do the hosts' connections.
"""

from __future__ import annotations

import asyncio
import ssl

from .channel import Address, Channel
from .messages import DRIVER, Body, CallMessage, Cancel, Expect, Expecting, Failed, Forget, Gone, Serve

GATHER_S = 0.002
"""Time for which an answer waits for others that go the same way."""


class Relay:
    """Listens for one driver and for the hosts that it announces."""

    def __init__(self, secret: bytes) -> None:
        """Let a driver in that knows the secret."""
        self._secrets = {DRIVER: secret}
        """Secrets of members that are expected; each serves once."""
        self._driver: Channel | None = None
        self._hosts: dict[int, Channel] = {}
        self._bodies: dict[int, bytes] = {}
        self._holders: dict[int, set[int]] = {}
        """Hosts that have each query."""
        self._open_calls: dict[int, set[int]] = {}
        """Calls that have not ended, by host."""
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, tls: ssl.SSLContext | None = None) -> Address:
        """Listen on an address of this machine, at any free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, 0, ssl=tls)
        return Address(host, self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """End all connections."""
        if self._server is not None:
            self._server.close()
        for channel in [*self._hosts.values(), *([self._driver] if self._driver else [])]:
            channel.close()

    def _accept(self) -> Channel:
        number: int | None = None

        def greet(member: int) -> None:
            nonlocal number
            number = member
            del self._secrets[member]
            if member == DRIVER:
                self._driver, channel.delay_s = channel, GATHER_S
            else:
                self._hosts[member] = channel

        def receive(message: CallMessage) -> None:
            if number == DRIVER:
                self._command(message)
            elif message.host == number:
                self._reply(message)
            else:
                raise ValueError("a host speaks for another one")

        def lost() -> None:
            if number == DRIVER:
                self.close()
            elif number is not None:
                self._lose(number)

        channel = Channel(receive, lost)
        return channel.accept(self._secrets, greet)

    def _command(self, message: object) -> None:
        match message:
            case Serve(host, call, query, _):
                if self._give(host, query):
                    self._open_calls.setdefault(host, set()).add(call)
                    self._hosts[host].send(message)
            case Cancel(host, _):
                if host in self._hosts:
                    self._hosts[host].send(message)
            case Body(query, pickled):
                self._bodies[query] = pickled
            case Forget(query):
                self._bodies.pop(query, None)
                for host in self._holders.pop(query, ()):
                    if host in self._hosts:
                        self._hosts[host].send(message)
            case Expect(host, secret):
                self._secrets[host] = secret
                self._tell(Expecting(host))
            case _:
                raise TypeError(f"unknown message {type(message).__name__}")

    def _give(self, host: int, query: int) -> bool:
        """Give a host the body of a query unless it has it; return whether the host is there."""
        if host not in self._hosts:
            self._tell(Gone(host))
            return False
        holders = self._holders.setdefault(query, set())
        if host not in holders:
            holders.add(host)
            self._hosts[host].send(Body(query, self._bodies[query]))
        return True

    def _reply(self, message: CallMessage) -> None:
        ended = isinstance(message, Failed) or message.last
        if ended and (calls := self._open_calls.get(message.host)):
            calls.discard(message.call)
            if not calls:
                del self._open_calls[message.host]
        self._tell(message)

    def _lose(self, host: int) -> None:
        self._hosts.pop(host, None)
        self._open_calls.pop(host, None)
        for holders in self._holders.values():
            holders.discard(host)
        self._tell(Gone(host))

    def _tell(self, message: CallMessage | Gone | Expecting) -> None:
        """Send the driver a message, at once if no other is to be expected soon."""
        if self._driver is not None:
            self._driver.send(message)
            if not self._open_calls:
                self._driver.flush()
