"""The plan: which hosts there are, and which miners each of them serves.

Miners that need no engine, or none but light ones, live together. Engines that may be copied (`replicable`: OCR
on a core) are copied to one host for each core, and any of these serves any of their miners. Every other engine
has one host, for all the miners that name it. So hosts are bounded by cores and engines, never by miners.
A copycat lives with its victims. Miners that want different machines share neither hosts nor engines.

    plan({0: Tesseract(), 1: Echo()}, 2)   # "cpu" on two hosts, "io" on one
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from miners import Engine, Miner

from .errors import PoolError
from .requirements import NO_REQUIREMENTS, Requirements

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
    """Of each host, all on one machine; a share below 1 leaves the rest of the GPU to other hosts."""
    requirements: Requirements = NO_REQUIREMENTS

    @property
    def light(self) -> bool:
        """Whether a host of the group needs no core and no GPU of its own."""
        return self.cpus == 0.0 and self.gpus == 0.0

    @property
    def needs(self) -> dict[str, float]:
        """What a host takes of its machine, by Ray's names; nothing that is 0."""
        amounts = {"CPU": self.cpus, "GPU": self.gpus, **self.requirements.resources}
        return {kind: amount for kind, amount in amounts.items() if amount}

    def host_names(self) -> list[str]:
        """Return the names of its hosts, in order."""
        return [self.name] if self.hosts == 1 else [f"{self.name}-{number}" for number in range(self.hosts)]


Room = Callable[[Group, Sequence[Group]], int]
"""How many hosts of a group there is room for beside those of others."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All groups, and who copies whom."""

    groups: tuple[Group, ...]
    victims: Mapping[int, tuple[int, ...]]
    """By the uid of a copycat: the uids that its victims may be, in ascending order."""


def plan(
    miners: Mapping[int, Miner],
    cores: int | Room,
    max_replicas: int | None = None,
    requirements: Mapping[int, Requirements] | None = None,
) -> Plan:
    """Group miners by the engines that they need and the machines that they want.

    What may be copied is copied to `cores`, or to as many hosts as there is room for beside all others, where that is
    told, and to `max_replicas` at most.

    Raises:
        PoolError: a copycat and its victim want different machines.
    """
    victims, wanted = find_victims(miners), requirements or {}
    shared: dict[str, dict[int, Miner]] = {}
    requirements_of: dict[str, Requirements] = {}
    anchored: list[Group] = []
    for family in _families(miners, victims, wanted):
        engines, want = _engines(family), _agreed(family, wanted)
        if any(not engine.replicable for engine in engines):
            anchored.append(_anchored(family, engines, want, taken={group.name for group in anchored}))
            continue
        name = ("cpu" if any(engine.cpus > 0.0 for engine in engines) else "io") + (f"@{want}" if str(want) else "")
        shared.setdefault(name, {}).update(family)
        requirements_of[name] = want
    groups = {name: _shared(name, of, requirements_of[name]) for name, of in shared.items()}
    for name in sorted((name for name in groups if name.startswith("cpu")), reverse=True):  # the particular ones first
        others = (*anchored, *(group for group in groups.values() if group.name != name))
        groups[name] = _replicated(groups[name], cores, others, max_replicas)
    order = sorted(groups.values(), key=lambda group: not group.light)
    return Plan((*order, *anchored), victims)


def _families(
    miners: Mapping[int, Miner], victims: Mapping[int, Sequence[int]], wanted: Mapping[int, Requirements]
) -> list[dict[int, Miner]]:
    """Return the miners that have to live together: by an engine and what they want, or by who copies whom."""
    together = _Sets()
    for uid, miner in miners.items():
        for engine in _anchors(miner):
            together.join(uid, f"{engine.key}@{wanted.get(uid, NO_REQUIREMENTS)}")
        for victim in victims.get(uid, ()):
            together.join(uid, victim)
    families: dict[int | str, dict[int, Miner]] = {}
    for uid, miner in sorted(miners.items()):
        families.setdefault(together.root(uid), {})[uid] = miner
    return list(families.values())


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


def _agreed(family: Mapping[int, Miner], wanted: Mapping[int, Requirements]) -> Requirements:
    """Return what miners that live together want of their machine; those that want nothing go along."""
    asked = {str(want): (uid, want) for uid in family if str(want := wanted.get(uid, NO_REQUIREMENTS))}
    if len(asked) > 1:
        (one, first), (other, second) = list(asked.values())[:2]
        raise PoolError(
            f"miners {one} and {other} live together because of who copies whom, and want different machines: {first} "
            f"and {second}; give them the same labels and resources"
        )
    return next((want for _, want in asked.values()), NO_REQUIREMENTS)


def _shared(name: str, miners: Mapping[int, Miner], want: Requirements) -> Group:
    engines = _engines(miners)
    # The slots of a host are shared by all its engines, so the hungriest one says what it needs.
    cpus, gpus = max((e.cpus for e in engines), default=0.0), max((e.gpus for e in engines), default=0.0)
    return Group(name, miners, 1, _slots(engines), cpus, gpus, want)


def _replicated(group: Group, cores: int | Room, others: Sequence[Group], max_replicas: int | None) -> Group:
    room = cores(group, others) if callable(cores) else int(cores / group.cpus)
    return replace(group, hosts=max(1, min(room, max_replicas or room)))


def _anchored(miners: Mapping[int, Miner], engines: list[Engine], want: Requirements, taken: set[str]) -> Group:
    name = type(next(engine for engine in engines if not engine.replicable)).__name__.lower()
    number = next(n for n in range(len(taken) + 1) if f"{name}-{n}" not in taken)
    cpus, gpus = sum(engine.cpus for engine in engines), sum(engine.gpus for engine in engines)
    # Ray gives shares of one GPU, or whole ones.
    return Group(f"{name}-{number}", miners, 1, _slots(engines), cpus, math.ceil(gpus) if gpus > 1.0 else gpus, want)


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
