"""A dendrite: asks the miner behind one endpoint, in the name of a hotkey of ours.

    dendrite = {url = "https://miner.example:8091", hotkey = "5F...", wallet = "validator"}

What comes back is data: it is bounded, must be signed by the hotkey that was expected, and is handed on unread. No
redirect is followed, and private networks are called only where they are allowed by name.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import Field, PrivateAttr, field_validator
from yarl import URL

from consensus.chain.calls import Signer
from consensus.chain.keys import WalletFolder, is_address, verify
from consensus.errors import WalletError
from miners.engines.openai.addresses import check_url, resolve
from subnets import Cost, Query, spend
from subnets.text import printable

from ..errors import APIError, EngineError, RefusedError, RemoteError
from ..miner import Engine
from .protocol import JSON, QUERY_PATH, Code, Denial, Envelope, Question, Refusal, signature_of

WALLETS = ".subnetlab/wallets"
SPARE_S = 1.0
MAX_DENIAL_BYTES = 10_000


class Dendrite(Engine):
    """A signed way to somebody else's miner."""

    description = "a miner of somebody else, over HTTP"

    url: str = "http://127.0.0.1:8091"
    hotkey: str = ""
    """SS58 address of the miner; an answer that another key has signed is none."""
    wallet: str = "validator"
    """Whose hotkey signs. Its file must be on the machine where this runs; it goes nowhere else."""
    wallet_hotkey: str = "default"
    wallets: str = ""
    """Folder of wallets; empty takes the environment's SUBNETLAB_WALLETS, or .subnetlab/wallets."""
    private_hosts: tuple[str, ...] = ()
    """Hosts in private networks that may be called: "127.0.0.1"."""
    ca_file: str = ""
    """PEM file of who has signed the endpoint's certificate, or of the certificate itself; empty trusts whom the
    machine trusts."""
    max_answer_bytes: int = Field(2_000_000, ge=1, le=8_000_000)
    connections: int = Field(32, ge=1)
    """Requests at once, as many as an axon takes of one caller by default; more wait, on the miner's time."""
    connect_s: float = Field(5.0, gt=0.0)
    """To reach the endpoint."""

    _session: Any = PrivateAttr(None)
    _key: Any = PrivateAttr(None)

    @field_validator("url")
    @classmethod
    def _is_an_endpoint(cls, url: str) -> str:
        check_url(url)
        return url.rstrip("/")

    @field_validator("hotkey")
    @classmethod
    def _is_an_address(cls, hotkey: str) -> str:
        if hotkey and not is_address(hotkey):
            raise ValueError(f"{hotkey[:80]!r} is no SS58 address; take the one that the miner's owner tells you")
        return hotkey

    @property
    def replicable(self) -> bool:
        """True: it is a connection and a key."""
        return True

    async def open(self) -> None:
        """Read the key; nothing is sent yet.

        Raises:
            EngineError: no hotkey is expected, ours is not here, or the address is refused; with the fix.
        """
        if not self.hotkey:
            raise EngineError(f'no hotkey is expected at {self.url}; set hotkey = "5..." to the miner\'s')
        folder = Path(self.wallets or os.environ.get("SUBNETLAB_WALLETS") or WALLETS)
        try:
            self._key = WalletFolder(folder).hotkey(self.wallet, self.wallet_hotkey)
        except WalletError as error:
            got = f"get it with: subnetlab wallet new {self.wallet} --wallets {folder}"
            # A host on a cluster runs in a copy of the checkout, which leaves wallets out.
            raise EngineError(
                f"{error}; {got}"
                if folder.is_absolute()
                else f"{error}, looked up in {Path.cwd()}; give `wallets` as an absolute path, or {got}"
            ) from None
        try:
            await resolve(check_url(self.url), 0, self.private_hosts)
        except APIError as error:
            raise EngineError(f"url: {error}") from None
        try:
            tls = ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:
            raise EngineError(f"ca_file: {self.ca_file} can't be read: {error.strerror or error}") from None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.connections, keepalive_timeout=15.0, ssl=tls),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close all connections and forget the key."""
        session, self._session, self._key = self._session, None, None
        if session is not None:
            await session.close()

    async def ask(self, query: Query) -> bytes:
        """Return the miner's answer as it came, once its signature was found good.

        It waits for as long as a host may let a miner take, and gives up by itself only then.

        Raises:
            RefusedError: the miner's blacklist turned us away.
            RemoteError: it failed or broke the protocol.
            APIError: the endpoint may not be called.
            TimeoutError: nothing came.
        """
        if self._session is None:
            raise RuntimeError("the dendrite is not open")
        key: Signer = self._key
        body = Question.of(query).body()
        envelope = Envelope.seal(key.ss58_address, self.hotkey, body)
        try:
            async with asyncio.timeout(2 * query.timeout_s + SPARE_S):
                return await self._exchange(self._session, envelope, body, key)
        except aiohttp.ClientError as error:
            raise RemoteError(f"{self.url}: {type(error).__name__}: {printable(error)}") from error

    async def _exchange(self, session: aiohttp.ClientSession, envelope: Envelope, body: bytes, key: Signer) -> bytes:
        url = URL(self.url + QUERY_PATH)
        assert url.host is not None and url.port is not None
        # The connection goes to the address that was checked; name and certificate stay the host's.
        address = await resolve(url.host, url.port, self.private_hosts)
        headers = {
            **envelope.headers(key.sign(envelope.message)),
            "Host": url.authority,
            "Content-Type": JSON,
            "Accept-Encoding": "identity",
        }
        received = 0
        name = url.host if url.scheme == "https" else None
        try:
            async with session.post(
                url.with_host(address), data=body, headers=headers, allow_redirects=False, server_hostname=name
            ) as reply:
                limit = self.max_answer_bytes if reply.status == 200 else MAX_DENIAL_BYTES
                parts = []
                async for part in reply.content.iter_any():
                    received += len(part)
                    if received > limit:
                        raise RemoteError(f"{self.url} sent more than {limit:,} bytes; the rest is not read")
                    parts.append(part)
                return self._checked(reply, b"".join(parts), envelope)
        finally:
            spend(Cost(sent_bytes=len(body), received_bytes=received))

    def _checked(self, reply: aiohttp.ClientResponse, body: bytes, envelope: Envelope) -> bytes:
        """Return the body of a signed answer; raise for everything else."""
        if reply.status != 200:
            denial = Denial.read(reply.status, body)
            if denial is None:
                raise RemoteError(f"{self.url} replied {reply.status}, which is none of the protocol's")
            kind = RefusedError if denial.error is Code.REFUSED else RemoteError
            raise kind(f"{self.url} says {denial.error}: {printable(denial.reason)}")
        if reply.headers.get("Content-Encoding", "identity") != "identity":
            raise RemoteError(f"{self.url} sent an encoded answer; answers are sent as they are")
        try:
            signature = signature_of(reply.headers)
        except Refusal:
            raise RemoteError(f"{self.url} sent an answer without a signature") from None
        if not verify(self.hotkey, envelope.answer_message(body), signature):
            raise RemoteError(f"{self.url} sent an answer that {self.hotkey} has not signed")
        return body
