"""What others say, made fit to be shown."""

from __future__ import annotations

import re

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
RAISED = re.compile(r"[\w.]*(Error|Exception): \S")


def plain(said: object, length: int = 300) -> str:
    """Write what a miner or an error said as short, valid Unicode."""
    try:
        return str(said)[:length].encode("utf-8", "backslashreplace").decode()
    except BaseException:  # a __str__ of the miner's own
        return "(unprintable)"


def first_words(error: BaseException) -> str:
    """Return the first lines of one of Ray's long messages, on one line; of a traceback in it, what was raised."""
    lines = [line.strip() for line in COLOUR.sub("", plain(error, 20_000)).splitlines() if line.strip()]
    raised = [line for line in lines if RAISED.match(line)]
    return f"{type(error).__name__}: {(raised[-1] if raised else ' '.join(lines))[:300]}"
