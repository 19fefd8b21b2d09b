"""The contract of a wire: how a request names its sender, what is signed, and what the bodies look like.

The axon reads a claim from a request's head, checks it, and asks the wire for the query and the reply. The dendrite
asks it for a signed request and for the answer in a reply.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from consensus.chain.keys import Scheme, verify

from ..protocol import STATUS, Code, Denial, Headers, Refusal

if TYPE_CHECKING:
    from consensus.chain.calls import Signer
    from subnets import Caller, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(ABC):
    """What the head of a request claims; nothing of it is proven yet."""

    caller: str
    """SS58 address of the sender's hotkey."""
    recipient: str
    """SS58 address of the miner's hotkey."""
    nonce: str
    """Text that the caller never sent before."""
    time_ms: int
    """Milliseconds since 1970."""
    signature: bytes
    scheme: Scheme = "sr25519"

    @abstractmethod
    def message(self, body: bytes) -> bytes:
        """Return the bytes that the caller signs; most wires need only the head for them."""

    def is_signed(self, body: bytes) -> bool:
        """Return whether the caller signed this request."""
        return verify(self.caller, self.message(body), self.signature, self.scheme)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply to a request."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that is ready to be sent."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    message: bytes
    """The bytes that were signed."""


class Wire(ABC):
    """One protocol, for both sides."""

    name: ClassVar[str]
    signs_body: ClassVar[bool] = False
    """True if a signature can't be verified before the whole body has arrived."""
    path: str
    """Path at which a miner is asked."""

    @abstractmethod
    def claim(self, headers: Headers, method: str, target: str) -> Claim:
        """Read the head of a request; raises Refusal if it breaks the protocol."""

    def check_body(self, claim: Claim, body: bytes) -> None:
        """Raise Refusal if the body is not the one that was signed."""
        return

    @abstractmethod
    def query(self, claim: Claim, body: bytes, caller: Caller) -> Query:
        """Return the query in a body; raises Refusal if it breaks the protocol."""

    @abstractmethod
    def reply(self, claim: Claim, answer: bytes, key: Signer) -> Reply:
        """Return the reply that carries a miner's answer."""

    def denial(self, refusal: Refusal) -> Reply:
        """Return the reply to a request that gets no answer."""
        return Reply(STATUS[refusal.code], Denial(error=refusal.code, reason=refusal.reason[:1000]).body())

    @abstractmethod
    def request(self, query: Query, recipient: str, key: Signer) -> SignedRequest:
        """Sign a request for a query; raises ValueError if this wire can't carry it."""

    @abstractmethod
    def answer(self, request: SignedRequest, headers: Headers, body: bytes, recipient: str) -> bytes:
        """Return the answer in a reply; raises ValueError, with what was sent instead."""

    def denied(self, status: int, body: bytes) -> Denial | None:
        """Read a reply without an answer; None if it is not part of the protocol."""
        return Denial.read(status, body)


def one(headers: Headers, name: str) -> str | None:
    """Return the value of a header, or None if there is none; raises Refusal if there are several."""
    values = headers.getall(name, ())
    if len(values) > 1:
        raise Refusal(Code.MALFORMED, f"header {name}: expected one, got {len(values)}")
    return str(values[0]) if values else None
