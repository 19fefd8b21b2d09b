"""Pay notices: hosts notify their miners of their pay for each epoch; a restarted host repeats all notices.

No miner's code runs here. A host that dies while notifying or takes longer than `NOTIFY_S` is restarted, and then
notifies its miners one by one. A miner that kills its host again gets no more notices; all others get all of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence

from cluster.errors import HostDied
from miners import Pay

from .engine_supervisor import close_all
from .host_link import HostLink

logger = logging.getLogger(__name__)

NOTIFY_S = 10.0
"""Time limit for notifying all miners of a host of one epoch, or one miner of all epochs so far."""


class PayNotices:
    """Keeps the pay of past epochs, and has hosts notify their miners."""

    def __init__(self, learners: Iterable[int]) -> None:
        """Keep only the pay of `learners`, the uids of miners that use it, so that memory stays small."""
        self._learners = frozenset(learners)
        self._pays: list[Mapping[int, Pay]] = []
        self._unreachable: set[int] = set()
        """Miners that get no more notices."""

    def add(self, pays: Mapping[int, Pay]) -> None:
        """Add the pay for an epoch, by uid; every host that starts from now on passes it on."""
        self._pays.append({uid: pays[uid] for uid in pays.keys() & self._learners})

    async def start(self, link: HostLink, uids: Collection[int]) -> None:
        """Start a host and have it notify its miners of all epochs so far; raises PoolError if it can't start."""
        await start(link)
        if not await self._notify(link, uids, self._pays, again=True):
            await self._restart(link, uids)

    async def notify_last(self, link: HostLink, uids: Collection[int]) -> None:
        """Have a running host notify its miners of the last epoch; raises PoolError if it can't be restarted."""
        if not await self._notify(link, uids, self._pays[-1:], again=False):
            await self._restart(link, uids)

    async def _restart(self, link: HostLink, uids: Collection[int]) -> None:
        """Restart a host that died and notify its miners one by one, as often as it takes."""
        while True:
            await start(link)
            for uid in uids:
                if not await self._notify(link, (uid,), self._pays, again=True):
                    logger.error("miner %d gets no more pay notices: they crash or hang its host", uid)
                    self._unreachable.add(uid)
                    break
            else:
                return

    async def _notify(
        self, link: HostLink, uids: Collection[int], pays: Sequence[Mapping[int, Pay]], *, again: bool
    ) -> bool:
        """Have a host notify some miners; if it dies or hangs, end it and return False."""
        reachable = [uid for uid in uids if uid not in self._unreachable]
        notices = [{uid: epoch[uid] for uid in reachable if uid in epoch} for epoch in pays]
        if not any(notices):
            return True
        try:
            async with asyncio.timeout(NOTIFY_S):
                await link.paid(notices, again=again)
        except (HostDied, TimeoutError) as error:  # the caller restarts the host and notifies again
            reason = str(error) or f"host {link.name} took more than {NOTIFY_S:g} s"
            logger.warning("notifying miners of their pay: %s; restarting the host", reason)
            await link.close()
            return False
        return True


async def start(link: HostLink) -> None:
    """Start a host; end it if that fails, since a process whose engines are not open serves nobody."""
    try:
        await link.start()
    except Exception:
        await close_all((link,))
        raise
