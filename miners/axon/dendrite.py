"""A dendrite: queries the miner behind one endpoint, signed with our hotkey.

    dendrite = {url = "https://miner.example:8091", hotkey = "5F...", wallet = "validator"}

The reply is data: it is limited in size, must be signed by the expected hotkey (in our own protocol; others sign no
answers), and is passed on unread. Redirects are not followed, and hosts in private networks are called only if they are
allowed by name.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import Any, Self

import aiohttp
from pydantic import Field, PrivateAttr, field_validator, model_validator
from yarl import URL

from consensus.chain.calls import Signer
from consensus.chain.keys import WalletFolder, is_address
from consensus.errors import WalletError
from miners.engines.openai.addresses import check_url, resolve
from subnets import Cost, PluginError, Query, spend
from subnets.text import printable

from ..errors import APIError, EngineError, RefusedError, RemoteError
from ..miner import Engine
from .protocol import JSON, Code
from .wires import Protocol, SignedRequest, wire_of

WALLETS = ".subnetlab/wallets"
SPARE_S = 1.0
MAX_DENIAL_BYTES = 10_000


class Dendrite(Engine):
    """A signed connection to somebody else's miner."""

    description = "somebody else's miner, over HTTP"

    url: str = "http://127.0.0.1:8091"
    """Address at which the miner is served."""
    hotkey: str = ""
    """SS58 address of the miner; an answer signed by another key is rejected."""
    protocol: Protocol = "subnetlab"
    """Protocol that the miner speaks: our own, whose answers are signed, or btauth (btauth/1) or synapse (axon and
    dendrite), whose answers are not."""
    synapse: str = ""
    """With protocol = "synapse": the Synapse that is asked, as module:Class (default: PromptSynapse)."""
    wallet: str = "validator"
    """Wallet whose hotkey signs. Its file must be on the machine of this engine and never leaves it."""
    wallet_hotkey: str = "default"
    """Name of the wallet's hotkey."""
    wallets: str = ""
    """Folder of wallets (default: the environment's SUBNETLAB_WALLETS, else .subnetlab/wallets)."""
    private_hosts: tuple[str, ...] = ()
    """Hosts in private networks that may be called: "127.0.0.1"."""
    ca_file: str = ""
    """PEM file of the endpoint's certificate or of the authority that signed it; empty trusts the machine's
    authorities."""
    max_answer_bytes: int = Field(2_000_000, ge=1, le=8_000_000)
    """Maximum size of a reply; a larger one is refused."""
    connections: int = Field(32, ge=1)
    """Maximum concurrent requests (default: as many as an axon accepts from one caller). More wait, which counts as
    the miner's time."""
    connect_s: float = Field(5.0, gt=0.0)
    """Time limit for connecting to the endpoint."""

    _session: Any = PrivateAttr(None)
    _key: Any = PrivateAttr(None)
    _wire: Any = PrivateAttr(None)

    @field_validator("url")
    @classmethod
    def _is_an_endpoint(cls, url: str) -> str:
        check_url(url)
        return url.rstrip("/")

    @field_validator("hotkey")
    @classmethod
    def _is_an_address(cls, hotkey: str) -> str:
        if hotkey and not is_address(hotkey):
            raise ValueError(f"{hotkey[:80]!r} is not an SS58 address; ask the miner's owner for it")
        return hotkey

    @model_validator(mode="after")
    def _synapse_has_its_protocol(self) -> Self:
        if self.synapse and self.protocol != "synapse":
            raise ValueError(f'synapse {self.synapse[:80]!r} needs protocol = "synapse", not {self.protocol!r}')
        return self

    @property
    def replicable(self) -> bool:
        """True, because it is only a connection and a key."""
        return True

    async def open(self) -> None:
        """Read the key; nothing is sent yet.

        Raises:
            EngineError: the miner's hotkey is not set, ours is missing, or the address is refused; with the fix.
        """
        if not self.hotkey:
            raise EngineError(f'the hotkey of the miner at {self.url} is not set; set hotkey = "5..."')
        folder = Path(self.wallets or os.environ.get("SUBNETLAB_WALLETS") or WALLETS)
        try:
            self._key = WalletFolder(folder).hotkey(self.wallet, self.wallet_hotkey)
        except WalletError as error:
            command = f"get it with: subnetlab wallet new {self.wallet} --wallets {folder}"
            # A host on a cluster runs in a copy of the checkout without wallets.
            raise EngineError(
                f"{error}; {command}"
                if folder.is_absolute()
                else f"{error}, looked up in {Path.cwd()}; give `wallets` as an absolute path, or {command}"
            ) from None
        try:
            self._wire = wire_of(self.protocol, self.synapse)
        except PluginError as error:
            raise EngineError(f"synapse: {error}") from None
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
        """Return the miner's answer unread, once its signature is verified if the protocol has one.

        Gives up only after the longest time that a host may allow a miner.

        Raises:
            RefusedError: the miner's blacklist refused us.
            RemoteError: the miner failed or broke the protocol.
            APIError: the endpoint may not be called.
            TimeoutError: no answer arrived.
        """
        if self._session is None:
            raise RuntimeError("the dendrite is not open")
        key: Signer = self._key
        try:
            request: SignedRequest = self._wire.request(query, self.hotkey, key)
        except ValueError as error:
            raise RemoteError(f"the query can't be asked by {self.protocol}: {printable(error)}") from None
        try:
            async with asyncio.timeout(2 * query.timeout_s + SPARE_S):
                return await self._exchange(self._session, request)
        except aiohttp.ClientError as error:
            raise RemoteError(f"{self.url}: {type(error).__name__}: {printable(error)}") from error

    async def _exchange(self, session: aiohttp.ClientSession, request: SignedRequest) -> bytes:
        url = URL(self.url + request.path)
        assert url.host is not None and url.port is not None
        # The connection goes to the checked address; name and certificate remain the host's.
        address = await resolve(url.host, url.port, self.private_hosts)
        headers = {
            **request.headers,
            "Host": url.authority,
            "Content-Type": JSON,
            "Accept-Encoding": "identity",
        }
        received = 0
        name = url.host if url.scheme == "https" else None
        try:
            async with session.post(
                url.with_host(address), data=request.body, headers=headers, allow_redirects=False, server_hostname=name
            ) as reply:
                limit = self.max_answer_bytes if reply.status == 200 else MAX_DENIAL_BYTES
                parts = []
                async for part in reply.content.iter_any():
                    received += len(part)
                    if received > limit:
                        raise RemoteError(f"{self.url} sent more than {limit:,} bytes; the rest is not read")
                    parts.append(part)
                return self._checked(reply, b"".join(parts), request)
        finally:
            spend(Cost(sent_bytes=len(request.body), received_bytes=received))

    def _checked(self, reply: aiohttp.ClientResponse, body: bytes, request: SignedRequest) -> bytes:
        """Return the answer in a reply; raise for everything else."""
        if reply.status != 200:
            denial = self._wire.denied(reply.status, body)
            if denial is None:
                raise RemoteError(f"{self.url} replied {reply.status}, which is not part of the protocol")
            kind = RefusedError if denial.error is Code.REFUSED else RemoteError
            raise kind(f"{self.url} says {denial.error}: {printable(denial.reason)}")
        if reply.headers.get("Content-Encoding", "identity") != "identity":
            raise RemoteError(f"{self.url} sent a compressed answer; only plain ones are accepted")
        try:
            answer: bytes = self._wire.answer(request, reply.headers, body, self.hotkey)
        except ValueError as error:
            raise RemoteError(f"{self.url} sent {printable(error)}") from None
        return answer
