"""Attribution: who pays how much of a shared engine's work.

An engine's clock is read again and again; what it used since the last reading is split among the requests that it
worked on meanwhile, by tokens. Reading prompts costs less a token than writing answers, so the two are held apart:
where one window has both, writing is charged at the price of the windows that only wrote, and reading the rest.
The shares add up to what the clock showed, less what was used while nobody asked for anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from subnets import Cost

MEMORY = 0.2
"""Weight of the newest window in the price of writing a token."""


@dataclass(slots=True, eq=False)
class Job:
    """One request, as the bill sees it."""

    prefill: Cost = field(default_factory=Cost)
    decode: Cost = field(default_factory=Cost)

    @property
    def cost(self) -> Cost:
        """Both together."""
        return self.prefill + self.decode


@dataclass(frozen=True, slots=True)
class Work:
    """What was done for one job in a window."""

    job: Job
    read_tokens: int = 0
    written_tokens: int = 0


class Attribution:
    """The bill of one engine."""

    def __init__(self) -> None:
        self.idle = Cost()
        """Used while there was no work to charge: starting, waiting, spinning down."""
        self.charged = Cost()
        """The sum of all shares."""
        self._decode_price: float | None = None
        """CPU and GPU seconds of one written token, in windows that only wrote."""

    def charge(self, used: Cost, works: Sequence[Work]) -> None:
        """Split what a window used."""
        read = sum(work.read_tokens for work in works)
        written = sum(work.written_tokens for work in works)
        if read + written == 0:
            self.idle += used
            return
        self.charged += used
        share = self._written_share(used.cpu_s + used.gpu_s, read, written)
        for work in works:
            if work.written_tokens:
                work.job.decode += scaled(used, share * work.written_tokens / written)
            if work.read_tokens:
                work.job.prefill += scaled(used, (1.0 - share) * work.read_tokens / read)

    def _written_share(self, seconds: float, read: int, written: int) -> float:
        """Return the share of a window that went into writing."""
        if not read or not written:
            if written:
                price = seconds / written
                known = self._decode_price
                self._decode_price = price if known is None else known + MEMORY * (price - known)
            return 1.0 if written else 0.0
        if self._decode_price is None or seconds <= 0.0:
            return written / (read + written)
        # Reading takes something too: a token read never counts as less than a hundredth of one written.
        return min(self._decode_price * written / seconds, written / (written + 0.01 * read))


def scaled(cost: Cost, share: float) -> Cost:
    """Take a share of the seconds and joules of a cost; counts of tokens and bytes have none."""
    return Cost(
        **{f.name: getattr(cost, f.name) * share for f in fields(Cost) if f.name in ("cpu_s", "gpu_s", "energy_j")}
    )
