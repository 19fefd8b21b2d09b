"""Our own protocol, described in docs/remote.md: the envelope signs the body's hash, and the miner signs its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from consensus.chain.keys import verify

from ..protocol import (
    PROTOCOL,
    QUERY_PATH,
    SIGNATURE,
    VERSION,
    Code,
    Envelope,
    Headers,
    Question,
    Refusal,
    sha256,
    signature_of,
)
from .wire import Claim, Reply, SignedRequest, Wire

if TYPE_CHECKING:
    from consensus.chain.calls import Signer
    from subnets import Caller, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class _EnvelopeClaim(Claim):
    envelope: Envelope

    @classmethod
    def of(cls, envelope: Envelope, signature: bytes) -> Self:
        return cls(
            caller=envelope.caller,
            recipient=envelope.recipient,
            nonce=envelope.nonce,
            time_ms=envelope.time_ms,
            signature=signature,
            envelope=envelope,
        )

    def message(self, body: bytes) -> bytes:
        return self.envelope.message


class OwnWire(Wire):
    """The protocol of docs/remote.md, version 1."""

    name = "subnetlab"
    path = QUERY_PATH

    def claim(self, headers: Headers, method: str, target: str) -> Claim:
        """Read the envelope."""
        return _EnvelopeClaim.of(*Envelope.read(headers))

    def check_body(self, claim: Claim, body: bytes) -> None:
        """Compare the body with the hash in the envelope."""
        assert isinstance(claim, _EnvelopeClaim)
        if sha256(body) != claim.envelope.body_sha256:
            raise Refusal(Code.UNSIGNED, "the body is not the one that was signed")

    def query(self, claim: Claim, body: bytes, caller: Caller) -> Query:
        """Read a question."""
        return Question.read(body).query(caller)

    def reply(self, claim: Claim, answer: bytes, key: Signer) -> Reply:
        """Sign the answer together with the request."""
        assert isinstance(claim, _EnvelopeClaim)
        signature = key.sign(claim.envelope.answer_message(answer))
        return Reply(200, answer, {PROTOCOL: VERSION, SIGNATURE: signature.hex()})

    def request(self, query: Query, recipient: str, key: Signer) -> SignedRequest:
        """Seal a question in an envelope."""
        body = Question.of(query).body()
        envelope = Envelope.seal(key.ss58_address, recipient, body)
        return SignedRequest(self.path, body, envelope.headers(key.sign(envelope.message)), envelope.message)

    def answer(self, request: SignedRequest, headers: Headers, body: bytes, recipient: str) -> bytes:
        """Return the body once its signature is verified."""
        try:
            signature = signature_of(headers)
        except Refusal:
            raise ValueError("an answer without a signature") from None
        if not verify(recipient, Envelope.answer_to(request.message, body), signature):
            raise ValueError(f"an answer not signed by {recipient}")
        return body
