"""The Ray pool: hosts and juries are actors, on this machine or on a cluster.

A query goes into the object store once, and every host reads it from there.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cluster.cpu import trees_cpu_s
from cluster.host_pool import HostedPool, all_or_first_error
from cluster.hosts.host_link import START_TIMEOUT_S, HostLink
from cluster.plan import Group, Plan, plan
from cluster.pool import Usage
from cluster.requirements import Requirements
from cluster.said import first_words
from cluster.servers.server import Server
from cluster.status import Member, ProcessUsage, State, here, look_at, look_at_driver
from miners import Miner, Pay
from subnets import Caller, Cost, Query, Response, Task
from subnets.subnet import Subnet
from validators import Validator

from .actor import Actor, RayHost, RayJury
from .nodes import RayNodes, leaving
from .placement import Node, PlacementStrategy, room
from .session import RaySession
from .status_board import StatusBoard

logger = logging.getLogger(__name__)

WATCH_S = 2.0
"""Between two looks at which machines leave: clouds give notice of half a minute and more."""


class RayPool(HostedPool):
    """Hosts and validators as Ray actors."""

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
        tell: Callable[[str], None] = lambda line: None,
        session: RaySession | None = None,
    ) -> None:
        """Plan as any hosted pool; without `cores`, for all that the cluster has.

        A session that is given stays open at the end; without one, the cluster at `address` is joined, and without
        that, Ray is started. `dashboard` is that of a Ray that is started. `gpu_gb` is the least memory of each GPU.

        Hosts that don't fit on a cluster are refused, or wait for machines for `wait_for_nodes_s`, of which `tell` is
        told in lines; on top of that, `start_timeout_s` bounds the placing of each actor, and again the opening of its
        engines. `requirements`: those of miners on their machines.
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
        )
        self._session = session or RaySession(address=address or "local", cores=self.cores, dashboard=dashboard)
        self._for_cluster = cores is None
        self._max_replicas = max_replicas
        self._requirements = requirements
        self._nodes = RayNodes(gpu_gb=gpu_gb, placement=placement, wait_s=wait_for_nodes_s, tell=tell)
        self._watch: asyncio.Task[None] | None = None
        self._steady = asyncio.Lock()
        """Held while no host may be moved."""
        self._owns_session = session is None
        self._before_s: dict[int, float] = {}
        self._system_s: dict[int, float] = {}
        """CPU of Ray's own processes by pid; one that has ended keeps what it was last seen with."""
        self._juries: list[RayJury] = []
        self._jury_of: dict[int, RayJury] = {}
        self._board: StatusBoard | None = None
        """Of a cluster that was joined."""

    async def usage(self) -> list[Usage]:
        """Measure this process, each actor, and the processes of Ray where they are this process's own."""
        rows = await super().usage()
        rows += [Usage(jury.name, "validator", await jury.cpu_s()) for jury in self._juries]
        if self._session.local:
            rows.append(Usage("ray", "system", self._measure_system()))
        return rows

    def publish(self, run: str, snapshot: str) -> None:
        """Put a snapshot on the board of a cluster that was joined: one of this process's own nobody else looks at."""
        if self._board is not None:
            self._board.publish(run, snapshot)

    def _members(self) -> list[Member]:
        found = [self._member("driver", "driver", os.getpid())]
        found += [self._member(server.name, "server", server.pid) for server in self.servers]
        for jury in self._juries:
            state: State = "up" if jury.pid is not None else "being made anew" if jury.placed else "starting"
            uids = [uid for uid, its in self._jury_of.items() if its is jury]
            member = self._member(jury.name, "validator", jury.pid, uids)
            found.append(replace(member, state=state, restarts=max(0, jury.placed - 1)))
        return found

    async def _looks(self) -> dict[str, ProcessUsage]:
        """Look at what runs beside this process; have each actor tell of its own."""
        servers = {server.name: server.pid for server in self.servers if server.pid}
        looks = {"driver": look_at_driver()} | await asyncio.to_thread(look_at, servers, here())
        actors = self._actors()
        told = await asyncio.gather(*(actor.look() for actor in actors))
        return looks | {actor.name: look for actor, look in zip(actors, told, strict=True) if look is not None}

    def _actors(self) -> list[Actor]:
        return [*self._juries, *(link for link in self._all_links() if isinstance(link, RayHost))]

    def _measure_system(self) -> float:
        ours = {os.getpid()}
        for pid in (*(actor.pid for actor in self._actors()), *(server.pid for server in self.servers)):
            if pid is not None:
                ours |= {pid, *trees_cpu_s(pid)}
        for pid, cpu_s in trees_cpu_s(os.getpid()).items():
            self._system_s[pid] = max(0.0, cpu_s - self._before_s.get(pid, 0.0))
        for pid in ours:  # a worker that waited may be an actor by now
            self._system_s.pop(pid, None)
        return sum(self._system_s.values())

    async def start(self) -> None:
        """Start all servers, hosts and validators, and watch from then on which machines leave."""
        await super().start()
        self._nodes.ask_no_more()
        self._watch = asyncio.create_task(self._watch_machines())

    async def close(self) -> None:
        """End everything."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait({watch})
        await super().close()

    async def bare(self, miner: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Do the work of one miner alone; no host is moved meanwhile."""
        async with self._steady:
            return await super().bare(miner, queries)

    async def paid(self, pays: Mapping[int, Pay]) -> None:
        """Tell the miners of all hosts; none is moved meanwhile."""
        async with self._steady:
            await super().paid(pays)

    async def _open(self) -> None:
        self._before_s = trees_cpu_s(os.getpid())
        await self._session.start()
        self._board = None if self._session.local else StatusBoard()
        self.plan = await self._nodes.room_for(self._planned)
        # Grading takes a core at most, and light subnets hardly that: more processes would only take memory.
        uids = sorted(self.validators)
        for number in range(min(len(uids), self.cores)):
            seated = {uid: self.validators[uid] for uid in uids[number :: self.cores]}
            jury = RayJury(f"validators-{number}", (self.subnet, seated), self._before_s, self._start_timeout_s)
            self._juries.append(jury)
            self._jury_of |= dict.fromkeys(seated, jury)
        await all_or_first_error([jury.start() for jury in self._juries])

    def _planned(self, nodes: Sequence[Node]) -> Plan:
        """Plan for the machines that there are; where more may come, for as many copies as there are to be."""
        if not self._for_cluster:
            return self.plan
        self.cores = max(1, int(sum(node.cpus for node in nodes)))
        most, beside = self._max_replicas, room(nodes, self._nodes.gpu_gb)
        if most is not None and self._nodes.wait_s:
            return plan(self.miners, lambda group, others: most, most, self._requirements)
        return plan(self.miners, beside, most, self._requirements)

    async def _watch_machines(self) -> None:
        """Move hosts and juries away from machines that leave, before these are gone."""
        async with asyncio.TaskGroup() as moves:
            while True:
                await asyncio.sleep(WATCH_S)
                try:
                    away = await asyncio.to_thread(leaving)
                except Exception as error:  # a head that does not answer now may do so later
                    logger.warning("which machines leave is not known: %s", first_words(error))
                    continue
                if any(actor.node in away for actor in self._actors()):
                    await self._leave(away, moves)

    async def _leave(self, away: Collection[str], moves: asyncio.TaskGroup) -> None:
        async with self._steady:
            for actor in self._actors():
                if isinstance(actor, RayHost) and actor.node in away and self._scheduler is not None:
                    self._scheduler.retire(actor)
        for jury in self._juries:
            if jury.node is not None and jury.node in away:
                moves.create_task(jury.leave(jury.node))

    async def _shut(self) -> None:
        for jury in self._juries:
            await jury.end()
        with suppress(Exception):  # the cluster may be gone, and what is left there says so
            self._nodes.ask_no_more()
            if self._board is not None:
                await asyncio.to_thread(self._board.clear)
        if self._owns_session:
            await self._session.close()

    def _link(self, group: Group, number: int) -> HostLink:
        return RayHost(group, number, self._before_s, self._start_timeout_s, self._nodes)

    async def _pack(self, query: Query) -> Any:
        import ray

        return ray.put(query)

    async def _prepare(self, validator: int, number: int, stakes: Mapping[int, float], caller: Caller) -> Any:
        return await self._ask(validator, "prepare", number, stakes, caller)

    async def _grade(self, validator: int, task: Task, responses: Sequence[Response]) -> Any:
        return await self._ask(validator, "grade", task, responses)

    async def _ask(self, validator: int, method: str, *arguments: Any) -> Any:
        return await self._jury_of[validator].ask(method, validator, *arguments, restarts=self._max_restarts)
