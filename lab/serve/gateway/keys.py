"""API keys: a file of their hashes and limits. A key itself is shown once, when it is created.

    keys = KeyFile(Path(".subnetlab/api-keys.json"))
    secret = keys.create("alice", spend_usd=5.0)
    keys.find(secret).name      # "alice"

A running gateway reads the file again when it changes, so that a key can be revoked at any time.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import time
from pathlib import Path
from typing import Annotated

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lab.config.base import Name
from lab.errors import LabError
from lab.files import read_json, write_json

logger = logging.getLogger(__name__)

PREFIX = "sk-subnetlab-"


class ApiKey(BaseModel):
    """What is kept of a key."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created: float = Field(default_factory=time.time)
    """Seconds since 1970."""
    per_minute: float = Field(600.0, gt=0.0)
    """Maximum requests in a minute, on average."""
    concurrent: int = Field(64, ge=1)
    """Maximum requests at once."""
    spend_usd: float | None = Field(None, ge=0.0)
    """Maximum dollars that it may spend in one run; None is no limit."""
    revoked: bool = False


_KEYS = TypeAdapter(Annotated[list[ApiKey], Field(max_length=100_000)])


class KeyFile:
    """The keys of a gateway."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        """Time and size of the file when it was last read."""
        self._by_hash: dict[str, ApiKey] = {}

    def read(self) -> list[ApiKey]:
        """Return all keys, revoked ones too; none if there is no file.

        Raises:
            LabError: the file can't be read.
        """
        try:
            return _KEYS.validate_python(read_json(self.path))
        except FileNotFoundError:
            return []
        except ValidationError as error:
            raise LabError(f"{self.path} is not a file of API keys: {error.errors()[0]['msg']}") from None

    def create(self, name: str, **limits: float | int | None) -> str:
        """Create a key and return it; nobody can read it from the file.

        Raises:
            LabError: the name or a limit is not allowed, or the name is used already.
        """
        secret = PREFIX + secrets.token_urlsafe(32)
        try:
            key = ApiKey.model_validate({"name": name, "sha256": key_hash(secret), **limits})
        except ValidationError as error:
            fault = error.errors()[0]
            raise LabError(f"{'.'.join(map(str, fault['loc']))}: {fault['input']!r}: {fault['msg']}") from None
        with self._lock():
            keys = self.read()
            if any(other.name == name for other in keys):
                raise LabError(f"{self.path} has a key called {name!r} already; choose another name")
            self._write([*keys, key])
        return secret

    def revoke(self, name: str) -> None:
        """Refuse a key from now on; raises LabError if there is none of that name."""
        with self._lock():
            keys = self.read()
            if name not in [key.name for key in keys]:
                known = ", ".join(key.name for key in keys) or "none"
                raise LabError(f"{self.path}: no key is called {name!r}; known: {known}")
            self._write([key.model_copy(update={"revoked": True}) if key.name == name else key for key in keys])

    def find(self, secret: str) -> ApiKey | None:
        """Return a key that is not revoked; None if there is none."""
        try:
            status = self.path.stat()
            seen = (status.st_mtime_ns, status.st_size)
        except OSError:
            seen = None
        if seen is None:
            self._by_hash, self._seen = {}, None
        elif seen != self._seen:
            self._seen = seen
            try:
                self._by_hash = {key.sha256: key for key in self.read() if not key.revoked}
            except LabError as error:
                logger.error("%s; the keys known so far are still accepted", error)
        return self._by_hash.get(key_hash(secret))

    def _lock(self) -> FileLock:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return FileLock(self.path.with_name(f"{self.path.name}.lock"))
        except OSError as error:
            raise LabError(f"{self.path}: {error.strerror or error}") from None

    def _write(self, keys: list[ApiKey]) -> None:
        try:
            before = os.umask(0o077)  # only the owner may read it
            try:
                write_json(self.path, _KEYS.dump_python(keys, mode="json"))
            finally:
                os.umask(before)
        except OSError as error:
            raise LabError(f"{self.path} can't be written: {error.strerror or error}") from None


def key_hash(secret: str) -> str:
    """Return the hash under which a key is kept; its 256 random bits need no salt."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
