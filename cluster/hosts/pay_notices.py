"""The paymaster: has hosts tell their miners what epochs brought them; a host that is made anew tells all of it again.

No miner's code runs here. A host that dies of telling or takes longer than `TELL_S` is made anew, and tells its miners
one by one: the one that it dies of then is told nothing more, and nobody else misses anything.
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

TELL_S = 10.0
"""What a host may take to tell its miners, or one of them all that it was ever told."""


class PayNotices:
    """Keeps what was told, and tells it."""

    def __init__(self, learners: Iterable[int]) -> None:
        """`learners`: uids of those who make anything of it; for all others nothing is kept, however long a run is."""
        self._learners = frozenset(learners)
        self._pays: list[Mapping[int, Pay]] = []
        self._deaf: set[int] = set()

    def add(self, pays: Mapping[int, Pay]) -> None:
        """Note what an epoch brought, by uid: every host that starts from now on tells it."""
        self._pays.append({uid: pays[uid] for uid in pays.keys() & self._learners})

    async def start(self, link: HostLink, uids: Collection[int]) -> None:
        """Start a host and have it tell its miners all that there is to know; raises PoolError as the start does."""
        await start(link)
        if not await self._told(link, uids, self._pays, again=True):
            await self._start_anew(link, uids)

    async def tell(self, link: HostLink, uids: Collection[int]) -> None:
        """Have a host that is up tell its miners of the last epoch; raises PoolError where it can't be made anew."""
        if not await self._told(link, uids, self._pays[-1:], again=False):
            await self._start_anew(link, uids)

    async def _start_anew(self, link: HostLink, uids: Collection[int]) -> None:
        """Start a host that has died, and have its miners told one by one, as often as it takes."""
        while True:
            await start(link)
            for uid in uids:
                if not await self._told(link, (uid,), self._pays, again=True):
                    logger.error("miner %d is told its pay no more: its host dies of it or hangs", uid)
                    self._deaf.add(uid)
                    break
            else:
                return

    async def _told(
        self, link: HostLink, uids: Collection[int], pays: Sequence[Mapping[int, Pay]], *, again: bool
    ) -> bool:
        """Have a host tell some miners; where it dies of it or hangs, end it and return False."""
        heard = [{uid: epoch[uid] for uid in uids if uid in epoch and uid not in self._deaf} for epoch in pays]
        if not any(heard):
            return True
        try:
            async with asyncio.timeout(TELL_S):
                await link.paid(heard, again=again)
        except (HostDied, TimeoutError) as error:
            reason = str(error) or f"host {link.name} took more than {TELL_S:g} s"
            logger.warning("telling miners their pay: %s; it is made anew", reason)
            await link.close()
            return False
        return True


async def start(link: HostLink) -> None:
    """Start a host; one that fails at it is ended: a process whose engines are not open serves nobody."""
    try:
        await link.start()
    except Exception:
        await close_all((link,))
        raise
