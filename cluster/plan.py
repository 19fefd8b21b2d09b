"""The plan: which hosts there are, and which miners each of them serves.

Miners that need no engine, or only light ones, share a host. Replicable engines (OCR on a core) get one host per core,
and any of those hosts serves any of their miners. Every other engine has one host, shared by all miners that name it.
So the number of hosts is bounded by cores and engines, never by miners. Miners tied by affinity share a host; miners
with different requirements share neither hosts nor engines. With `isolate`, light miners of foreign classes have hosts
apart from all others, one for each set of such classes.

    plan({0: TesseractReader(), 1: Echo()}, 2)   # "cpu" on two hosts, "io" on one
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from miners import Engine, Miner

from .affinity import Affinity
from .errors import PoolError
from .requirements import NO_REQUIREMENTS, Requirements

IO_CONCURRENCY = 1024
"""Maximum concurrent queries on a host without engines, where each is a coroutine that mostly waits."""


@dataclass(frozen=True, slots=True)
class Group:
    """Miners that are served by the same hosts."""

    name: str
    """Either "io", "cpu", or the kind of engine that the miners share; of isolated miners also their classes."""
    miners: Mapping[int, Miner]
    """The miners by uid."""
    hosts: int = 1
    """Number of hosts that serve the group, each with its own engines."""
    slots: int = IO_CONCURRENCY
    """Maximum concurrent queries of one host."""
    cpus: float = 0.0
    """CPUs that one host takes."""
    gpus: float = 0.0
    """GPUs that one host takes, all on one machine; a share below 1 leaves the rest of the GPU to other hosts."""
    requirements: Requirements = NO_REQUIREMENTS
    isolated: bool = False
    """True if its hosts must not share a process with anything else."""

    @property
    def light(self) -> bool:
        """True if a host of the group needs no core and no GPU of its own."""
        return self.cpus == 0.0 and self.gpus == 0.0

    @property
    def needs(self) -> dict[str, float]:
        """Amounts that one host takes of its machine: "CPU", "GPU" and custom resources, without zeros."""
        amounts = {"CPU": self.cpus, "GPU": self.gpus, **self.requirements.resources}
        return {kind: amount for kind, amount in amounts.items() if amount}

    def host_names(self) -> list[str]:
        """Return the names of its hosts, in order."""
        return [self.name] if self.hosts == 1 else [f"{self.name}-{number}" for number in range(self.hosts)]


Room = Callable[[Group, Sequence[Group]], int]
"""Returns how many hosts of a group fit next to the hosts of other groups."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All groups, and what ties their miners to each other."""

    groups: tuple[Group, ...]
    affinity: Affinity = field(default_factory=Affinity)


def plan(
    miners: Mapping[int, Miner],
    cores: int | Room,
    max_replicas: int | None = None,
    requirements: Mapping[int, Requirements] | None = None,
    *,
    isolate: bool = False,
) -> Plan:
    """Group miners by the engines that they need and the machines that they require.

    Replicable engines get one host per core, or with a `Room` as many as fit next to all others; never more than
    `max_replicas`.

    Raises:
        PoolError: miners that must share a host have different requirements.
    """
    affinity, required = Affinity.of(miners), requirements or {}
    shared: dict[str, dict[int, Miner]] = {}
    requirements_by_group: dict[str, Requirements] = {}
    isolated: set[str] = set()
    dedicated: list[Group] = []
    for family in _families(miners, affinity, required):
        engines, common = _engines(family), _common(family, required)
        if any(not engine.replicable for engine in engines):
            group = _dedicated(family, engines, common, taken={group.name for group in dedicated})
            dedicated.append(replace(group, isolated=isolate and group.light and bool(_foreign(family))))
            continue
        name = "cpu" if any(engine.cpus > 0.0 for engine in engines) else "io"
        if isolate and name == "io" and (foreign := _foreign(family)):
            name = f"io:{'+'.join(foreign)}"
            isolated.add(name)
        if str(common):
            name = f"{name}@{common}"
        shared.setdefault(name, {}).update(family)
        requirements_by_group[name] = common
    groups = {
        name: replace(_shared(name, members, requirements_by_group[name]), isolated=name in isolated)
        for name, members in shared.items()
    }
    # Groups with requirements come first, as fewer machines suit them.
    for name in sorted((name for name in groups if name.startswith("cpu")), reverse=True):
        others = (*dedicated, *(group for group in groups.values() if group.name != name))
        groups[name] = _replicated(groups[name], cores, others, max_replicas)
    order = sorted(groups.values(), key=lambda group: not group.light)
    return Plan((*order, *dedicated), affinity)


