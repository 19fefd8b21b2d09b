"""Attribution: each request's share of a shared engine's work.

An engine's clock is read repeatedly, and the usage since the last reading, a window, is split by tokens among the
requests in progress. A token read from a prompt costs less than a token written, so the two are kept apart: in a
window with both, writing is charged at the price of windows that only wrote, and reading gets the rest. The shares
add up to the clock's reading, except for usage while there was no request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from subnets import Cost

MEMORY = 0.2
"""Weight of the newest window in the price of writing a token."""


@dataclass(slots=True, eq=False)
class Job:
    """The charges of one request."""

    prefill: Cost = field(default_factory=Cost)
    decode: Cost = field(default_factory=Cost)

    @property
    def cost(self) -> Cost:
        """Both together."""
        return self.prefill + self.decode


@dataclass(frozen=True, slots=True)
class Work:
    """Tokens read and written for one job in a window."""

    job: Job
    read_tokens: int = 0
    written_tokens: int = 0


class Attribution:
    """Usage of one engine, split among its jobs."""

    def __init__(self) -> None:
        self.idle = Cost()
        """Usage while there was no work to charge: starting, waiting, shutting down."""
        self.charged = Cost()
        """The sum of all shares."""
        self._decode_price: float | None = None
        """CPU and GPU seconds of one written token, in windows that only wrote."""

    def charge(self, used: Cost, works: Sequence[Work]) -> None:
        """Split a window's usage."""
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
        """Return the share of a window's usage that went into writing."""
        if not read or not written:
            if written:
                price = seconds / written
                known = self._decode_price
                self._decode_price = price if known is None else known + MEMORY * (price - known)
            return 1.0 if written else 0.0
        if self._decode_price is None or seconds <= 0.0:
            return written / (read + written)
        # A token read never counts as less than a hundredth of one written.
        return min(self._decode_price * written / seconds, written / (written + 0.01 * read))


def scaled(cost: Cost, share: float) -> Cost:
    """Return a share of the seconds and joules of a cost, without its tokens and bytes."""
    return Cost(
        **{f.name: getattr(cost, f.name) * share for f in fields(Cost) if f.name in ("cpu_s", "gpu_s", "energy_j")}
    )
