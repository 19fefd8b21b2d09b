"""Whether the hosts of a plan fit on the machines that there are, and what is missing where they don't.

    fit(plan(miners, cores=8), [Node("gpu-0", cpus=8, gpus=1, gpu="L4")]).missing   # "" where all fit

Hosts are laid out the neediest first, each on the machine with the least left that holds it. A cluster that
this way does not fill may still hold them in another order; Ray lays out no better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import PoolError
from .plan import Group, Plan

GPU_GB = {
    "T4": 16, "V100": 16, "A10G": 24, "A10": 24, "L4": 24, "A40": 48, "L40S": 48, "A100": 40, "A100-40G": 40,
    "A100-80G": 80, "H100": 80, "H200": 141, "B200": 180,
}  # fmt: skip
"""Memory of a GPU, by the names that Ray has for them; of a kind sold in two sizes, the smaller."""


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of a cluster, with nothing in use."""

    name: str
    cpus: float
    gpus: float = 0.0
    gpu: str | None = None
    """Kind of the GPUs, as Ray names it."""
    gpu_gb: float | None = None
    """Memory of each GPU; None where nobody says."""

    @property
    def known_gpu_gb(self) -> float | None:
        """Memory of each GPU, as said or by its kind."""
        return self.gpu_gb if self.gpu_gb is not None else GPU_GB.get(self.gpu or "")


@dataclass(frozen=True, slots=True)
class Placed:
    """One host of a plan and where it would be."""

    host: str
    group: Group
    node: str | None
    """None where it fits nowhere."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a plan fits."""

    placed: tuple[Placed, ...]
    """In the order of the plan; hosts that need nothing of their own are on the first node."""
    missing: str
    """Empty where all fits."""


def fit(plan: Plan, nodes: Sequence[Node], gpu_gb: float = 0.0) -> Fit:
    """Lay out the hosts of a plan; `gpu_gb` is the least memory of each GPU that they are given."""
    left = {node.name: [node.cpus, node.gpus if _is_large(node, gpu_gb) else 0.0] for node in nodes}
    hosts = [
        (f"{group.name}-{number}" if group.hosts > 1 else group.name, group)
        for group in plan.groups
        for number in range(group.hosts)
    ]
    places: dict[str, str | None] = {}
    missing = ""
    for name, group in sorted(hosts, key=lambda host: (-host[1].gpus, -host[1].cpus)):
        holding = [node for node, (cpus, gpus) in left.items() if group.cpus <= cpus and group.gpus <= gpus]
        places[name] = min(holding, key=lambda node: (left[node][1], left[node][0]), default=None)
        if (chosen := places[name]) is not None:
            left[chosen] = [left[chosen][0] - group.cpus, left[chosen][1] - group.gpus]
        elif not missing:
            missing = _missing(name, group, nodes, left, gpu_gb)
    return Fit(tuple(Placed(name, group, places[name]) for name, group in hosts), missing)


def require(plan: Plan, nodes: Sequence[Node], gpu_gb: float = 0.0) -> None:
    """Refuse a plan that does not fit; raises PoolError with what is missing."""
    if missing := fit(plan, nodes, gpu_gb).missing:
        raise PoolError(f"{missing}; free what is in use, add a node, or ask for fewer")


def nodes_of(rows: Sequence[Mapping[str, Any]]) -> list[Node]:
    """Read the machines of a running cluster from `ray.nodes()`; the second one at an address is called so."""
    found: list[Node] = []
    for row in rows:
        if row["Alive"]:
            address = str(row["NodeManagerAddress"])
            before = sum(node.name.partition("#")[0] == address for node in found)
            name = f"{address}#{before + 1}" if before else address
            amounts, labels = row["Resources"], row.get("Labels", {})
            gpu = labels.get("ray.io/accelerator-type")
            found.append(Node(name, float(amounts.get("CPU", 0.0)), float(amounts.get("GPU", 0.0)), gpu))
    return found


def _is_large(node: Node, gpu_gb: float) -> bool:
    return node.known_gpu_gb is None or node.known_gpu_gb >= gpu_gb


def _missing(name: str, group: Group, nodes: Sequence[Node], left: Mapping[str, Sequence[float]], gpu_gb: float) -> str:
    """Say what a host lacks: on the whole cluster, on its largest machine, or beside the other hosts."""
    wants = [(amount, kind) for amount, kind in ((group.cpus, "CPU"), (group.gpus, "GPU")) if amount]
    need = " and ".join(_amount(amount, kind, gpu_gb) for amount, kind in wants)
    usable = [(node.cpus, node.gpus if _is_large(node, gpu_gb) else 0.0) for node in nodes]
    totals = {"CPU": sum(cpus for cpus, _ in usable), "GPU": sum(gpus for _, gpus in usable)}
    short = [(amount, kind) for amount, kind in wants if amount > totals[kind]]
    if short:
        return (
            f"{name} needs {' and '.join(_amount(amount, kind, gpu_gb) for amount, kind in short)}; the cluster has "
            + " and ".join(_amount(totals[kind], kind, gpu_gb) for _, kind in short)
        )
    if not any(group.cpus <= cpus and group.gpus <= gpus for cpus, gpus in usable):
        largest = {"CPU": max(cpus for cpus, _ in usable), "GPU": max(gpus for _, gpus in usable)}
        most = " and ".join(_amount(largest[kind], kind, gpu_gb) for _, kind in wants)
        return f"{name} needs {need} on one node; no node of the cluster has that, the most is {most}"
    free = " and ".join(
        _amount(sum(rest[0 if kind == "CPU" else 1] for rest in left.values()), kind, gpu_gb) for _, kind in wants
    )
    has = " and ".join(_amount(totals[kind], kind, gpu_gb) for _, kind in wants)
    return f"{name} needs {need}; the other hosts leave {free} of the cluster's {has}"


def _amount(amount: float, kind: str, gpu_gb: float) -> str:
    return f"{amount:g} {kind}" + (f" with {gpu_gb:g} GB" if kind == "GPU" and gpu_gb else "")
