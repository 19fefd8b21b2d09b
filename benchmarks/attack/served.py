"""Requests to a miner that is served on loopback: none of a stranger, a forger or a replayer may be answered."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from random import Random

from cluster.hosts.host import Host
from consensus.chain.keys import throwaway_key
from miners import load_miner
from miners.axon import Axon, Envelope, Limits, Question
from miners.axon.protocol import QUERY_PATH
from subnets import Caller, Message, Prompt, Query

from .noise import damaged, flipped, text
from .tally import Tally

MINER, VALIDATOR, STRANGER = (throwaway_key(1, name) for name in ("miner", "validator", "stranger"))
PATIENT = Limits(rate=1e6, burst=10**6, refusals=1e6, refusals_burst=10**6, per_address=10**4, idle_s=2.0)
"""The limits on how often are lifted, so that requests are refused for what they are."""
CONTROL_EVERY = 50
"""Bad requests between two good ones."""
SILENT_S = 3.0
"""Silence after which a request counts as refused; what has no end is cut off by the server before."""


def requests(tally: Tally, random: Random, until: float) -> None:
    """Send bad requests, and now and then a good one that must be answered."""
    asyncio.run(_requests(tally, random, until))


async def _requests(tally: Tally, random: Random, until: float) -> None:
    host = Host("attacked", {0: load_miner("echo")})
    await host.open()
    callers = {VALIDATOR.ss58_address: Caller(VALIDATOR.ss58_address, 1000.0, True)}
    served: list[Query] = []

    async def work(query: Query) -> object:
        served.append(query)
        return await host.serve(0, query)

    axon = Axon(MINER, load_miner("echo"), callers, work=work, limits=PATIENT)  # type: ignore[arg-type]
    await axon.start("127.0.0.1", 0)
    await asyncio.sleep(0.01)  # requests signed before the start are refused
    try:
        while time.monotonic() < until:
            await _bad(tally, random, axon.port, served)
            if tally.thrown % CONTROL_EVERY == 0:
                status = await _send(axon.port, _request(_good()))
                if status != 200:
                    tally.lost.append(f"a good request got {status}")
    finally:
        await axon.close()
        await host.close()


async def _bad(tally: Tally, random: Random, port: int, served: list[Query]) -> None:
    good = _good()
    kind = random.choice(list(BAD))
    sent = BAD[kind](good, random)
    before = len(served)
    with tally.attempt(ConnectionError):
        status = await _send(port, sent)
        if kind == "replayed":  # the first of the two is good
            status = await _send(port, sent)
            before += 1
        if len(served) > before or status == 200:
            tally.lost.append(f"a {kind} request was served: {sent[:300]!r}")
        if status == 500:
            tally.raised.append(f"a {kind} request got 500: {sent[:300]!r}")
        raise ConnectionError(f"refused with {status}")


def _good(**changes: object) -> bytes:
    question = Question.of(Query(secrets.token_hex(8), "any", Prompt((Message("user", "hello"),)), 5.0)).body()
    return json.dumps(json.loads(question) | changes).encode() if changes else question


def _headers(body: bytes, **changes: object) -> dict[str, str]:
    envelope = replace(Envelope.seal(VALIDATOR.ss58_address, MINER.ss58_address, body), **changes)  # type: ignore[arg-type]
    return envelope.headers(VALIDATOR.sign(envelope.message))


def _request(body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    fields = {
        "Host": "here",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    fields |= _headers(body) if headers is None else headers
    head = "\r\n".join([f"POST {QUERY_PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())])
    return f"{head}\r\n\r\n".encode() + body


def _signed_by(key: object, body: bytes) -> bytes:
    envelope = Envelope.seal(key.ss58_address, MINER.ss58_address, body)  # type: ignore[attr-defined]
    return _request(body, envelope.headers(key.sign(envelope.message)))  # type: ignore[attr-defined]


def _forged(body: bytes, random: Random) -> bytes:
    envelope = Envelope.seal(VALIDATOR.ss58_address, MINER.ss58_address, body)
    return _request(body, envelope.headers(STRANGER.sign(envelope.message)))


def _late(body: bytes, random: Random) -> bytes:
    moved = random.choice((-3_600_000, -11_000, 3_000, 3_600_000))
    return _request(body, _headers(body, time_ms=time.time_ns() // 1_000_000 + moved))


def _head(body: bytes, random: Random) -> bytes:
    """Flip a bit of what is signed: of the caller, the nonce, the time, the hash, the signature or the body."""
    headers = _headers(body)
    name = random.choice([name for name in headers if name != "Subnetlab-Protocol"])
    value = headers[name]
    place = random.randrange(len(value))
    other = random.choice([char for char in "0123456789abcdefABC" if char != value[place]])
    return _request(body, headers | {name: value[:place] + other + value[place + 1 :]})


def _broken_question(body: bytes, random: Random) -> bytes:
    """Sign a body that is no question."""
    while True:
        broken = damaged(body, random)
        try:
            Question.read(broken)
        except Exception:
            return _request(broken)


BAD = {
    "random": lambda body, random: random.randbytes(random.randrange(1, 500)) + b"\r\n\r\n",
    "damaged": lambda body, random: b"X" + damaged(_request(body), random) + b"\r\n\r\n",
    "unknown caller's": lambda body, random: _signed_by(STRANGER, body),
    "forged": _forged,
    "late": _late,
    "changed": _head,
    "swapped": lambda body, random: _request(flipped(body, random), _headers(body)),
    "misdirected": lambda body, random: _request(body, _headers(body, recipient=STRANGER.ss58_address)),
    "replayed": lambda body, random: _request(body),
    "malformed": _broken_question,
    "strange": lambda body, random: _request(_good(messages=[{"role": text(random), "content": 1}])),
    "image": lambda body, random: _request(_good(image=random.choice(("AAAA", "iVBORw0KGgo=", "/9j/", "!")))),
}
"""Makers of bad requests, from a good body."""


async def _send(port: int, sent: bytes) -> int:
    """Send bytes on a connection of their own; return the status, 0 if the server says nothing or hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        async with asyncio.timeout(SILENT_S):
            words = (await reader.read(4096)).split(b" ", 2)
        return int(words[1]) if len(words) > 2 and words[1].isdigit() else 0
    except (TimeoutError, ConnectionError):
        return 0
    finally:
        writer.close()
