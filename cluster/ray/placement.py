"""Placement: whether the hosts of a plan fit on a cluster's machines, and what is missing if they don't.

    fit(plan(miners, 8), [Node("gpu-0", cpus=8, gpus=1, gpu="L4")]).missing   # "" if all fit

The neediest hosts are placed first, each on the fullest machine that has room for it, or, to spread them, on a machine
with the fewest hosts. Hosts that don't fit this way may still fit in another order; Ray's own placement is no better.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cluster.plan import Group, Plan
from cluster.requirements import matches

PlacementStrategy = Literal["pack", "spread"]

GPU_GB = {
    "P4": 8,
    "K80": 12,
    "T4": 16,
    "P100": 16,
    "A10G": 24,
    "A10": 24,
    "L4": 24,
    "A40": 48,
    "L40S": 48,
    "A100-40G": 40,
    "A100-80G": 80,
    "H100": 80,
    "H20": 96,
    "RTX-PRO-6000": 96,
    "H200": 141,
    "B200": 180,
}
"""GPU memory by Ray's name of the GPU; "A100" and "V100" are left out, as they are sold in two sizes."""
GPU_KIND = "ray.io/accelerator-type"
"""Label with the kind of a machine's GPUs."""


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of a cluster, with nothing in use."""

    name: str
    cpus: float
    gpus: float = 0.0
    gpu: str | None = None
    """Kind of the GPUs, by Ray's name."""
    gpu_gb: float | None = None
    """Memory of each GPU; None if not given."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels other than the kind of GPU."""
    resources: Mapping[str, float] = field(default_factory=dict)
    """Custom resources of Ray."""
    id: str = ""
    """Ray's id of a running machine."""

    @property
    def known_gpu_gb(self) -> float | None:
        """Memory of each GPU, as given or by its kind."""
        return self.gpu_gb if self.gpu_gb is not None else GPU_GB.get(self.gpu or "")

    def has(self, kind: str) -> float:
        """Return how much it has of "CPU", "GPU" or a custom resource."""
        return {"CPU": self.cpus, "GPU": self.gpus}.get(kind, self.resources.get(kind, 0.0))

    def label(self, key: str) -> str | None:
        """Return a label; None if it has none with that key."""
        return self.gpu if key == GPU_KIND else self.labels.get(key)

    def suits(self, selector: Mapping[str, str]) -> bool:
        """Return whether its labels satisfy a selector."""
        return all(matches(self.label(key), values) for key, values in selector.items())


class Remaining:
    """What the hosts placed so far leave of a machine."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.hosts = 0
        self.amounts = {"CPU": node.cpus, **node.resources}
        self.gpus = [1.0] * int(node.gpus)
        """Remaining part of each GPU; a share always belongs to one GPU."""

    @property
    def size(self) -> tuple[float, float]:
        """Remaining GPUs and CPUs."""
        return self.of("GPU"), self.of("CPU")

    def of(self, kind: str) -> float:
        """Return how much of "CPU", "GPU" or a custom resource remains."""
        return round(sum(self.gpus) if kind == "GPU" else self.amounts.get(kind, 0.0), 4)

    def holds(self, group: Group) -> bool:
        """Return whether it has room for one more host of a group."""
        enough = all(self.of(kind) >= amount for kind, amount in group.needs.items())
        return enough and (group.gpus == 0.0 or len(self._gpus_for(group.gpus)) >= group.gpus)

    def max_hosts(self, group: Group) -> int:
        """Return how many more hosts of a group fit."""
        return min((self._times(kind, amount) for kind, amount in group.needs.items()), default=1)

    def take(self, group: Group) -> None:
        """Reserve what a host of a group needs."""
        self.hosts += 1
        for kind in group.needs.keys() - {"GPU"}:
            self.amounts[kind] -= group.needs[kind]
        for gpu in self._gpus_for(group.gpus) if group.gpus else ():
            self.gpus[gpu] -= min(group.gpus, 1.0)

    def _times(self, kind: str, amount: float) -> int:
        if kind == "GPU" and amount < 1.0:
            return sum(int(round(left / amount, 4)) for left in self.gpus)
        return int(round(self.of(kind) / amount, 4))

    def _gpus_for(self, gpus: float) -> list[int]:
        """Choose whole GPUs, or for a share the fullest GPU with room for it, as Ray does; may return too few."""
        holding = sorted((left, gpu) for gpu, left in enumerate(self.gpus) if round(left, 4) >= min(gpus, 1.0))
        return [gpu for _, gpu in holding[: max(1, round(gpus))]]


@dataclass(frozen=True, slots=True)
class Placed:
    """One host of a plan, and the machine that it would go to."""

    host: str
    group: Group
    node: str | None
    """Name of the machine; None if it fits nowhere."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the hosts of a plan would go."""

    placed: tuple[Placed, ...]
    """All hosts, in the order of the plan."""
    missing: str
    """What is missing; empty if all hosts fit."""
    remaining: Mapping[str, Remaining]
    """What remains of each machine, by its name."""


