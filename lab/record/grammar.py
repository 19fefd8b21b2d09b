"""The grammar of a record: which entry may follow which, and which key it must have.

    grammar = Grammar(asking=(0, 1), rounds_per_epoch=3, epochs=4)
    for entry in record.entries():
        grammar.accept(entry)

Hashes show that nothing was changed since they were computed; the grammar shows that what they cover is a run. Rounds
of one epoch come in any order. An unfinished record may stop after any entry.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lab.errors import AuditError

from .record import Entry

FOLLOWERS: Mapping[str, tuple[str, ...]] = {
    "": ("start",),
    "start": ("round", "epoch"),
    "round": ("round", "epoch"),
    "epoch": ("round", "epoch", "end"),
    "end": (),
}
"""The kinds of entries that may follow each kind; the empty one stands for the beginning."""


class Grammar:
    """Reads the entries of one record in order, and refuses the first that can't stand where it does."""

    def __init__(self, asking: Collection[int], rounds_per_epoch: int, epochs: int) -> None:
        """Take the uids of the validators that ask, and the size of the run as its config gives it."""
        self._asking = tuple(map(str, sorted(asking)))
        self._rounds_per_epoch = rounds_per_epoch
        self._epochs = epochs
        self._last = ""
        """Kind of the last entry."""
        self._epoch = 0
        """Number of the epoch that is still open; `epochs` after the last one."""
        self._rounds: set[str] = set()
        """Keys of its rounds so far."""

    @property
    def ended(self) -> bool:
        """True once the entry that ends a run was accepted."""
        return self._last == "end"

    def accept(self, entry: Entry) -> None:
        """Read the next entry.

        Raises:
            AuditError: no entry of this kind or key can stand here, or entries before it are missing.
        """
        fault = self._misplaced(entry.kind) or self._miskeyed(entry)
        if fault:
            raise AuditError(f"entry {entry.seq} ({entry.kind} {entry.key}): {fault}")
        self._last = entry.kind
        if entry.kind == "round":
            self._rounds.add(entry.key)
        elif entry.kind == "epoch":
            self._rounds.clear()
            self._epoch += 1

    def _misplaced(self, kind: str) -> str:
        """Say why no entry of this kind can stand here; empty if one can."""
        if kind in FOLLOWERS[self._last]:
            return ""
        known = [name for name in FOLLOWERS if name]
        if kind not in known:
            return f"there is no such kind of entry; known: {', '.join(known)}"
        place = f"after {self._last}" if self._last else "first"
        return f"{' or '.join(FOLLOWERS[self._last]) or 'nothing'} may come {place}, not {kind}"

    def _miskeyed(self, entry: Entry) -> str:
        """Say why an entry of this kind can't have its key here; empty if it can."""
        if entry.kind in ("round", "epoch") and self._epoch >= self._epochs:
            return f"the run has {self._epochs} epochs, and all are there"
        if entry.kind == "end" and self._epoch < self._epochs:
            return f"the record says that the run ended, after {self._epoch} of {self._epochs} epochs"
        if entry.kind == "round":
            return self._misnumbered(entry.key)
        due = str(self._epoch) if entry.kind == "epoch" else "run"
        if entry.key != due:
            return f"{entry.kind} {due} has to come here"
        return self._incomplete() if entry.kind == "epoch" else ""

    def _misnumbered(self, key: str) -> str:
        uid, _, number = key.partition("/")
        if key in self._rounds:
            return "this round is in the record already"
        if uid not in self._asking:
            return f"there is no validator {uid} that asks"
        first = self._epoch * self._rounds_per_epoch
        last = first + self._rounds_per_epoch - 1
        plain = number.isdecimal() and len(number) <= len(str(last)) and number == str(int(number))
        if plain and first <= int(number) <= last:
            return ""
        return f"epoch {self._epoch} has rounds {first} to {last}"

    def _incomplete(self) -> str:
        """Name the first round that the open epoch lacks; empty if all are there."""
        if len(self._rounds) == len(self._asking) * self._rounds_per_epoch:
            return ""
        first = self._epoch * self._rounds_per_epoch
        keys = (f"{uid}/{first + place}" for place in range(self._rounds_per_epoch) for uid in self._asking)
        return f"round {next(key for key in keys if key not in self._rounds)} is missing from the record"
