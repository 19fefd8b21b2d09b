"""Ray's error messages, cut down to a line."""

from __future__ import annotations

import re

from cluster.text import safe_text

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
RAISED = re.compile(r"[\w.]*(Error|Exception): \S")


def shorten(error: BaseException) -> str:
    """Return the start of one of Ray's long messages on one line; from a traceback in it, the exception raised."""
    lines = [line.strip() for line in COLOUR.sub("", str(error)[:20_000]).splitlines() if line.strip()]
    raised = [line for line in lines if RAISED.match(line)]
    return f"{type(error).__name__}: {safe_text(raised[-1] if raised else ' '.join(lines))}"
