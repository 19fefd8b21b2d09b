"""What one kind of attack did: how much was thrown, refused and read, and what went wrong."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SHOWN = 5
"""Faults of one kind that are printed."""


@dataclass
class Tally:
    """Counts of one kind of attack."""

    kind: str
    thrown: int = 0
    refused: int = 0
    """Inputs that were refused with a reason of one line."""
    harmless: int = 0
    """Inputs that were read for what they are, or damage that changed nothing."""
    lost: list[str] = field(default_factory=list)
    """What was lost, accepted wrongly or not served."""
    raised: list[str] = field(default_factory=list)
    """Tracebacks: errors that nobody expects, raised or logged."""
    slowest_s: float = 0.0
    """CPU seconds of the slowest input."""

    @contextmanager
    def attempt(self, refusals: type[Exception] | tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Count one input; an error of `refusals` is a refusal, and any other one is a traceback."""
        self.thrown += 1
        started = time.thread_time()
        try:
            yield
        except refusals as refusal:
            if not str(refusal).isprintable():
                self.raised.append(f"a refusal that is not one printable line: {str(refusal)[:200]!r}")
            self.refused += 1
        except Exception:
            self.raised.append(traceback.format_exc(limit=-3).strip())
        else:
            self.harmless += 1
        finally:
            self.slowest_s = max(self.slowest_s, time.thread_time() - started)

    @property
    def faults(self) -> list[str]:
        """Everything that went wrong."""
        return [*(f"lost: {what}" for what in self.lost), *self.raised]


class LoggedTracebacks(logging.Handler):
    """Adds tracebacks that are logged, not raised, to the tally of the attack under way."""

    tally: Tally | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that has a traceback."""
        if record.exc_info and self.tally is not None:
            self.tally.raised.append(f"logged by {record.name}: {self.format(record)[-600:]}")


def table(tallies: list[Tally]) -> str:
    """Return the counts as a table in Markdown, as it stands in docs/threat_model.md."""
    head = ("attack", "thrown", "refused", "harmless", "lost or wrong", "tracebacks")
    rows = [
        (
            tally.kind,
            *(f"{count:,}" for count in (tally.thrown, tally.refused, tally.harmless, len(tally.lost))),
            f"{len(tally.raised):,}",
        )
        for tally in tallies
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, *rows)
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
