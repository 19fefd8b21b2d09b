"""Overheard answers: a copycat reuses the answer that its victim on the same host gives to the same query."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster.affinity import find_victims, seedless_key
from miners import Miner
from subnets import Answer, Query

from .turn import Turn

MAX_KEPT = 256
"""Maximum number of victims' answers kept for their copycats."""


@dataclass(slots=True)
class _Promise:
    """A victim's answer to come."""

    settled: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Answer | bytes | None = None
    elapsed_s: float = 0.0


class OverheardAnswers:
    """Keeps what the victims on a host answer, for their copycats."""

    def __init__(self, miners: Mapping[int, Miner]) -> None:
        self._victims = {uid for victims in find_victims(miners).values() for uid in victims}
        self._uids_by_key: dict[str, list[int]] = {}
        for uid in sorted(self._victims):
            self._uids_by_key.setdefault(seedless_key(miners[uid]), []).append(uid)
        self._promises: OrderedDict[tuple[str, int], _Promise] = OrderedDict()

    def expect(self, query_id: str, uid: int) -> None:
        """Let copycats wait for the answer of a miner that is given a query now."""
        if uid not in self._victims:
            return
        self._promises[query_id, uid] = _Promise()
        while len(self._promises) > MAX_KEPT:
            self._promises.popitem(last=False)

    def keep(self, turn: Turn, answer: Answer | bytes | None) -> None:
        """Keep a victim's answer for its copycats; None means that there is none. Only the first call counts."""
        promise = self._promises.get((turn.query.id, turn.uid))
        if promise is not None and not promise.settled.is_set():
            promise.answer, promise.elapsed_s = answer, turn.elapsed_s()
            promise.settled.set()

    async def overhear(self, turn: Turn, victim: Miner, query: Query) -> Answer | bytes:
        """Return the answer of an equal miner to the query on this host; if there is none, do its work."""
        uids = self._uids_by_key.get(seedless_key(victim), ())
        promises = (self._promises.get((turn.query.id, uid)) for uid in uids)
        promise = next((promise for promise in promises if promise is not None), None)
        if promise is None:
            return await victim.forward(query)
        if promise.settled.is_set():
            turn.borrowed_s = promise.elapsed_s
        await promise.settled.wait()
        if promise.answer is None:
            raise LookupError("the victim gave no answer")
        return promise.answer
