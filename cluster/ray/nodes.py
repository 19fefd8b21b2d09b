"""The machines of a Ray cluster: which host goes to which machine, what hosts wait for, and which machines leave.

Ray places each host by its requirements, on the machine that the layout prefers. If that machine is taken, any other
suitable one will do. If the cluster is too small and may grow, its autoscaler is asked for the missing machines.
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

from .placement import Node, PlacementStrategy, fit, label_selector, read_nodes

POLL_S = 1.0
QUIET_S = 10
"""Seconds before a wait is reported: starting a process alone takes this long."""
NODE_ID = "ray.io/node-id"
FIX = "free what is in use, add a node, or ask for fewer"


class RayNodes:
    """Decides on which machines the hosts of one pool run."""

    def __init__(
        self,
        *,
        gpu_gb: float = 0.0,
        placement: PlacementStrategy = "pack",
        wait_s: float = 0.0,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Wait up to `wait_s` for machines that the cluster does not have yet; `report` gets a line about each wait."""
        self.gpu_gb = gpu_gb
        self.wait_s = wait_s
        self._placement = placement
        self._report = report
        self._preferred: dict[str, str] = {}
        """Id of the machine that the layout chose for each host, by the host's name."""
        self._requested = False

    async def wait_for_room(self, make_plan: Callable[[Sequence[Node]], Plan]) -> Plan:
        """Return the plan for the present machines, once it fits on them.

        Raises:
            NoRoom: it does not fit, or did not in time.
        """
        started = time.monotonic()
        while True:
            nodes = usable_nodes()
            layout = fit(plan := make_plan(nodes), nodes, self.gpu_gb, self._placement)
            if not layout.missing:
                ids = {node.name: node.id for node in nodes}
                placed = [host for host in layout.placed if host.node and host.group.needs]
                self._preferred = {host.host: ids[host.node] for host in placed if host.node}
                return plan
            if (waited_s := time.monotonic() - started) >= self.wait_s:
                waited = f"no machine with room for it came in {self.wait_s:g} s; " if self.wait_s else ""
                raise NoRoom(f"{layout.missing}; {waited}{FIX}")
            self._request(plan)
            self._report(f"waiting for nodes: {layout.missing}; {waited_s:.0f} s of {self.wait_s:g} s")
            await asyncio.sleep(POLL_S)

    def require(self, name: str, group: Group) -> None:
        """Refuse a host for which no machine is large enough, unless the pool waits for machines.

        Raises:
            NoRoom: no machine is large enough; the message says what is missing.
        """
        missing = fit(Plan((replace(group, name=name, hosts=1),)), usable_nodes(), self.gpu_gb).missing
        if missing and not self.wait_s:
            raise NoRoom(f"{missing}; {FIX}")

    @asynccontextmanager
    async def reporting(self, need: str, limit_s: float) -> AsyncIterator[None]:
        """Report every second that a host still waits, if the pool waits for machines."""

        async def report_wait() -> None:
            for waited_s in range(int(limit_s)):
                if waited_s >= QUIET_S:
                    self._report(f"waiting for nodes: {need}; {waited_s} s of {limit_s:g} s")
                await asyncio.sleep(1.0)

        reports = asyncio.create_task(report_wait()) if self.wait_s else None
        try:
            yield
        finally:
            if reports is not None:
                reports.cancel()

    def options(self, name: str, group: Group) -> dict[str, Any]:
        """Return Ray's options for the actor of a host."""
        suitable = label_selector(group, self.gpu_gb)
        needs = {"num_cpus": group.cpus, "num_gpus": group.gpus, "resources": dict(group.requirements.resources)}
        preferred = self._preferred.get(name)
        # An actor that prefers a machine which leaves is refused by Ray, whatever its fallback, until that has left.
        if preferred is None or preferred not in {node.id for node in usable_nodes()}:
            return needs | {"label_selector": suitable}
        fallback = [{"label_selector": suitable}]
        return needs | {"label_selector": suitable | {NODE_ID: preferred}, "fallback_strategy": fallback}

    def withdraw_request(self) -> None:
        """Withdraw the request to the autoscaler: running hosts keep their machines without it."""
        if self._requested:
            from ray.autoscaler.sdk import request_resources

            self._requested = False
            request_resources(bundles=[])

    def _request(self, plan: Plan) -> None:
        """Ask the autoscaler, if there is one, for machines that hold a whole plan.

        It keeps one request per cluster, so another run that requests or withdraws machines replaces this one.
        """
        from ray.autoscaler.sdk import request_resources

        self._requested = True
        hosts = [group for group in plan.groups for _ in range(group.hosts)]
        groups = [group for group in hosts if group.needs or group.requirements.labels]
        # An empty bundle is ignored: a host that needs only a label also asks for a core.
        bundles = [group.needs or {"CPU": 1.0} for group in groups]
        selectors = [label_selector(group, self.gpu_gb) for group in groups]
        request_resources(bundles=bundles, bundle_label_selectors=selectors)


def usable_nodes() -> list[Node]:
    """Return the machines that can take work: those that are up and not leaving."""
    import ray

    leaving = leaving_nodes()
    return read_nodes([row for row in ray.nodes() if row["NodeID"] not in leaving])  # type: ignore[no-untyped-call]


def leaving_nodes() -> set[str]:
    """Return the ids of the machines that Ray drains, because their spot instance or the autoscaler ends them."""
    from ray._private.state import state  # as Ray's own Train and Data do it

    return set(state.get_draining_nodes())
