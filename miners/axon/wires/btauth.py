"""btauth/1, the field's signed requests: eight lines that name sender, receiver, time, target and the body's hash.

The hash is not among the headers, so the signature is verified with the body at hand. Answers are not signed; what
protects them is the connection.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..protocol import QUERY_PATH, Code, Headers, Question, Refusal, sha256
from .wire import Claim, Reply, SignedRequest, Wire, one

if TYPE_CHECKING:
    from consensus.chain.calls import Signer
    from consensus.chain.keys import Scheme
    from subnets import Caller, Query

VERSION, HOTKEY, RECEIVER, NONCE, CRYPTO, SIGNATURE = (
    f"X-Bittensor-{part}" for part in ("Version", "Hotkey", "Receiver", "Nonce", "Crypto", "Signature")
)
_ADDRESS = r"[1-9A-HJ-NP-Za-km-z]{40,60}"
_FORMS = {
    VERSION: re.compile("1"),
    HOTKEY: re.compile(_ADDRESS),
    RECEIVER: re.compile(_ADDRESS),
    NONCE: re.compile(r"[1-9][0-9]{17,19}"),
    CRYPTO: re.compile("sr25519|ed25519"),
    SIGNATURE: re.compile(r"(0x)?[0-9a-fA-F]{128}"),
}


def signed_bytes(
    scheme: Scheme, method: str, target: str, body: bytes, nonce: str, sender: str, receiver: str
) -> bytes:
    """Return the eight lines that are signed; `target` is the path with its query, as sent."""
    return "\n".join(("btauth/1", scheme, method.upper(), target, sha256(body), nonce, sender, receiver)).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _BtAuthClaim(Claim):
    method: str
    target: str

    def message(self, body: bytes) -> bytes:
        return signed_bytes(self.scheme, self.method, self.target, body, self.nonce, self.caller, self.recipient)


class BtAuth(Wire):
    """btauth/1 around the JSON body of our own protocol."""

    name = "btauth"
    signs_body = True

    def __init__(self, path: str = QUERY_PATH) -> None:
        self.path = path

    def claim(self, headers: Headers, method: str, target: str) -> Claim:
        """Read the headers; a request without a receiver, or for another version, is refused."""
        fields = {name: one(headers, name) for name in _FORMS}
        if fields[RECEIVER] is None:
            raise Refusal(Code.RECIPIENT, f"header {RECEIVER} is missing: sign the request for this miner's hotkey")
        fields[CRYPTO] = fields[CRYPTO] or "sr25519"
        for name, form in _FORMS.items():
            value = fields[name]
            if value is None or not form.fullmatch(value):
                raise Refusal(Code.MALFORMED, f"header {name}: expected exactly one, of the form {form.pattern}")
        known = {name: str(value) for name, value in fields.items()}
        return _BtAuthClaim(
            caller=known[HOTKEY],
            recipient=known[RECEIVER],
            nonce=known[NONCE],
            time_ms=int(known[NONCE]) // 1_000_000,
            signature=bytes.fromhex(known[SIGNATURE].removeprefix("0x")),
            scheme="ed25519" if known[CRYPTO] == "ed25519" else "sr25519",
            method=method,
            target=target,
        )

    def query(self, claim: Claim, body: bytes, caller: Caller) -> Query:
        """Read a question."""
        return Question.read(body).query(caller)

    def reply(self, claim: Claim, answer: bytes, key: Signer) -> Reply:
        """Return the answer as it is."""
        return Reply(200, answer)

    def request(self, query: Query, recipient: str, key: Signer) -> SignedRequest:
        """Sign a question; our hotkeys are sr25519."""
        body = Question.of(query).body()
        nonce, sender = str(time.time_ns()), key.ss58_address
        message = signed_bytes("sr25519", "POST", self.path, body, nonce, sender, recipient)
        headers = {
            VERSION: "1",
            HOTKEY: sender,
            RECEIVER: recipient,
            NONCE: nonce,
            SIGNATURE: f"0x{key.sign(message).hex()}",
        }
        return SignedRequest(self.path, body, headers, message)

    def answer(self, request: SignedRequest, headers: Headers, body: bytes, recipient: str) -> bytes:
        """Return the body; nobody signs it."""
        return body
