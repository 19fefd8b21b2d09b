"""The wire of the field's axon and dendrite (bittensor 7.2 to 10): `POST /MySynapse` with the synapse as JSON.

The signature covers sender, receiver, nonce, a UUID and the hash of those fields that the protocol lists in
`required_hash_fields`; everything else in the body, and every answer, is unsigned.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from subnets import Answer, Message, Prompt, Query
from subnets.template.loading import OWN_FIELDS, packed
from subnets.text import printable

from ..protocol import STATUS, Code, Denial, Headers, Question, Refusal, bound_structure
from .wire import Claim, Reply, SignedRequest, Wire, one

if TYPE_CHECKING:
    from consensus.chain.calls import Signer
    from subnets import Caller

AXON, DENDRITE, INPUT = "bt_header_axon_", "bt_header_dendrite_", "bt_header_input_obj_"
BODY_HASH = "computed_body_hash"
VERSION = "1000"
"""Ten thousands, hundreds and units of a version of the package; from 720 on, nonces are nanoseconds."""
DEFAULT_TIMEOUT_S, LONGEST_TIMEOUT_S = 12.0, 86_400.0
_ADDRESS = r"[1-9A-HJ-NP-Za-km-z]{40,60}"
_FORMS = {
    DENDRITE + "hotkey": re.compile(_ADDRESS),
    AXON + "hotkey": re.compile(_ADDRESS),
    DENDRITE + "nonce": re.compile(r"[1-9][0-9]{17,19}"),
    DENDRITE + "uuid": re.compile(r"[0-9A-Za-z-]{1,64}"),
    DENDRITE + "signature": re.compile(r"(0x)?[0-9a-fA-F]{128}"),
    BODY_HASH: re.compile(r"[0-9a-f]{64}"),
}
STATUSES = {**STATUS, Code.TIMEOUT: 408}
"""HTTP status of each refusal; a synapse calls 408 a timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _SynapseClaim(Claim):
    uuid: str
    body_hash: str
    timeout_s: float

    def message(self, body: bytes) -> bytes:
        nonce = self.nonce.partition(".")[0]
        return f"{nonce}.{self.caller}.{self.recipient}.{self.uuid}.{self.body_hash}".encode()