def fit(plan: Plan, nodes: Sequence[Node], gpu_gb: float = 0.0, placement: PlacementStrategy = "pack") -> Placement:
    """Place the hosts of a plan; pack them if they don't fit spread.

    `gpu_gb` is the minimum memory of each GPU that they get.
    """
    remaining = {node.name: Remaining(node) for node in nodes}
    machines: dict[str, str | None] = {}
    missing = ""
    for group in sorted(plan.groups, key=_neediest_first):
        usable = suitable_nodes(group, nodes, gpu_gb)
        choices = _choose_machines(group, [remaining[node.name] for node in usable], placement)
        for name in group.host_names():
            machines[name] = choice.node.name if (choice := next(choices, None)) is not None else None
            if choice is None and not missing:
                missing = _missing(name, group, usable, nodes, remaining, gpu_gb)
    if missing and placement == "spread":
        return fit(plan, nodes, gpu_gb)
    placed = (Placed(name, group, machines[name]) for group in plan.groups for name in group.host_names())
    return Placement(tuple(placed), missing, remaining)


def _choose_machines(group: Group, usable: Sequence[Remaining], placement: PlacementStrategy) -> Iterator[Remaining]:
    """Place the hosts of a group one by one; yield the machine of each until none has room."""

    def rank(place: int) -> tuple[tuple[float, ...], int]:
        hosts = usable[place].hosts if placement == "spread" else 0
        return (hosts, *usable[place].size), place

    heap = [rank(place) for place in range(len(usable))]
    heapq.heapify(heap)
    while heap:
        _, place = heapq.heappop(heap)
        if usable[place].holds(group):
            usable[place].take(group)
            yield usable[place]
            heapq.heappush(heap, rank(place))


def _neediest_first(group: Group) -> tuple[float, ...]:
    return -group.gpus, -group.cpus, not str(group.requirements)


def room(nodes: Sequence[Node], gpu_gb: float = 0.0) -> Callable[[Group, Sequence[Group]], int]:
    """Return the `Room` of some machines: how many hosts of a group fit on them next to those of other groups."""

    def hosts(group: Group, others: Sequence[Group]) -> int:
        remaining = fit(Plan(tuple(others)), nodes, gpu_gb).remaining
        return sum(remaining[node.name].max_hosts(group) for node in suitable_nodes(group, nodes, gpu_gb))

    return hosts


def suitable_nodes(group: Group, nodes: Sequence[Node], gpu_gb: float = 0.0) -> list[Node]:
    """Return the machines with the labels and the kind of GPUs that a group needs, regardless of amounts."""
    return [
        node for node in nodes if node.suits(group.requirements.labels) and (not group.gpus or _is_large(node, gpu_gb))
    ]


def label_selector(group: Group, gpu_gb: float = 0.0) -> dict[str, str]:
    """Return Ray's label selector for the hosts of a group: their labels, and no GPU known to be too small."""
    small = sorted(kind for kind, size in GPU_GB.items() if size < gpu_gb)
    kinds = {GPU_KIND: f"!in({','.join(small)})"} if small and group.gpus else {}
    return kinds | dict(group.requirements.labels)


