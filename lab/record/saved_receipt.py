"""Saved receipts: an entry of a record in a file of its own, which a customer keeps.

    SavedReceipt.read(Path("receipt.json")).check()     # by its own hash
    SavedReceipt.read(Path("receipt.json")).check_in(record)     # that the record still has it

Its hash is SHA-256 over the JSON list of seq, kind, key, body and previous, in Python's `json.dumps` form.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from lab.errors import AuditError, RecordError
from lab.files import read_json

from .customers import RECEIPT_ID, Receipt
from .record import Entry, RunRecord, digest


class SavedReceipt(BaseModel):
    """An entry with everything that its hash is made from."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    seq: int
    kind: str
    key: str
    body: str
    """Canonical JSON, as the record has it."""
    previous: str
    hash: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return an entry as it is saved."""
        return cls(
            seq=entry.seq,
            kind=entry.kind,
            key=entry.key,
            body=entry.text,
            previous=entry.previous,
            hash=entry.hash,
        )

    @classmethod
    def find(cls, record: RunRecord, receipt_id: str) -> Self:
        """Return a receipt of a record; raises RecordError if there is none of this id."""
        entry = record.find("receipt", receipt_id) if RECEIPT_ID.fullmatch(receipt_id) else None
        if entry is None:
            words = f"{receipt_id[:40]!r} is no receipt of {record.folder}"
            raise RecordError(f"{words}; an id has 24 digits and letters a to f, as in the answer's receipt.id")
        Receipt.of(entry)
        return cls.of(entry)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; raises RecordError if it holds no receipt."""
        try:
            return cls.model_validate(read_json(path))
        except FileNotFoundError:
            raise RecordError(f"{path}: there is no such file") from None
        except ValidationError as error:
            fault = error.errors(include_input=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise RecordError(f"{path} is not a saved receipt: {where}: {fault['msg']}") from None

    def check(self) -> None:
        """Raise AuditError unless the hash is that of the receipt."""
        if digest(self.seq, self.kind, self.key, self.body, self.previous) != self.hash:
            raise AuditError(f"receipt {self.key[:40]!r} was changed: its hash does not match")

    def check_in(self, record: RunRecord) -> None:
        """Raise AuditError unless the record has this very entry."""
        self.check()
        if SavedReceipt.find(record, self.key) != self:
            raise AuditError(f"receipt {self.key[:40]!r} differs from that of {record.folder}: one of them was changed")