class SynapseWire(Wire):
    """Speaks one protocol, a subclass of `bittensor.Synapse`."""

    name = "synapse"

    def __init__(self, protocol: type[Any] | None = None) -> None:
        """Speak `protocol` (default: `PromptSynapse`, for miners that answer prompts)."""
        from .prompt_synapse import PromptSynapse

        self._protocol: type[Any] = protocol or PromptSynapse
        self._is_prompt = issubclass(self._protocol, PromptSynapse)
        self.path = f"/{self._protocol.__name__}"

    def claim(self, headers: Headers, method: str, target: str) -> Claim:
        """Read the headers of a dendrite."""
        fields = {}
        for name, form in _FORMS.items():
            value = one(headers, name)
            if value is None or not form.fullmatch(value):
                raise Refusal(Code.MALFORMED, f"header {name}: expected exactly one, of the form {form.pattern}")
            fields[name] = value
        nonce, identifier = fields[DENDRITE + "nonce"], fields[DENDRITE + "uuid"]
        return _SynapseClaim(
            caller=fields[DENDRITE + "hotkey"],
            recipient=fields[AXON + "hotkey"],
            nonce=f"{nonce}.{identifier}",
            time_ms=int(nonce) // 1_000_000,
            signature=bytes.fromhex(fields[DENDRITE + "signature"].removeprefix("0x")),
            uuid=identifier,
            body_hash=fields[BODY_HASH],
            timeout_s=_timeout(one(headers, "timeout")),
        )

    def check_body(self, claim: Claim, body: bytes) -> None:
        """Compare the fields that the protocol wants hashed with the signed hash."""
        assert isinstance(claim, _SynapseClaim)
        if body_hash(self._read(body)) != claim.body_hash:
            fields = ", ".join(self._protocol.required_hash_fields) or "none"
            raise Refusal(Code.UNSIGNED, f"the hash is not that of the fields to be hashed ({fields})")

    def query(self, claim: Claim, body: bytes, caller: Caller) -> Query:
        """Return the synapse as a query: its fields as JSON, or the prompt of a `PromptSynapse`."""
        assert isinstance(claim, _SynapseClaim)
        synapse = self._read(body)
        if not self._is_prompt:
            prompt = Prompt((Message("user", packed(synapse)),))
            return Query(claim.nonce, "template", prompt, claim.timeout_s, caller)
        question = Question.read(
            json.dumps(
                {
                    "id": claim.nonce,
                    "subnet": synapse.subnet,
                    "messages": synapse.messages,
                    "image": synapse.image,
                    "max_tokens": synapse.max_tokens,
                    "timeout_s": claim.timeout_s,
                }
            ).encode()
        )
        return question.query(caller)

    def reply(self, claim: Claim, answer: bytes, key: Signer) -> Reply:
        """Return the filled synapse."""
        assert isinstance(claim, _SynapseClaim)
        fields: dict[str, Any] = {"answer": answer.decode(errors="replace")}
        if not self._is_prompt:
            fields = json.loads(Answer.model_validate_json(answer).text)
        nonce, identifier = time.time_ns(), str(uuid.uuid1())
        signature = key.sign(f"{nonce}.{claim.caller}.{key.ss58_address}.{identifier}".encode())
        axon = {"hotkey": key.ss58_address, "nonce": nonce, "uuid": identifier, "signature": f"0x{signature.hex()}"}
        headers = _status(200, "Success") | {f"{AXON}{name}": str(value) for name, value in axon.items()}
        return Reply(200, json.dumps({"name": self._protocol.__name__, **fields}).encode(), headers)

    def denial(self, refusal: Refusal) -> Reply:
        """Return the status and the message that a dendrite shows."""
        status, reason = STATUSES[refusal.code], printable(refusal.reason, 500)
        return Reply(status, json.dumps({"message": reason}).encode(), _status(status, reason))

    def request(self, query: Query, recipient: str, key: Signer) -> SignedRequest:
        """Sign a synapse as a dendrite does, under a UUID of its own, so that requests may overtake each other."""
        synapse = self._synapse(query)
        nonce, identifier, sender = time.time_ns(), str(uuid.uuid1()), key.ss58_address
        digest = body_hash(synapse)
        message = f"{nonce}.{sender}.{recipient}.{identifier}.{digest}".encode()
        dendrite = {
            "version": VERSION,
            "nonce": str(nonce),
            "uuid": identifier,
            "hotkey": sender,
            "signature": f"0x{key.sign(message).hex()}",
        }
        fields = json.loads(packed(synapse))
        required = {name for name, field in self._protocol.model_fields.items() if field.is_required()}
        body = {
            **fields,
            "name": self._protocol.__name__,
            "timeout": query.timeout_s,
            "dendrite": {**dendrite, "version": int(VERSION), "nonce": nonce},
            "axon": {"hotkey": recipient},
            BODY_HASH: digest,
        }
        headers = {
            "name": self._protocol.__name__,
            "timeout": str(query.timeout_s),
            AXON + "hotkey": recipient,
            BODY_HASH: digest,
            **{DENDRITE + name: value for name, value in dendrite.items()},
            # An axon builds the synapse from the head first, with an empty value for each field that has no default.
            **{INPUT + name: _empty(fields[name]) for name in required & set(fields)},
        }
        return SignedRequest(self.path, json.dumps(body).encode(), headers, message)

    def answer(self, request: SignedRequest, headers: Headers, body: bytes, recipient: str) -> bytes:
        """Return the fields of the filled synapse, which nobody signed."""
        try:
            synapse = self._read(body)
        except Refusal as refusal:
            raise ValueError(f"an answer that is no {self._protocol.__name__}: {refusal.reason}") from None
        if not self._is_prompt:
            return json.dumps({"text": packed(synapse)}).encode()
        if synapse.answer is None:
            raise ValueError(f"a {self._protocol.__name__} without an answer")
        return str(synapse.answer).encode()

    def denied(self, status: int, body: bytes) -> Denial | None:
        """Read the message of an axon."""
        codes = {401: Code.UNSIGNED, 403: Code.REFUSED, 404: Code.NOT_FOUND, 408: Code.TIMEOUT, 503: Code.BUSY}
        try:
            message = json.loads(body)["message"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return None
        code = codes.get(status, Code.MALFORMED if status < 500 else Code.FAILED)
        return Denial(error=code, reason=str(message)[:1000])

    def _synapse(self, query: Query) -> Any:
        """Return a query as a synapse; raises ValueError if it is none of this protocol."""
        if not self._is_prompt:
            return self._protocol.model_validate_json(query.prompt.text)
        turns = [{"role": turn.role, "content": turn.content} for turn in query.prompt.messages]
        image = base64.b64encode(query.prompt.image).decode()
        return self._protocol(
            subnet=query.subnet, messages=turns, image=image, max_tokens=query.prompt.max_tokens, answer=None
        )

    def _read(self, body: bytes) -> Any:
        """Parse the protocol's own fields of a body; raises Refusal if they don't fit it."""
        bound_structure(body)
        name = self._protocol.__name__
        try:
            content = json.loads(body)
            if not isinstance(content, Mapping):
                raise Refusal(Code.MALFORMED, f"body: expected a {name} as a JSON object")
            own = {key: content[key] for key in self._protocol.model_fields if key in content and key not in OWN_FIELDS}
            return self._protocol.model_validate_json(json.dumps(own))
        except ValidationError as error:
            first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = "".join(f".{part}" for part in first["loc"])
            raise Refusal(Code.MALFORMED, printable(f"body{where}: {first['msg']}", 200)) from None
        except (ValueError, RecursionError):
            raise Refusal(Code.MALFORMED, f"body: expected a {name} as a JSON object") from None


def body_hash(synapse: Any) -> str:
    """Return the SHA3-256 of the hashes of those fields that a protocol lists in `required_hash_fields`."""
    names = type(synapse).required_hash_fields
    fields = synapse.model_dump() if names else {}
    return _sha3("".join(_sha3(str(fields[name])) for name in names))


def _sha3(text: str) -> str:
    return hashlib.sha3_256(text.encode()).hexdigest()


def _timeout(text: str | None) -> float:
    try:
        seconds = DEFAULT_TIMEOUT_S if text in (None, "None") else float(str(text))
    except ValueError:
        seconds = -1.0
    if not 0.0 < seconds <= LONGEST_TIMEOUT_S:
        raise Refusal(Code.MALFORMED, f"header timeout: expected seconds, above 0 and up to {LONGEST_TIMEOUT_S:g}")
    return seconds


def _empty(value: Any) -> str:
    return base64.b64encode(json.dumps(type(value)()).encode()).decode()


def _status(status: int, message: str) -> dict[str, str]:
    ascii_message = message.encode("ascii", "replace").decode()
    return {AXON + "status_code": str(status), AXON + "status_message": ascii_message}
