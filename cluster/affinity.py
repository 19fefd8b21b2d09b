"""Affinity: which miners must share a host, and whose queries must wait for those of others.

A copycat submits another miner's answer as its own, so it must run on the same host, after it. The plan and the
scheduler need not know who copies whom: they see two plain relations.

    Affinity.of({0: Echo(), 1: Copycat(victim=Echo())}).after   # {1: (0,)}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from miners import Miner


@dataclass(frozen=True, slots=True)
class Affinity:
    """Two relations between miners. If a miner follows several, it waits for the first one that is also asked."""

    after: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """The uids after which each of these uids is served, in ascending order."""
    same_host: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """The uids with which each of these uids shares a host, in ascending order."""

    @classmethod
    def of(cls, miners: Mapping[int, Miner]) -> Affinity:
        """Tie each copycat to the miners whose answers it copies."""
        victims = find_victims(miners)
        return cls(after=victims, same_host=victims)


def find_victims(miners: Mapping[int, Miner]) -> dict[int, tuple[int, ...]]:
    """Return, for each copycat, the uids of the miners that equal one of its victims in all but the seed."""
    owners: dict[str, list[int]] = {}
    for uid, miner in sorted(miners.items()):
        owners.setdefault(seedless_key(miner), []).append(uid)
    return {
        uid: tuple(sorted(owner for victim in victims for owner in owners.get(seedless_key(victim), ())))
        for uid, miner in miners.items()
        if (victims := miner.victims())
    }


def seedless_key(miner: Miner) -> str:
    """Return the key of a miner without its seeds: it identifies the miner that a copycat copies."""
    return _seedless(miner).key


def _seedless(miner: Miner) -> Miner:
    nested = {
        name: _seedless(value) for name in type(miner).model_fields if isinstance(value := getattr(miner, name), Miner)
    }
    return miner.model_copy(update={"seed": 0, **nested})