def _families(
    miners: Mapping[int, Miner], affinity: Affinity, required: Mapping[int, Requirements]
) -> list[dict[int, Miner]]:
    """Return the sets of miners that have to share a host, for an engine or by affinity."""
    from scipy.cluster.hierarchy import DisjointSet  # heavy

    sets: DisjointSet[Hashable] = DisjointSet(miners)

    def merge(uid: int, other: Hashable) -> None:
        sets.add(other)
        sets.merge(uid, other)

    for uid, miner in miners.items():
        for engine in miner.engines():
            if not engine.replicable:
                merge(uid, f"{engine.key}@{required.get(uid, NO_REQUIREMENTS)}")
        for other in affinity.same_host.get(uid, ()):
            merge(uid, other)
    families: dict[Hashable, dict[int, Miner]] = {}
    for uid, miner in sorted(miners.items()):
        families.setdefault(sets[uid], {})[uid] = miner
    return list(families.values())


def _foreign(family: Mapping[int, Miner]) -> list[str]:
    """Return the classes of a family that are not from this project's packages, in order."""
    return sorted(frozenset().union(*(miner.foreign_classes() for miner in family.values())))


def _engines(miners: Mapping[int, Miner]) -> list[Engine]:
    return list({engine.key: engine for miner in miners.values() for engine in miner.engines()}.values())


def _slots(engines: list[Engine]) -> int:
    return max(1, min((engine.concurrency for engine in engines), default=IO_CONCURRENCY))


def _common(family: Mapping[int, Miner], required: Mapping[int, Requirements]) -> Requirements:
    """Return the requirements that all miners of a family share; miners without any accept those of the others."""
    distinct = {str(own): (uid, own) for uid in family if str(own := required.get(uid, NO_REQUIREMENTS))}
    if len(distinct) > 1:
        (uid, first), (other, second) = list(distinct.values())[:2]
        raise PoolError(
            f"miners {uid} and {other} must share a host because of who copies whom, but require different machines: "
            f"{first} and {second}; give them the same labels and resources"
        )
    return next((own for _, own in distinct.values()), NO_REQUIREMENTS)


def _shared(name: str, miners: Mapping[int, Miner], requirements: Requirements) -> Group:
    engines = _engines(miners)
    # All engines of a host share its slots, so the most demanding engine decides what the host takes.
    cpus, gpus = max((e.cpus for e in engines), default=0.0), max((e.gpus for e in engines), default=0.0)
    return Group(name, miners, 1, _slots(engines), cpus, gpus, requirements)


def _replicated(group: Group, cores: int | Room, others: Sequence[Group], max_replicas: int | None) -> Group:
    room = cores(group, others) if callable(cores) else int(cores / group.cpus)
    return replace(group, hosts=max(1, min(room, max_replicas or room)))


def _dedicated(
    miners: Mapping[int, Miner], engines: list[Engine], requirements: Requirements, taken: set[str]
) -> Group:
    """Return the group of miners whose engines have one host."""
    kind = type(next(engine for engine in engines if not engine.replicable)).__name__.lower()
    number = next(n for n in range(len(taken) + 1) if f"{kind}-{n}" not in taken)
    cpus, gpus = sum(engine.cpus for engine in engines), sum(engine.gpus for engine in engines)
    # A host can be given a share of one GPU, or whole GPUs.
    whole = math.ceil(gpus) if gpus > 1.0 else gpus
    return Group(f"{kind}-{number}", miners, 1, _slots(engines), cpus, whole, requirements)
