"""Blame: which miner is at fault for the death of a host or an engine.

Queries that were in flight when it died are quarantined: they are retried in isolation, bisected until the one that
kills hosts is found. A miner is blamed only if two hosts died while serving it alone, the second one freshly started.
So nobody is blamed for a kill from outside, or for damage that another miner left behind. Engines work likewise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cluster.hosts.host import EngineLost
from subnets import Fault, Response

from .pending import PendingQuery


class Quarantine:
    """Groups of queries that are retried in isolation, one group at a time."""

    def __init__(self) -> None:
        self._groups: list[list[PendingQuery]] = []
        """The last group is the next one to retry."""

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[PendingQuery]:
        return (pending for group in self._groups for pending in group)

    def add(self, queries: Sequence[PendingQuery], *, bisect: bool = True) -> None:
        """Quarantine queries that were in flight together, in two halves unless `bisect` is False."""
        unanswered = [pending for pending in queries if not pending.answered]
        for pending in unanswered:
            pending.started = None
        middle = len(unanswered) // 2 if bisect else 0
        self._groups += [half for half in (unanswered[:middle], unanswered[middle:]) if half]

    def next(self) -> list[PendingQuery]:
        """Take out the group to retry now."""
        return self._groups.pop()

    def drop_answered(self) -> None:
        """Drop queries that have their response."""
        unanswered = ([pending for pending in group if not pending.answered] for group in self._groups)
        self._groups = [group for group in unanswered if group]


def blames_for_host(pending: PendingQuery, *, alone: bool, fresh: bool) -> bool:
    """Return whether a miner is to blame for the death of its host; remember whether it was served alone.

    `fresh`: the host had served nobody else since it started.
    """
    blamed = alone and fresh and pending.died_alone
    pending.died_alone = alone
    return blamed


def judge_engine_loss(
    pending: PendingQuery, lost: EngineLost, *, alone: bool, now: float, reopening_s: float
) -> Response | None:
    """Return the response of a miner whose engine was gone; None if the query is retried.

    An engine may take `reopening_s` to open again before the query is lost.
    """
    if lost.opening:
        if pending.engine_down_since is None:
            pending.engine_down_since = now
        if now - pending.engine_down_since < reopening_s:
            return None
        return Response(lost.uid, None, lost.fault, lost.reason)
    pending.engine_down_since = None
    if not (alone and pending.died_alone):
        pending.died_alone = alone
        return None
    reason = f"its engine died while serving it alone: {lost.reason}"
    return Response(lost.uid, fault=Fault.ERROR, reason=reason, latency_s=lost.latency_s, cost=lost.cost)