def read_nodes(rows: Sequence[Mapping[str, Any]]) -> list[Node]:
    """Read the machines of a running cluster from `ray.nodes()`; the second one at an address is named address#2."""
    nodes: list[Node] = []
    for row in rows:
        if row["Alive"]:
            address = str(row["NodeManagerAddress"])
            before = sum(node.name.partition("#")[0] == address for node in nodes)
            amounts, labels = {key: float(amount) for key, amount in row["Resources"].items()}, row.get("Labels", {})
            nodes.append(
                Node(
                    f"{address}#{before + 1}" if before else address,
                    amounts.pop("CPU", 0.0),
                    amounts.pop("GPU", 0.0),
                    labels.get(GPU_KIND),
                    labels={key: label for key, label in labels.items() if key not in (GPU_KIND, "ray.io/node-id")},
                    resources={kind: amount for kind, amount in amounts.items() if _is_custom(kind)},
                    id=row["NodeID"],
                )
            )
    return nodes


def _is_large(node: Node, gpu_gb: float) -> bool:
    return node.known_gpu_gb is None or node.known_gpu_gb >= gpu_gb


def _is_custom(resource: str) -> bool:
    """Return whether a resource is a user's own and not one that Ray adds."""
    return resource not in {"memory", "object_store_memory"} and not resource.startswith(("node:", "accelerator_type:"))


def _missing(
    name: str,
    group: Group,
    usable: Sequence[Node],
    nodes: Sequence[Node],
    remaining: Mapping[str, Remaining],
    gpu_gb: float,
) -> str:
    """Say what a host lacks: a node with its labels, or enough in total, on one node, or next to the other hosts."""

    def text(amounts: Mapping[str, float]) -> str:
        return " and ".join(
            f"{amount:g} {kind}" + (f" with {gpu_gb:g} GB" if kind == "GPU" and gpu_gb else "")
            for kind, amount in amounts.items()
        )

    needs, labels = group.needs, group.requirements.labels
    if (labels or not needs) and not any(node.suits(labels) for node in nodes):
        if not labels:
            return f"{name} needs a node; the cluster has none"
        return f"{name} needs a node with {_labels(labels)}; the cluster has {_labels_there(labels, nodes)}"
    owner = f"the nodes with {_labels(labels)}" if labels else "the cluster"
    totals = {kind: sum(node.has(kind) for node in usable) for kind in needs}
    excess = {kind: amount for kind, amount in needs.items() if amount > totals[kind]}
    if excess:
        supply = text({kind: totals[kind] for kind in excess})
        return f"{name} needs {text(excess)}; {owner} {'have' if labels else 'has'} {supply}"
    if not any(Remaining(node).holds(group) for node in usable):
        largest = text({kind: max(node.has(kind) for node in usable) for kind in needs})
        return f"{name} needs {text(needs)} on one node; no node of {owner} has that, the most is {largest}"
    free = {kind: sum(remaining[node.name].of(kind) for node in usable) for kind in needs}
    if all(amount <= free[kind] for kind, amount in needs.items()):
        return f"{name} needs {text(needs)} on one node; the other hosts leave no node of {owner} that has it"
    supply = f"the {text(totals)} of {owner}" if labels else f"the cluster's {text(totals)}"
    return f"{name} needs {text(needs)}; the other hosts leave {text(free)} of {supply}"


def _labels(selector: Mapping[str, str]) -> str:
    return " and ".join(f"{key} = {value}" for key, value in selector.items())


def _labels_there(selector: Mapping[str, str], nodes: Sequence[Node]) -> str:
    present = {key: sorted({label for node in nodes if (label := node.label(key))}) for key in selector}
    return " and ".join(f"{key} = {', '.join(labels)}" if labels else f"no {key}" for key, labels in present.items())
