"""The protocol between a validator's dendrite and a miner's axon, described in docs/remote.md.

A request is `POST /v1/query` with a JSON body and an envelope of headers signed by its sender's hotkey. An answer is
signed by the miner's hotkey over the request's digest and the answer's hash.

    envelope = Envelope.seal(caller, recipient, body)
    headers = envelope.headers(key.sign(envelope.message))
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from subnets import Caller, Message, Prompt, Query

VERSION = "1"
QUERY_PATH = "/v1/query"
HEALTH_PATH = "/v1/health"
VALID_S = 10.0
"""Greatest age of a request by the receiver's clock."""
AHEAD_S = 2.0
"""Greatest lead over that clock; such a request waits, so that nothing is served before it was signed."""
MAX_STRUCTURE = 20_000
"""Maximum strings in a request's body plus characters outside of them; 1,000 turns have 10,000."""
JSON = "application/json"

CALLER, RECIPIENT, NONCE, TIME, HASH, SIGNATURE, PROTOCOL = (
    "Subnetlab-Caller",
    "Subnetlab-Recipient",
    "Subnetlab-Nonce",
    "Subnetlab-Time",
    "Subnetlab-Body-SHA256",
    "Subnetlab-Signature",
    "Subnetlab-Protocol",
)

_FORMS = {
    PROTOCOL: re.compile(r"[0-9]{1,4}"),
    CALLER: re.compile(r"[1-9A-HJ-NP-Za-km-z]{40,60}"),
    RECIPIENT: re.compile(r"[1-9A-HJ-NP-Za-km-z]{40,60}"),
    NONCE: re.compile(r"[0-9a-f]{32}"),
    TIME: re.compile(r"[0-9]{13}"),
    HASH: re.compile(r"[0-9a-f]{64}"),
    SIGNATURE: re.compile(r"[0-9a-f]{128}"),
}


class Code(StrEnum):
    """Reason why a request has no answer; each has one HTTP status."""

    MALFORMED = "malformed"
    """A header, the JSON or a value in it breaks the protocol."""
    UNSIGNED = "unsigned"
    """The signature is not the caller's, or the body is not the signed one."""
    RECIPIENT = "recipient"
    """Signed for another hotkey."""
    EXPIRED = "expired"
    """Signed too long ago, or in the future."""
    REPLAYED = "replayed"
    """This nonce was used before."""
    REFUSED = "refused"
    """The miner's blacklist: not registered, no permit, too little stake."""
    NOT_FOUND = "not_found"
    SLOW = "slow"
    """The body did not arrive in time."""
    TOO_LARGE = "too_large"
    ENCODED = "encoded"
    """The body is compressed; only plain bodies are accepted."""
    RATE = "rate"
    """The caller sends too many requests."""
    FAILED = "failed"
    """The miner failed."""
    BUSY = "busy"
    """No slot was free, or a request of higher priority took it."""
    TIMEOUT = "timeout"
    """The query's time limit has passed."""


STATUS = {
    Code.MALFORMED: 400,
    Code.UNSIGNED: 401,
    Code.RECIPIENT: 401,
    Code.EXPIRED: 401,
    Code.REPLAYED: 401,
    Code.REFUSED: 403,
    Code.NOT_FOUND: 404,
    Code.SLOW: 408,
    Code.TOO_LARGE: 413,
    Code.ENCODED: 415,
    Code.RATE: 429,
    Code.FAILED: 500,
    Code.BUSY: 503,
    Code.TIMEOUT: 504,
}


