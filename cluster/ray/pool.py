"""The Ray pool: hosts and validators are actors, on this machine or on a cluster.

A query goes to each machine once; the relay there passes it on to the hosts.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cluster.answered_round import AnsweredRound
from cluster.cpu import trees_cpu_s
from cluster.host_pool import HostPool, all_or_first_error
from cluster.hosts.host_link import START_TIMEOUT_S, HostLink
from cluster.plan import Group, Plan, Room, plan
from cluster.pool import Usage
from cluster.relays.relay_client import NumberedQuery
from cluster.requirements import Requirements
from cluster.servers.server import Server
from cluster.status import Member, ProcessUsage, State, machine_name, measure_driver, measure_processes
from miners import Miner, Pay
from subnets import Caller, Cost, Query, Response, Task
from subnets.subnet import Subnet
from validators import Validator

from .actor import Actor
from .error_text import shorten
from .host import RayHost
from .nodes import RayNodes, leaving_nodes
from .placement import Node, PlacementStrategy, room
from .relays import RayRelays
from .session import RaySession
from .status_board import StatusBoard
from .validators import RayValidators

logger = logging.getLogger(__name__)

WATCH_S = 2.0
"""Time between two checks for machines that leave: clouds give notice of half a minute or more."""


class RayPool(HostPool):
    """A pool of Ray actors."""

    _max_ahead = 32

    def __init__(
        self,
        subnet: Subnet | None,
        miners: Mapping[int, Miner],
        validators: Mapping[int, Validator],
        *,
        cores: int | None = None,
        max_replicas: int | None = None,
        max_restarts: int = 3,
        servers: Sequence[Server] = (),
        start_timeout_s: float = START_TIMEOUT_S,
        address: str | None = None,
        dashboard: bool = False,
        gpu_gb: float = 0.0,
        placement: PlacementStrategy = "pack",
        wait_for_nodes_s: float = 0.0,
        requirements: Mapping[int, Requirements] | None = None,
        isolate: bool = False,
        report: Callable[[str], None] = lambda line: None,
        session: RaySession | None = None,
    ) -> None:
        """Plan as any `HostPool`; `cores` defaults to all cores of the cluster.

        A given `session` stays open at the end. Without one, the pool joins the cluster at `address`; without that,
        it starts a private Ray, with `dashboard` if asked. `gpu_gb` is the minimum memory of each GPU.

        Hosts that don't fit on a cluster are refused, or wait up to `wait_for_nodes_s` for machines; `report` gets a
        line about each wait. Beyond that, `start_timeout_s` limits the placing of each actor, and again the opening
        of its engines. `requirements` are those of miners, by uid. `isolate` gives light miners of classes that are
        not this project's own an actor for each such class.
        """
        super().__init__(
            subnet,
            miners,
            validators,
            cores=cores,
            max_replicas=max_replicas,
            max_restarts=max_restarts,
            servers=servers,
            start_timeout_s=start_timeout_s,
            requirements=requirements,
            isolate=isolate,
        )
        self._session = session or RaySession(address=address or "local", cores=self.cores, dashboard=dashboard)
        self._for_cluster = cores is None
        self._max_replicas = max_replicas
        self._requirements = requirements
        self._nodes = RayNodes(gpu_gb=gpu_gb, placement=placement, wait_s=wait_for_nodes_s, report=report)
        self._watch: asyncio.Task[None] | None = None
        self._steady = asyncio.Lock()
        """Held while no host may move to another machine."""
        self._owns_session = session is None
        self._before_s: dict[int, float] = {}
        self._system_s: dict[int, float] = {}
        """CPU of Ray's own processes by pid; a process that has ended keeps its last measurement."""
        self._relays = RayRelays(self._before_s)
        self._workers: list[RayValidators] = []
        self._worker_of: dict[int, RayValidators] = {}
        """The worker of each validator."""
        self._board: StatusBoard | None = None
        """The status board of a joined cluster; None on a private Ray."""

    async def usage(self) -> list[Usage]:
        """Measure this process, each actor, and the processes of a private Ray."""
        rows = await super().usage()
        rows += [Usage(worker.name, "validator", await worker.cpu_s()) for worker in self._workers]
        if not self._session.local:
            rows += [Usage(relay.name, "system", await relay.cpu_s()) for relay in self._relays.actors()]
        else:
            rows.append(Usage("ray", "system", self._measure_system()))
        return rows

    def publish(self, run: str, snapshot: str) -> None:
        """Publish a snapshot on the status board of a joined cluster; a private Ray has none."""
        if self._board is not None:
            self._board.publish(run, snapshot)

    def _members(self) -> list[Member]:
        members = [self._member("driver", "driver", os.getpid())]
        members += [self._member(server.name, "server", server.pid) for server in self.servers]
        for worker in self._workers:
            state: State = "up" if worker.pid is not None else "restarting" if worker.placements else "starting"
            uids = [uid for uid, own in self._worker_of.items() if own is worker]
            member = self._member(worker.name, "validator", worker.pid, uids)
            members.append(replace(member, state=state, restarts=max(0, worker.placements - 1)))
        return members

    async def _measure(self) -> dict[str, ProcessUsage]:
        """Measure this process and the servers, and have each actor measure its own processes."""
        servers = {server.name: server.pid for server in self.servers if server.pid}
        usage = {"driver": measure_driver()}
        usage |= await asyncio.to_thread(measure_processes, servers, machine_name())
        actors = self._actors()
        measured = await asyncio.gather(*(actor.measure() for actor in actors))
        return usage | {actor.name: own for actor, own in zip(actors, measured, strict=True) if own is not None}

    def _actors(self) -> list[Actor]:
        return [*self._workers, *(link for link in self._all_links() if isinstance(link, RayHost))]

    def _measure_system(self) -> float:
        own_pids = {os.getpid()}
        for pid in (*(actor.pid for actor in self._actors()), *(server.pid for server in self.servers)):
            if pid is not None:
                own_pids |= {pid, *trees_cpu_s(pid)}
        for pid, cpu_s in trees_cpu_s(os.getpid()).items():
            self._system_s[pid] = max(0.0, cpu_s - self._before_s.get(pid, 0.0))
        for pid in own_pids:  # an idle worker of Ray may have become an actor
            self._system_s.pop(pid, None)
        return sum(self._system_s.values())

    async def start(self) -> None:
        """Start all servers, hosts and validators, then watch for machines that leave."""
        await super().start()
        self._nodes.withdraw_request()
        self._watch = asyncio.create_task(self._watch_machines())

    async def close(self) -> None:
        """End everything."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait({watch})
        await super().close()

    async def baseline(self, miner: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run one miner alone; no host moves meanwhile."""
        async with self._steady:
            return await super().baseline(miner, queries)

    async def paid(self, pays: Mapping[int, Pay]) -> None:
        """Notify the miners on all hosts; no host moves meanwhile."""
        async with self._steady:
            await super().paid(pays)

    async def _open(self) -> None:
        self._before_s = trees_cpu_s(os.getpid())
        self._relays = RayRelays(self._before_s)
        await self._session.start()
        self._board = None if self._session.local else StatusBoard()
        self.plan = await self._nodes.wait_for_room(self._make_plan)
        # Grading takes one core at most, so more processes than cores would only take memory.
        uids = sorted(self.validators)
        for number in range(min(len(uids), self.cores)):
            validators = {uid: self.validators[uid] for uid in uids[number :: self.cores]}
            arguments = (self.subnet, validators)
            worker = RayValidators(f"validators-{number}", arguments, self._before_s, self._start_timeout_s)
            self._workers.append(worker)
            self._worker_of |= dict.fromkeys(validators, worker)
        await all_or_first_error([worker.start() for worker in self._workers])

    def _make_plan(self, nodes: Sequence[Node]) -> Plan:
        """Plan for the present machines, or, if more may come, for the full number of replicas."""
        if not self._for_cluster:
            return self.plan
        self.cores = max(1, int(sum(node.cpus for node in nodes)))
        replicas = self._max_replicas
        if replicas is not None and self._nodes.wait_s:
            rooms: Room = lambda group, others: replicas  # noqa: E731
        else:
            rooms = room(nodes, self._nodes.gpu_gb)
        return plan(self.miners, rooms, replicas, self._requirements, isolate=self._isolate)

    async def _watch_machines(self) -> None:
        """Move hosts and validators away from machines that leave, before these are gone."""
        async with asyncio.TaskGroup() as moves:
            while True:
                await asyncio.sleep(WATCH_S)
                try:
                    nodes = await asyncio.to_thread(leaving_nodes)
                except Exception as error:  # a head that does not answer now may do so later
                    logger.warning("can't find out which machines leave: %s", shorten(error))
                    continue
                if any(actor.node in nodes for actor in self._actors()):
                    await self._leave(nodes, moves)
                await self._relays.leave(nodes - {actor.node for actor in self._actors()})

    async def _leave(self, nodes: Collection[str], moves: asyncio.TaskGroup) -> None:
        async with self._steady:
            for actor in self._actors():
                if isinstance(actor, RayHost) and actor.node in nodes and self._scheduler is not None:
                    self._scheduler.retire(actor)
        for worker in self._workers:
            if worker.node is not None and worker.node in nodes:
                moves.create_task(worker.leave(worker.node))

    async def _shut(self) -> None:
        for worker in self._workers:
            await worker.end()
        await self._relays.close()
        with suppress(Exception):  # the cluster may be gone
            self._nodes.withdraw_request()
            if self._board is not None:
                await asyncio.to_thread(self._board.clear)
        if self._owns_session:
            await self._session.close()

    def _link(self, group: Group, number: int) -> HostLink:
        return RayHost(group, number, self._before_s, self._start_timeout_s, self._nodes, self._relays)

    async def _pack(self, query: Query) -> Any:
        return NumberedQuery(query)

    async def _prepare(self, validator: int, number: int, stakes: Mapping[int, float], caller: Caller) -> Any:
        return await self._ask(validator, "prepare", number, stakes, caller)

    async def _grade(self, validator: int, task: Task, responses: Sequence[Response]) -> Any:
        return await self._ask(validator, "grade", task, responses)

    async def _grade_window(self, validator: int, rounds: Sequence[AnsweredRound], last: int) -> Any:
        return await self._ask(validator, "grade_window", rounds, last)

    async def _ask(self, validator: int, method: str, *arguments: Any) -> Any:
        return await self._worker_of[validator].ask(method, validator, *arguments, restarts=self._max_restarts)
