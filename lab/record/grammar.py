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

from .customers import CUSTOMER_KINDS, CustomerGrammar
from .record import Entry

FOLLOWERS: Mapping[str, tuple[str, ...]] = {
    "": ("start",),
    "start": ("events", "round", "epoch"),
    "events": ("round", "epoch"),
    "round": ("round", "window", "epoch"),
    "window": ("window", "epoch"),
    "epoch": ("events", "round", "epoch", "end"),
    "end": (),
}
"""The kinds of entries that may follow each kind; the empty one stands for the beginning. Windows occur only in runs
in which a validator grades them, and events only in those whose config has some."""


class Grammar:
    """Reads the entries of one record in order, and refuses the first that can't stand where it does."""

    def __init__(
        self,
        asking: Collection[int],
        rounds_per_epoch: int,
        epochs: int,
        windowed: Collection[int] = (),
        *,
        serves_customers: bool = False,
        has_events: bool = False,
    ) -> None:
        """Take the uids of the validators that ask, the size of the run, and which of them grade windows.

        Entries about customers may stand anywhere between the first and the last in a run that serves some.
        """
        self._customers = CustomerGrammar() if serves_customers else None
        self._windowed = tuple(map(str, sorted(windowed)))
        left_out = ({"window"} if not windowed else set()) | ({"events"} if not has_events else set())
        self._followers = {
            kind: tuple(name for name in following if name not in left_out)
            for kind, following in FOLLOWERS.items()
            if kind not in left_out
        }
        self._windows: set[str] = set()
        """Keys of the open epoch's windows so far."""
        self._asking = tuple(map(str, sorted(asking)))
        self._rounds_per_epoch = rounds_per_epoch
        self._epochs = epochs
        self._last = ""
        """Kind of the last entry."""
        self._epoch = 0
        """Number of the epoch that is still open; `epochs` after the last one."""
        self._rounds: set[str] = set()
        """Keys of its rounds so far."""

    def ask(self, asking: Collection[int], windowed: Collection[int] = ()) -> None:
        """Take the uids of the validators that ask in the open epoch, where events change them."""
        self._asking = tuple(map(str, sorted(asking)))
        self._windowed = tuple(map(str, sorted(windowed)))

    @property
    def ended(self) -> bool:
        """True once the entry that ends a run was accepted."""
        return self._last == "end"

    def accept(self, entry: Entry) -> None:
        """Read the next entry.

        Raises:
            AuditError: no entry of this kind or key can stand here, or entries before it are missing.
        """
        if self._customers is not None and entry.kind in CUSTOMER_KINDS and self._last not in ("", "end"):
            self._customers.accept(entry)
            return
        fault = self._misplaced(entry.kind) or self._miskeyed(entry)
        if fault:
            raise AuditError(f"entry {entry.seq} ({entry.kind} {entry.key}): {fault}")
        self._last = entry.kind
        if entry.kind == "round":
            self._rounds.add(entry.key)
        elif entry.kind == "window":
            self._windows.add(entry.key)
        elif entry.kind == "epoch":
            self._rounds.clear()
            self._windows.clear()
            self._epoch += 1

    def _misplaced(self, kind: str) -> str:
        """Say why no entry of this kind can stand here; empty if one can."""
        if kind in self._followers[self._last]:
            return ""
        known = [name for name in self._followers if name]
        if kind not in known:
            return f"there is no such kind of entry; known: {', '.join(known)}"
        place = f"after {self._last}" if self._last else "first"
        return f"{' or '.join(self._followers[self._last]) or 'nothing'} may come {place}, not {kind}"

    def _miskeyed(self, entry: Entry) -> str:
        """Say why an entry of this kind can't have its key here; empty if it can."""
        if entry.kind in ("events", "round", "epoch") and self._epoch >= self._epochs:
            return f"the run has {self._epochs} epochs, and all are there"
        if entry.kind == "end" and self._epoch < self._epochs:
            return f"the record says that the run ended, after {self._epoch} of {self._epochs} epochs"
        if entry.kind == "round":
            return self._misnumbered(entry.key)
        if entry.kind == "window":
            return self._incomplete() or self._miswindowed(entry.key)
        due = str(self._epoch) if entry.kind in ("epoch", "events") else "run"
        if entry.key != due:
            return f"{entry.kind} {due} has to come here"
        return self._incomplete() or self._unwindowed() if entry.kind == "epoch" else ""

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

    def _miswindowed(self, key: str) -> str:
        if key in self._windows:
            return "this window is in the record already"
        due = [f"{uid}/{self._epoch}" for uid in self._windowed]
        return "" if key in due else f"epoch {self._epoch} has the windows {', '.join(due)}"

    def _unwindowed(self) -> str:
        """Name the first window that the open epoch lacks; empty if all are there."""
        missing = [key for uid in self._windowed if (key := f"{uid}/{self._epoch}") not in self._windows]
        return f"window {missing[0]} is missing from the record" if missing else ""

    def _incomplete(self) -> str:
        """Name the first round that the open epoch lacks; empty if all are there."""
        if len(self._rounds) == len(self._asking) * self._rounds_per_epoch:
            return ""
        first = self._epoch * self._rounds_per_epoch
        keys = (f"{uid}/{first + place}" for place in range(self._rounds_per_epoch) for uid in self._asking)
        return f"round {next(key for key in keys if key not in self._rounds)} is missing from the record"