class Refusal(Exception):
    """A request that gets no answer, with the reason."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Headers(Protocol):
    """Headers of an HTTP library, in which a name may occur more than once."""

    def getall(self, key: str, default: Any, /) -> Any:
        """Return all values of a name."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Sender, recipient and time of a request, and the hash of its body."""

    caller: str
    """SS58 address of the sender's hotkey."""
    recipient: str
    """SS58 address of the miner's hotkey."""
    nonce: str
    """32 hexadecimal digits that the caller never sent before."""
    time_ms: int
    """Milliseconds since 1970."""
    body_sha256: str

    @classmethod
    def seal(cls, caller: str, recipient: str, body: bytes) -> Self:
        """Create the envelope of a body, with the current time."""
        return cls(caller, recipient, secrets.token_hex(16), time.time_ns() // 1_000_000, sha256(body))

    @classmethod
    def read(cls, headers: Headers) -> tuple[Self, bytes]:
        """Return the envelope in some headers, and its signature; raises Refusal if there is none."""
        fields = {name: _field(headers, name) for name in _FORMS}
        if fields[PROTOCOL] != VERSION:
            raise Refusal(Code.MALFORMED, f"{PROTOCOL} is {fields[PROTOCOL]}; this server speaks {VERSION}")
        envelope = cls(fields[CALLER], fields[RECIPIENT], fields[NONCE], int(fields[TIME]), fields[HASH])
        return envelope, bytes.fromhex(fields[SIGNATURE])

    @property
    def message(self) -> bytes:
        """The bytes that the caller signs."""
        return "\n".join(
            (
                f"subnetlab request {VERSION}",
                f"POST {QUERY_PATH}",
                self.caller,
                self.recipient,
                self.nonce,
                str(self.time_ms),
                self.body_sha256,
            )
        ).encode()

    def answer_message(self, body: bytes) -> bytes:
        """The bytes that the miner signs when it answers this request with `body`."""
        return self.answer_to(self.message, body)

    @staticmethod
    def answer_to(message: bytes, body: bytes) -> bytes:
        """The bytes that the miner signs when it answers a request whose caller signed `message`."""
        return f"subnetlab answer {VERSION}\n{sha256(message)}\n{sha256(body)}".encode()

    def headers(self, signature: bytes) -> dict[str, str]:
        """Return the envelope as headers."""
        return {
            PROTOCOL: VERSION,
            CALLER: self.caller,
            RECIPIENT: self.recipient,
            NONCE: self.nonce,
            TIME: str(self.time_ms),
            HASH: self.body_sha256,
            SIGNATURE: signature.hex(),
        }


def signature_of(headers: Headers) -> bytes:
    """Return the signature of an answer; raises Refusal if it has none."""
    return bytes.fromhex(_field(headers, SIGNATURE))


def _field(headers: Headers, name: str) -> str:
    values: Sequence[str] = headers.getall(name, ())
    if len(values) != 1 or not _FORMS[name].fullmatch(values[0]):
        raise Refusal(Code.MALFORMED, f"header {name}: expected exactly one, of the form {_FORMS[name].pattern}")
    return values[0]


def sha256(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Turn(_Wire):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(max_length=2_000_000)]


class Question(_Wire):
    """The body of a request: everything that a miner may know about a query."""

    id: str = Field(min_length=1, max_length=200)
    subnet: str = Field(max_length=100)
    messages: tuple[Turn, ...] = Field(max_length=1000, fail_fast=True)
    image: str = ""
    """Base64 of a PNG or JPEG."""
    max_tokens: int | None = Field(None, ge=1, le=10_000_000)
    timeout_s: float = Field(gt=0.0, le=86_400.0)

    @classmethod
    def of(cls, query: Query) -> Self:
        """Build the body of a query; the caller is in the envelope."""
        return cls(
            id=query.id,
            subnet=query.subnet,
            messages=tuple(Turn(role=turn.role, content=turn.content) for turn in query.prompt.messages),
            image=base64.b64encode(query.prompt.image).decode(),
            max_tokens=query.prompt.max_tokens,
            timeout_s=query.timeout_s,
        )

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Parse a body; raises Refusal if it breaks the schema."""
        bound_structure(body)
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
            # The message must not quote keys that a stranger sent.
            known = first["type"] not in ("extra_forbidden", "json_invalid")
            where = "".join(f".{part}" for part in first["loc"]) if known else ""
            raise Refusal(Code.MALFORMED, f"body{where}: {first['msg'][:200]}") from None

    def body(self) -> bytes:
        """Encode for the wire."""
        return self.model_dump_json(exclude_defaults=True).encode()

    def query(self, caller: Caller) -> Query:
        """Return the query; raises Refusal if the image is not base64."""
        try:
            image = binascii.a2b_base64(self.image, strict_mode=True) if self.image else b""
        except (binascii.Error, ValueError):
            raise Refusal(Code.MALFORMED, "body.image: not base64") from None
        messages = tuple(Message(turn.role, turn.content) for turn in self.messages)
        return Query(self.id, self.subnet, Prompt(messages, image, self.max_tokens), self.timeout_s, caller)


_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A JSON string, or an unterminated one up to the end; matches in linear time."""


def bound_structure(body: bytes) -> None:
    """Refuse a body of many small parts, each of which makes a parser use a thousand times its size in memory."""
    size = end = 0
    for text in _TEXT.finditer(body):
        size += text.start() - end + 1
        end = text.end()
        if size > MAX_STRUCTURE:
            break
    if size + len(body) - end > MAX_STRUCTURE:
        raise Refusal(Code.MALFORMED, f"body: more than {MAX_STRUCTURE:,} strings and characters outside of them")


class Denial(_Wire):
    """The body of every reply other than an answer."""

    error: Code
    reason: Annotated[str, Field(max_length=1000)] = ""

    @classmethod
    def read(cls, status: int, body: bytes) -> Self | None:
        """Parse a body; return None if it is something else."""
        try:
            denial = cls.model_validate_json(body)
        except ValidationError:
            return None
        return denial if STATUS[denial.error] == status else None

    def body(self) -> bytes:
        """Encode for the wire."""
        return json.dumps({"error": self.error.value, "reason": self.reason}).encode()
