"""The machines of the Ray cluster that was joined: where hosts go, what they wait for, and which machines leave.

Ray places; it is told what each host needs and where its layout has it. Where that place is taken, any other that
suits will do. Where the cluster is too small and may grow, its autoscaler is asked for what is missing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from cluster.errors import NoRoom
from cluster.plan import Group, Plan

from .placement import Node, PlacementStrategy, fit, nodes_of, selector

POLL_S = 1.0
NODE_ID = "ray.io/node-id"
FIX = "free what is in use, add a node, or ask for fewer"


class RayNodes:
    """Where the hosts of one pool go."""

    def __init__(
        self,
        *,
        gpu_gb: float = 0.0,
        placement: PlacementStrategy = "pack",
        wait_s: float = 0.0,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        """`wait_s` bounds the wait for machines that the cluster has not got yet; `tell` is told of it, in a line."""
        self.gpu_gb = gpu_gb
        self.wait_s = wait_s
        self._placement = placement
        self._tell = tell
        self._near: dict[str, str] = {}
        """By host, the id of the machine where the layout has it."""
        self._asked = False

    async def room_for(self, planned: Callable[[Sequence[Node]], Plan]) -> Plan:
        """Return the plan for the machines that there are, once it fits on them.

        Raises:
            NoRoom: it does not fit, or did not in time.
        """
        started = time.monotonic()
        while True:
            nodes = usable_nodes()
            found = fit(plan := planned(nodes), nodes, self.gpu_gb, self._placement)
            if not found.missing:
                ids = {node.name: node.id for node in nodes}
                self._near = {one.host: ids[one.node] for one in found.placed if one.node and one.group.needs}
                return plan
            if (waited_s := time.monotonic() - started) >= self.wait_s:
                waited = f"no machine came in {self.wait_s:g} s that holds it; " if self.wait_s else ""
                raise NoRoom(f"{found.missing}; {waited}{FIX}")
            self._ask(plan)
            self._tell(f"waiting for nodes: {found.missing}; {waited_s:.0f} s of {self.wait_s:g} s")
            await asyncio.sleep(POLL_S)

    def require(self, name: str, group: Group) -> None:
        """Refuse a host that no machine can hold, even with nothing else on it, unless machines are waited for.

        Raises:
            NoRoom: with what is missing.
        """
        missing = fit(Plan((replace(group, name=name, hosts=1),), {}), usable_nodes(), self.gpu_gb).missing
        if missing and not self.wait_s:
            raise NoRoom(f"{missing}; {FIX}")

    @asynccontextmanager
    async def telling(self, what: str, limit_s: float) -> AsyncIterator[None]:
        """Tell that a host waits, for as long as it does, where machines are waited for."""

        async def tell() -> None:
            for waited_s in range(int(limit_s)):
                if waited_s >= 10:  # less is how long a process takes to start
                    self._tell(f"waiting for nodes: {what}; {waited_s} s of {limit_s:g} s")
                await asyncio.sleep(1.0)

        telling = asyncio.create_task(tell()) if self.wait_s else None
        try:
            yield
        finally:
            if telling is not None:
                telling.cancel()

    def options(self, name: str, group: Group) -> dict[str, Any]:
        """Return Ray's options for the actor of a host."""
        suiting = selector(group, self.gpu_gb)
        needs = {"num_cpus": group.cpus, "num_gpus": group.gpus, "resources": dict(group.requirements.resources)}
        if not (near := self._near.get(name)):
            return needs | {"label_selector": suiting}
        anywhere = [{"label_selector": suiting}]
        return needs | {"label_selector": suiting | {NODE_ID: near}, "fallback_strategy": anywhere}

    def ask_no_more(self) -> None:
        """Withdraw what the autoscaler was asked for: hosts that are up hold their machines by themselves."""
        if self._asked:
            from ray.autoscaler.sdk import request_resources

            self._asked = False
            request_resources(bundles=[])

    def _ask(self, plan: Plan) -> None:
        """Ask the autoscaler for machines that hold a whole plan; without one nobody hears it.

        It keeps one request a cluster: what another run asks, or withdraws, takes the place of this.
        """
        from ray.autoscaler.sdk import request_resources

        self._asked = True
        groups = [
            group for group in plan.groups for _ in range(group.hosts) if group.needs or group.requirements.labels
        ]
        # A bundle of nothing is not heard: a host that needs only a label asks for a core beside it.
        bundles = [group.needs or {"CPU": 1.0} for group in groups]
        request_resources(bundles=bundles, bundle_label_selectors=[selector(group, self.gpu_gb) for group in groups])


def usable_nodes() -> list[Node]:
    """Return the machines that can be given work: those that are up and stay."""
    import ray

    away = leaving()
    return nodes_of([row for row in ray.nodes() if row["NodeID"] not in away])  # type: ignore[no-untyped-call]


def leaving() -> set[str]:
    """Return the ids of the machines that are being drained: whose spot instance ends, or that the autoscaler ends."""
    from ray._private.state import state  # as Ray's own Train and Data look at it

    return set(state.get_draining_nodes())
