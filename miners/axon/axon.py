"""An axon: serves one miner over HTTP to callers identified by their signatures.

Cheap checks come first: the head of a request, the caller's registration and the blacklist, the signature, the nonce,
the rate, room by stake. Only then is the body read, up to a limit of size and time.

    axon = Axon(key, miner, callers, work=serve, slots=2)
    await axon.start("127.0.0.1", 8091)
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from consensus.chain.calls import Signer
from miners.engines.image import open_image
from miners.errors import ImageError
from subnets import Caller, Fault, Prompt, Query, Response

from ..miner import Miner
from .admission import Admission, Visit
from .door import Connection, Door
from .limits import Limits, Nonces, Rate
from .protocol import (
    AHEAD_S,
    HEALTH_PATH,
    JSON,
    VALID_S,
    VERSION,
    Code,
    Refusal,
)
from .unverified import UnverifiedBodies
from .wires import Claim, OwnWire, Reply, Wire

if TYPE_CHECKING:
    from ssl import SSLContext

logger = logging.getLogger(__name__)

DRAIN_S = 1.0
"""Time to read the rest of a known caller's refused request, so that it gets the reason and not a broken connection."""
BUCKETS_KEPT = 10_000
FAULTS = {
    Fault.REFUSED: Code.REFUSED,
    Fault.TIMEOUT: Code.TIMEOUT,
    Fault.ERROR: Code.FAILED,
    Fault.MALFORMED: Code.FAILED,
    Fault.LOST: Code.BUSY,
}

Work = Callable[[Query], Awaitable[Response]]
"""Has the miner answer the query, within `query.timeout_s`."""


