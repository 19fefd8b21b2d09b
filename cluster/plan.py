"""The plan: which hosts there are, and which miners each of them serves.

Miners that need no engine, or none but light ones, live together. Engines that may be copied (`replicable`: OCR
on a core) are copied to one host for each core, and any of these serves any of their miners. Every other engine
has one host, for all the miners that name it. So hosts are bounded by cores and engines, never by miners.
A copycat lives with its victims.

    plan({0: Tesseract(), 1: Echo()}, cores=2)   # "cpu" on two hosts, "io" on one
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from miners import Engine, Miner

IO_CONCURRENCY = 1024
"""Queries at once on a host without engines: each is a coroutine that mostly waits."""


@dataclass(frozen=True, slots=True)
class Group:
    """Miners that are served by the same hosts."""

    name: str
    """"io", "cpu", or the kind of engine that they share."""
    miners: Mapping[int, Miner]
    """By uid."""
    hosts: int = 1
    """Hosts that serve the group, each with engines of its own."""
    slots: int = IO_CONCURRENCY
    """Queries that one host serves at once."""
    cpus: float = 0.0
    """Of each host."""
    gpus: float = 0.0

    @property
    def light(self) -> bool:
        """Whether a host of the group needs no core and no GPU of its own."""
        return self.cpus == 0.0 and self.gpus == 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All groups, and who copies whom."""

    groups: tuple[Group, ...]
    victims: Mapping[int, tuple[int, ...]]
    """By the uid of a copycat: the uids that its victims may be, in ascending order."""


def plan(miners: Mapping[int, Miner], cores: int, max_replicas: int | None = None) -> Plan:
    """Group miners by the engines that they need; copy what may be copied to `cores`, or to fewer hosts."""
    victims = find_victims(miners)
    together = _Sets()
    for uid, miner in miners.items():
        for engine in _anchors(miner):
            together.join(uid, engine.key)
        for victim in victims.get(uid, ()):
            together.join(uid, victim)
    families: dict[int | str, dict[int, Miner]] = {}
    for uid, miner in sorted(miners.items()):
        families.setdefault(together.root(uid), {})[uid] = miner
    io: dict[int, Miner] = {}
    cpu: dict[int, Miner] = {}
    anchored: list[Group] = []
    for family in families.values():
        engines = _engines(family)
        if any(not engine.replicable for engine in engines):
            anchored.append(_anchored(family, engines, taken={group.name for group in anchored}))
        elif any(engine.cpus > 0.0 for engine in engines):
            cpu |= family
        else:
            io |= family
    groups = [_io(io)] if io else []
    groups += [_replicated(cpu, cores, max_replicas)] if cpu else []
    return Plan((*groups, *anchored), victims)


def find_victims(miners: Mapping[int, Miner]) -> dict[int, tuple[int, ...]]:
    """Find, for each copycat, the miners that equal one of its victims in all but the seed."""
    owners: dict[str, list[int]] = {}
    for uid, miner in sorted(miners.items()):
        owners.setdefault(likeness(miner), []).append(uid)
    return {
        uid: tuple(sorted(owner for victim in nested for owner in owners.get(likeness(victim), ())))
        for uid, miner in miners.items()
        if (nested := miner.victims())
    }


def likeness(miner: Miner) -> str:
    """Return the key of a miner without its seeds: what a copycat's victim is known by."""
    return _seedless(miner).key


def _seedless(miner: Miner) -> Miner:
    nested = {
        name: _seedless(value) for name in type(miner).model_fields if isinstance(value := getattr(miner, name), Miner)
    }
    return miner.model_copy(update={"seed": 0, **nested})


def _engines(miners: Mapping[int, Miner]) -> list[Engine]:
    return list({engine.key: engine for miner in miners.values() for engine in miner.engines()}.values())


def _anchors(miner: Miner) -> list[Engine]:
    return [engine for engine in miner.engines() if not engine.replicable]


def _slots(engines: list[Engine]) -> int:
    return max(1, min((engine.concurrency for engine in engines), default=IO_CONCURRENCY))


def _io(miners: Mapping[int, Miner]) -> Group:
    return Group("io", miners, slots=_slots(_engines(miners)))


def _replicated(miners: Mapping[int, Miner], cores: int, max_replicas: int | None) -> Group:
    engines = _engines(miners)
    # The slots of a host are shared by all its engines, so the hungriest one says what it needs.
    cpus = max(engine.cpus for engine in engines)
    hosts = max(1, min(int(cores / cpus), max_replicas or cores))
    return Group("cpu", miners, hosts, _slots(engines), cpus, max(engine.gpus for engine in engines))


def _anchored(miners: Mapping[int, Miner], engines: list[Engine], taken: set[str]) -> Group:
    name = type(next(engine for engine in engines if not engine.replicable)).__name__.lower()
    number = next(n for n in range(len(taken) + 1) if f"{name}-{n}" not in taken)
    cpus, gpus = sum(engine.cpus for engine in engines), sum(engine.gpus for engine in engines)
    return Group(f"{name}-{number}", miners, 1, _slots(engines), cpus, gpus)


class _Sets:
    """Disjoint sets of uids and engine keys."""

    def __init__(self) -> None:
        self._parent: dict[int | str, int | str] = {}

    def root(self, item: int | str) -> int | str:
        while (parent := self._parent.setdefault(item, item)) != item:
            item = parent
        return item

    def join(self, one: int | str, other: int | str) -> None:
        self._parent[self.root(one)] = self.root(other)
