"""What engines that ask a server over the network have in common: its address, its key, and how hard it is asked."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, field_validator

from miners.engines.language import LanguageEngine
from miners.errors import APIError, EngineError
from subnets.option import Wording

from .addresses import check_url, guarded_client, resolve
from .key import check_key
from .server import Server


class APIEngine(LanguageEngine):
    """Base of the engines of servers that somebody else runs."""

    base_url: str
    """Address of the server."""
    key_env: Annotated[str, Wording("the name of an environment variable, or nothing")] = Field(
        "", pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,79})?$"
    )
    """Name of the environment variable that holds the key; empty for a server that needs none."""
    private_hosts: tuple[str, ...] = ()
    """Hosts in private networks that may be called: "127.0.0.1"."""
    max_in_flight: int = Field(64, ge=1)
    """Maximum requests at once."""
    retries: int = Field(3, ge=0, le=10)
    """Number of times that a failed request is repeated."""
    pause_s: float = Field(0.5, gt=0.0)
    """Pause before the first retry; doubled each time."""
    stall_s: float = Field(30.0, gt=0.0)
    """Longest silence of the server."""

    _client: Any = PrivateAttr(None)
    _server: Server | None = PrivateAttr(None)
    _free: asyncio.Semaphore | None = PrivateAttr(None)

    @field_validator("base_url")
    @classmethod
    def _is_a_base_url(cls, url: str) -> str:
        check_url(url)
        return url

    @property
    def concurrency(self) -> int:
        """Requests that may be under way at once."""
        return self.max_in_flight

    def read_key(self) -> str:
        """Return the server's key; empty if it needs none.

        Raises:
            EngineError: the variable is not set, or holds no key; with the fix.
        """
        if not self.key_env:
            return ""
        key = os.environ.get(self.key_env, "")
        if not key:
            raise EngineError(
                f"{self.key_env} is not set; export {self.key_env}=... with the key of {check_url(self.base_url)}, "
                'or set key_env = "" for a server that needs none'
            )
        check_key(key, self.key_env)
        return key

    async def guarded_client(self) -> Any:
        """Find the server's address, and return an HTTP client that connects to no other private one.

        Raises:
            EngineError: the address is refused, or unknown.
        """
        try:
            await resolve(check_url(self.base_url), 0, self.private_hosts)
        except APIError as error:
            raise EngineError(f"base_url: {error}") from None
        return guarded_client(self.private_hosts, stall_s=self.stall_s, connections=self.max_in_flight)
