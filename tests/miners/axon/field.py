"""An axon on loopback and those who call it, honest or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from bittensor_wallet import Keypair

from cluster.hosts.host import Host
from consensus.chain.keys import WalletFolder, throwaway_key
from miners import Miner
from miners.axon import Axon, Dendrite, Envelope, Limits, Question
from miners.axon.protocol import QUERY_PATH
from miners.fakes import Echo
from subnets import Caller, Message, Prompt, Query, Response

MINER, OTHER_MINER = throwaway_key(1, "miner"), throwaway_key(1, "other miner")
VALIDATOR, SECOND = throwaway_key(1, "validator"), throwaway_key(1, "second")
SMALL, STRANGER = throwaway_key(1, "small"), throwaway_key(1, "stranger")
STAKES = {VALIDATOR: (1000.0, True), SECOND: (500.0, True), SMALL: (10.0, False)}
CALLERS = {key.ss58_address: Caller(key.ss58_address, *known) for key, known in STAKES.items()}


def ask(text: str = "hello", timeout_s: float = 5.0) -> Query:
    return Query("q1", "digits", Prompt((Message("user", text),)), timeout_s)


@dataclass
class Field:
    """An axon that is up, and what it did."""

    axon: Axon
    served: list[Query]
    """What reached the miner, in order."""
    gate: asyncio.Event
    """Open unless a test closes it: work waits target."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.axon.port}"


@asynccontextmanager
async def field(
    miner: Miner | None = None,
    limits: Limits | None = None,
    *,
    key: Keypair = MINER,
    slots: int = 1,
    tls: Any = None,
    **options: Any,
) -> AsyncIterator[Field]:
    miner = miner or Echo()
    host = Host("host", {0: miner})
    await host.open()
    served: list[Query] = []
    gate = asyncio.Event()
    gate.set()

    async def work(query: Query) -> Response:
        served.append(query)
        await gate.wait()
        return await host.serve(0, query)

    axon = Axon(key, miner, CALLERS, work=work, slots=slots, limits=limits, **options)
    await axon.start("127.0.0.1", 0, tls)
    try:
        yield Field(axon, served, gate)
    finally:
        await axon.close()
        await host.close()


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["error"])


def sealed(
    key: Keypair, body: bytes, *, recipient: str = MINER.ss58_address, signer: Keypair | None = None, **changes: Any
) -> dict[str, str]:
    """Headers of a request, with some of its envelope changed before it is signed."""
    envelope = replace(Envelope.seal(key.ss58_address, recipient, body), **changes)
    return envelope.headers((signer or key).sign(envelope.message)) | {"Content-Type": "application/json"}


async def post(
    target: Field,
    key: Keypair = VALIDATOR,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    data: Any = None,
    path: str = QUERY_PATH,
    source: str = "127.0.0.1",
) -> Reply:
    """Send a request of one's own making over a connection of its own."""
    body = Question.of(ask()).body() if body is None else body
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(
            target.url + path, data=body if data is None else data, headers=dict(headers or sealed(key, body))
        ) as reply,
    ):
        return Reply(reply.status, await reply.read())


def wallet(folder: Path, name: str = "validator") -> str:
    """Make a wallet on disk; returns its hotkey's address."""
    wallets = WalletFolder(folder)
    wallets.new_coldkey(name)
    return wallets.new_hotkey(name, "default")


@asynccontextmanager
async def dendrite(target: str, folder: Path, **options: Any) -> AsyncIterator[Dendrite]:
    """A dendrite with the wallet `validator` in a folder, open."""
    asked = {"url": target, "hotkey": MINER.ss58_address, "wallets": str(folder), "private_hosts": ("127.0.0.1",)}
    opened = Dendrite(**(asked | options))
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


def question(**changes: Any) -> bytes:
    return json.dumps(json.loads(Question.of(ask()).body()) | changes).encode()


async def until(true: Any, timeout_s: float = 5.0) -> None:
    """Wait for something to become so."""
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.005)
