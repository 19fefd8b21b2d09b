"""The signature of a record: who vouches for it as it is, in `signature.json` in the folder of its run.

    head = Head.of(record, entries, hash)
    sign(record.folder, head, key)
    signer_of(record.folder, head)      # "5F..."

Anybody can make a record again from scratch, with hashes that fit. Nobody else can sign its head.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from consensus.chain.keys import Scheme, is_address, scheme_of, verify
from lab.errors import AuditError, RecordError
from lab.files import read_json, write_json

from .entries import Start
from .record import RunRecord, encode

if TYPE_CHECKING:
    from bittensor_wallet import Keypair

SIGNATURE = "signature.json"
"""Name of the file in a run's folder."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a signature covers."""

    run: str
    """Name of the run, as in run.json."""
    entries: int
    hash: str
    """Hash of the last entry, which covers all entries before it."""
    config: str
    """SHA-256 of the run's config as canonical JSON."""

    @classmethod
    def of(cls, record: RunRecord, entries: int, hash: str) -> Head:
        """Return the head of a record whose hashes have been followed to this one."""
        first = record.find("start", "run")
        assert first is not None  # RunRecord.open() refuses a record without one
        config = encode(Start.of(first).config).encode()
        return cls(record.run, entries, hash, hashlib.sha256(config).hexdigest())

    def message(self) -> bytes:
        """Return the bytes that are signed; nothing else that a hotkey signs begins like them."""
        return b"subnetlab record\n" + encode(asdict(self)).encode()


def _address(text: str) -> str:
    if not is_address(text):
        raise ValueError("not an SS58 address")
    return text


class Signature(BaseModel):
    """The contents of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Annotated[str, AfterValidator(_address)]
    """Address of the hotkey that signed."""
    scheme: Scheme
    entries: int
    head: str = Field(pattern="^[0-9a-f]{64}$")
    """Hash of the last entry when the record was signed."""
    signature: str = Field(pattern="^[0-9a-f]{128}$")


def sign(folder: Path, head: Head, key: Keypair) -> None:
    """Write the signature of a record, in place of an earlier one by the same key.

    Raises:
        RecordError: somebody else's signature is there, or the folder can't be written.
    """
    earlier = _read(folder)
    if earlier is not None and earlier.address != key.ss58_address:
        raise RecordError(f"{folder / SIGNATURE} is by {earlier.address}; move it elsewhere to sign in its place")
    signature = Signature(
        address=key.ss58_address,
        scheme=scheme_of(key),
        entries=head.entries,
        head=head.hash,
        signature=key.sign(head.message()).hex(),
    )
    try:
        write_json(folder / SIGNATURE, signature.model_dump())
    except OSError as error:
        raise RecordError(f"{folder / SIGNATURE}: {error.strerror or error}") from None


def signer_of(folder: Path, head: Head) -> str | None:
    """Return the address that signed a record as it is; None if there is no signature.

    Raises:
        AuditError: the signature belongs to another record, or is not its signer's.
    """
    signed = _read(folder)
    if signed is None:
        return None
    if (signed.entries, signed.head) != (head.entries, head.hash):
        raise AuditError(
            f"{SIGNATURE}: {signed.address} signed {signed.entries} entries up to {signed.head[:12]}…, but the record "
            f"has {head.entries} up to {head.hash[:12]}…: since then it was continued, changed or made again"
        )
    if not verify(signed.address, head.message(), bytes.fromhex(signed.signature), signed.scheme):
        raise AuditError(f"{SIGNATURE}: {signed.address} did not sign this run and its config")
    return signed.address


def _read(folder: Path) -> Signature | None:
    try:
        return Signature.model_validate(read_json(folder / SIGNATURE))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise AuditError(f"{folder / SIGNATURE} is damaged: {where}: {fault['msg']}") from None