class Axon:
    """Serves a miner."""

    def __init__(
        self,
        key: Signer,
        miner: Miner,
        callers: Mapping[str, Caller],
        *,
        work: Work,
        slots: int = 1,
        limits: Limits | None = None,
        registry_s: float = math.inf,
        wire: Wire | None = None,
    ) -> None:
        """Set up a server; `start` opens it.

        Args:
            key: signs answers.
            miner: decides whom it serves and in which order.
            callers: the registered callers, by hotkey.
            work: has the miner answer a query.
            slots: maximum concurrent queries.
            limits: limits on requests and connections.
            registry_s: time after which `callers` are too old to be trusted, unless `update_callers` renews them.
            wire: the protocol that callers speak (default: our own).
        """
        self._key, self._miner, self._work = key, miner, work
        self._limits = limits = limits or Limits()
        self._wire = wire or OwnWire()
        self.hotkey = key.ss58_address
        self.refused: Counter[Code] = Counter()
        self.answered = 0
        self.admission = Admission(slots, limits.waiting, limits.per_caller)
        self._unverified = UnverifiedBodies(slots + limits.waiting)
        self._rate = Rate(limits.rate, limits.burst)
        self._refusals = Rate(limits.refusals, limits.refusals_burst, BUCKETS_KEPT)
        self._nonces = Nonces(max_per_caller=math.ceil(limits.rate * (VALID_S + AHEAD_S)) + limits.burst)
        self._callers: Mapping[str, Caller] = {}
        self._registry_s = registry_s
        self.update_callers(callers)
        self._since_ms = 0
        self._server: asyncio.Server | None = None
        self._manager: web.Server | None = None
        self.door: Door | None = None

    def update_callers(self, callers: Mapping[str, Caller]) -> None:
        """Replace the registered callers, by hotkey."""
        self._callers, self._known_at, self._stale = dict(callers), time.monotonic(), False
        self._nonces.forget(_now_ms())

    @property
    def port(self) -> int:
        """The port on which it listens."""
        if self._server is None:
            raise RuntimeError("the axon is not started")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int, tls: SSLContext | None = None) -> None:
        """Listen; port 0 takes a free one. Raises OSError if the address is not available."""
        self._manager = web.Server(self._handle, handler_cancellation=True)
        self.door = Door(self._manager, self._limits, tls)
        # A request signed earlier may have been served before a restart, and a restart loses all nonces.
        self._since_ms = _now_ms()
        self._server = await asyncio.get_running_loop().create_server(self.door, host, port)

    async def close(self) -> None:
        """Stop listening and end all work; safe to call twice."""
        server, self._server = self._server, None
        if server is not None and self._manager is not None and self.door is not None:
            server.close()
            await self.door.close()
            await self._manager.shutdown(timeout=1.0)
            await server.wait_closed()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        arrived = time.monotonic()
        try:
            if request.method == "GET" and request.path == HEALTH_PATH:
                return self._health(request)
            claim, caller = self._admit(request)
            body = None
            if self._wire.signs_body:
                body = await self._unverified.read(_connection(request).network, self._read(request))
            self._verify(claim, body or b"")
        except Refusal as refusal:
            self.refused[refusal.code] += 1
            return await self._refuse(request, refusal)
        try:
            return await self._visit(request, claim, caller, arrived, body)
        except Refusal as refusal:
            self.refused[refusal.code] += 1
            if refusal.code == Code.RATE and not self._refusals.take(_connection(request).network):
                await asyncio.sleep(self._limits.hold_s)
            await self._drain(request)
            return _respond(self._wire.denial(refusal))

    def _health(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._refusals.take(_connection(request).network):
            raise Refusal(Code.RATE, "too often")
        protocol = VERSION if isinstance(self._wire, OwnWire) else self._wire.name
        return _respond(Reply(200, json.dumps({"protocol": protocol, "hotkey": self.hotkey}).encode()))

    def _admit(self, request: web.BaseRequest) -> tuple[Claim, Caller]:
        """Decide by the head of a request whether its caller may ask, if the request is really the caller's."""
        self._check_head(request)
        claim = self._wire.claim(request.headers, request.method, request.raw_path)
        if claim.recipient != self.hotkey:
            raise Refusal(Code.RECIPIENT, f"signed for another hotkey; this is {self.hotkey}")
        skew_s = (claim.time_ms - _now_ms()) / 1000
        if not -VALID_S <= skew_s <= AHEAD_S:
            allowed = f"{-VALID_S:+g} to {AHEAD_S:+g}"
            raise Refusal(Code.EXPIRED, f"{skew_s:+.1f} s from the clock here; {allowed} s are allowed")
        if claim.time_ms < self._since_ms:
            raise Refusal(Code.EXPIRED, "signed before this server was started; sign again")
        self._check_registry()
        caller = self._callers.get(claim.caller)
        if caller is None:
            raise Refusal(Code.REFUSED, "the caller is not registered here")
        # Only rules about the caller apply here; the miner's own blacklist sees the query once it is read.
        if reason := Miner.blacklist(self._miner, Query("", "", Prompt(()), caller=caller)):
            raise Refusal(Code.REFUSED, reason)
        return claim, caller

    def _verify(self, claim: Claim, body: bytes) -> None:
        """Raise Refusal unless the caller signed this request, and for the first time."""
        if not claim.is_signed(body):
            raise Refusal(Code.UNSIGNED, "the signature is not the caller's")
        self._nonces.check(claim.caller, claim.nonce)

    def _check_registry(self) -> None:
        """Refuse everybody while the list of registered callers is too old: some may no longer be registered."""
        age_s = time.monotonic() - self._known_at
        if age_s <= self._registry_s:
            return
        if not self._stale:
            self._stale = True
            logger.error(
                "the registered callers were last read %.0f s ago; refusing everybody until they are read", age_s
            )
        raise Refusal(Code.FAILED, "this miner can't read who is registered")

    def _check_head(self, request: web.BaseRequest) -> None:
        if _connection(request).malformed:
            raise Refusal(Code.MALFORMED, "this is not HTTP/1.1")
        if request.path != self._wire.path or request.method != "POST":
            raise Refusal(Code.NOT_FOUND, f"POST {self._wire.path} or GET {HEALTH_PATH}")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise Refusal(Code.ENCODED, "send the body uncompressed, without Content-Encoding")
        if request.content_type != JSON:
            raise Refusal(Code.MALFORMED, f"Content-Type must be {JSON}")
        if (request.content_length or 0) > self._limits.query_bytes:
            raise Refusal(Code.TOO_LARGE, f"at most {self._limits.query_bytes:,} bytes are read")

    async def _visit(
        self, request: web.BaseRequest, claim: Claim, caller: Caller, arrived: float, body: bytes | None
    ) -> web.StreamResponse:
        """Serve a request of a known caller, unless it has to give way."""
        if not self._rate.take(claim.caller):
            raise Refusal(Code.RATE, f"at most {self._limits.rate:g} requests a second")
        self._nonces.use(claim.caller, claim.nonce, claim.time_ms, _now_ms())
        connection = _connection(request)
        connection.door.trust(connection, caller)
        visit = Visit(claim.caller, caller.stake, caller.validator_permit)
        self.admission.enter(visit)
        visit.work = asyncio.create_task(self._answer(request, claim, caller, visit, arrived, body))
        try:
            answer = await visit.work
        except asyncio.CancelledError:
            if not visit.evicted:
                raise
            raise Refusal(Code.BUSY, visit.evicted) from None
        finally:
            self.admission.leave(visit)
        self.answered += 1
        return _respond(self._wire.reply(claim, answer, self._key))

    async def _answer(
        self,
        request: web.BaseRequest,
        claim: Claim,
        caller: Caller,
        visit: Visit,
        arrived: float,
        body: bytes | None,
    ) -> bytes:
        if body is None:
            body = await self._read(request)
        self._wire.check_body(claim, body)
        query = self._wire.query(claim, body, caller)
        del body
        _check_image(query)
        try:
            refusal, priority = self._miner.blacklist(query), float(self._miner.priority(query))
        except Exception as error:  # the miner's own code
            logger.warning("the miner's blacklist or priority failed: %s: %s", type(error).__name__, error)
            raise Refusal(Code.FAILED, "the miner failed") from error
        if refusal:
            raise Refusal(Code.REFUSED, refusal)
        await asyncio.sleep((claim.time_ms - _now_ms()) / 1000)  # zero, unless the caller's clock is ahead
        visit.priority = priority if math.isfinite(priority) else 0.0
        ends = arrived + min(query.timeout_s, self._limits.timeout_s)
        try:
            async with asyncio.timeout(ends - time.monotonic()):
                await self.admission.turn_of(visit)
        except TimeoutError:
            raise Refusal(Code.TIMEOUT, "server busy: no slot freed in time") from None
        response = await self._work(replace(query, timeout_s=max(0.001, ends - time.monotonic())))
        if response.fault is not None:
            logger.info("no answer to %s: %s: %s", claim.caller, response.fault, response.reason)
            reason = response.reason if response.fault == Fault.REFUSED else f"the miner's fault: {response.fault}"
            raise Refusal(FAULTS[response.fault], reason)
        return response.body

    async def _read(self, request: web.BaseRequest) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_s):
                async for part in request.content.iter_any():
                    size += len(part)
                    if size > self._limits.query_bytes:
                        raise Refusal(Code.TOO_LARGE, f"at most {self._limits.query_bytes:,} bytes are read")
                    parts.append(part)
        except TimeoutError:
            raise Refusal(Code.SLOW, f"the body did not arrive within {self._limits.body_s:g} s") from None
        except (web.RequestPayloadError, ConnectionError) as error:
            raise Refusal(Code.MALFORMED, "the body broke off") from error
        return b"".join(parts)

    async def _refuse(self, request: web.BaseRequest, refusal: Refusal) -> web.StreamResponse:
        """Refuse an unidentified caller; one that asks too often is delayed and gets no reply."""
        if not self._refusals.take(_connection(request).network):
            await asyncio.sleep(self._limits.hold_s)
            if request.transport is not None:
                request.transport.abort()
        reply = _respond(self._wire.denial(refusal))
        reply.force_close()
        return reply

    async def _drain(self, request: web.BaseRequest) -> None:
        left = self._limits.query_bytes
        try:
            async with asyncio.timeout(DRAIN_S):
                async for part in request.content.iter_any():
                    left -= len(part)
                    if left < 0:
                        return
        except (TimeoutError, web.RequestPayloadError, ConnectionError):
            return


def _connection(request: web.BaseRequest) -> Connection:
    assert isinstance(request.protocol, Connection)  # the door creates no other protocol
    return request.protocol


def _check_image(query: Query) -> None:
    """Refuse an image that is cut off, damaged or too large, before any pixel is decoded."""
    if query.prompt.image:
        try:
            open_image(query.prompt.image)
        except ImageError as error:
            raise Refusal(Code.MALFORMED, f"body.image: {error}"[:300]) from None


def _respond(reply: Reply) -> web.Response:
    fields = {"Server": "subnetlab", **reply.headers}  # hides the library's name and version
    return web.Response(body=reply.body, status=reply.status, content_type=JSON, headers=fields)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
