"""A pool whose miners run on hosts: what all pools of this room have in common.

The plan says which hosts there are, links reach them, and the scheduler decides who is asked when.
"""

from __future__ import annotations

import asyncio
import logging
import os
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from cluster.hosts.engine_supervisor import close_all
from cluster.hosts.host_link import START_TIMEOUT_S, HostLink
from cluster.hosts.pay_notices import PayNotices
from cluster.hosts.validator_worker import Failure
from cluster.scheduling.host_group import HostGroup, HostSlot
from cluster.scheduling.scheduler import Scheduler
from cluster.servers.server import Server
from miners import Miner, Pay
from subnets import Caller, Cost, Query, Response, Task
from subnets.subnet import Subnet
from validators import Assignment, Grades, Validator, WindowGrades

from .answered_round import AnsweredRound
from .cpu import process_cpu_s
from .errors import HostDied, PoolError
from .plan import Group, plan
from .pool import Pool, Usage
from .requirements import Requirements
from .status import (
    GroupStatus,
    Member,
    PoolStatus,
    ProcessUsage,
    Role,
    State,
    UsageSampler,
    machine_name,
    measure_driver,
    measure_processes,
)

logger = logging.getLogger(__name__)


CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Share of the machine's cores that a container may use."""


def available_cores() -> int:
    """Return how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # "max" without a bound
        quota_us, period_us = map(int, CGROUP_QUOTA.read_text(encoding="ascii").split())
        return max(1, min(cores, quota_us // period_us))
    return cores


class HostPool(Pool):
    """Base of the pools that place hosts."""

    _max_ahead = 0
    """Maximum number of queries that a host with one slot keeps in a queue of its own; 0 if the links can't do that."""

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
        requirements: Mapping[int, Requirements] | None = None,
        isolate: bool = False,
    ) -> None:
        """Plan for `cores` (default: all available) with at most `max_replicas` hosts for replicable engines.

        `max_restarts` bounds the attempts to restart a host that died. `servers` are started before all hosts.
        `isolate` keeps light miners of foreign classes on hosts of their own, and their `priority` uncalled.
        """
        super().__init__(subnet, miners, validators)
        self.cores = cores or available_cores()
        self.plan = plan(self.miners, self.cores, max_replicas, requirements, isolate=isolate)
        self.servers = tuple(servers)
        self._isolate = isolate
        self._max_restarts = max_restarts
        self._start_timeout_s = start_timeout_s
        self._links: dict[str, list[HostLink]] = {}
        """The hosts of each group."""
        self._scheduler: Scheduler | None = None
        self._pay_notices = PayNotices(uid for uid, miner in self.miners.items() if miner.learns)
        self._cpu_before_s = 0.0
        self._opened: set[str] = set()
        """Names of the hosts that have started at least once."""
        self._engine_kinds: dict[str, tuple[str, ...]] = {}
        """Kinds of engines of each group, filled in on first use."""
        self._sampler = UsageSampler()

    async def _open(self) -> None:  # noqa: B027  most pools have nothing to do before their hosts
        """Prepare what hosts and validators need."""

    async def _shut(self) -> None:  # noqa: B027
        """Undo `_open`, after the hosts have ended."""

    @abstractmethod
    def _link(self, group: Group, number: int) -> HostLink:
        """Make the link to a host of a group, not started yet."""

    @abstractmethod
    async def _pack(self, query: Query) -> Any:
        """Pack a query, once, for all the hosts that it goes to."""

    @abstractmethod
    async def _prepare(self, validator: int, number: int, stakes: Mapping[int, float], caller: Caller) -> Any:
        """Have the validator's worker prepare a round."""

    @abstractmethod
    async def _grade(self, validator: int, task: Task, responses: Sequence[Response]) -> Any:
        """Have the validator's worker grade a round."""

    @abstractmethod
    async def _grade_window(self, validator: int, rounds: Sequence[AnsweredRound], last: int) -> Any:
        """Have the validator's worker grade the last rounds of a window."""

    async def start(self) -> None:
        """Start all servers at once, then all hosts."""
        self._cpu_before_s = process_cpu_s()
        await all_or_first_error([server.start() for server in self.servers])
        await self._open()
        self._links = {
            group.name: [self._link(group, number) for number in range(group.hosts)] for group in self.plan.groups
        }
        await all_or_first_error([self._start(link) for link in self._all_links()])
        self._scheduler = Scheduler(
            self.plan,
            self._links,
            start=self._start,
            max_restarts=self._max_restarts,
            reopening_s=self._start_timeout_s,
            max_ahead=self._max_ahead,
            isolate=self._isolate,
        )

    async def close(self) -> None:
        """End the hosts, then the servers: all of them, whatever fails or is cancelled meanwhile."""
        scheduler, self._scheduler = self._scheduler, None
        async with AsyncExitStack() as ends:  # runs them in reverse order
            ends.push_async_callback(self._shut)
            ends.push_async_callback(close_all, self.servers)
            ends.push_async_callback(close_all, self._all_links())
            ends.push_async_callback(close_all, () if scheduler is None else (scheduler,))

    async def prepare(self, validator: int, number: int, stakes: Mapping[int, float], caller: Caller) -> Assignment:
        """Have a validator make the task of a round and choose its miners; raises PoolError if it fails."""
        self._check(validator)
        assignment = await self._prepare(validator, number, stakes, caller)
        if isinstance(assignment, Failure):
            raise PoolError(assignment.reason)
        assert isinstance(assignment, Assignment)
        return assignment

    async def grade(self, validator: int, task: Task, responses: Sequence[Response]) -> Grades:
        """Have a validator grade the responses of a round; raises PoolError if it fails."""
        self._check(validator)
        grades = await self._grade(validator, task, responses)
        if isinstance(grades, Failure):
            raise PoolError(grades.reason)
        assert isinstance(grades, Grades)
        return grades

    async def grade_window(self, validator: int, rounds: Sequence[AnsweredRound], last: int) -> WindowGrades:
        """Have a validator grade the last rounds of a window; raises PoolError if it fails."""
        self._check(validator)
        grades = await self._grade_window(validator, rounds, last)
        if isinstance(grades, Failure):
            raise PoolError(grades.reason)
        assert isinstance(grades, WindowGrades)
        return grades

    async def query(self, query: Query, uids: Sequence[int], *, deadline_s: float | None = None) -> list[Response]:
        """Ask each miner once; return one response for each uid, in order, within one deadline for all."""
        scheduler = self._started()
        responses = await scheduler.query(query, uids, await self._pack(query), deadline_s)
        for server in self.servers:
            server.check()  # no miner is to blame for a server of ours that ended
        return responses

    async def baseline(self, miner: int, queries: Sequence[Query]) -> list[Cost | None]:
        """Run one miner alone, its queries dealt out to all hosts of its group, and return what each query costs.

        Call it only while no query runs, as a host measures everything that it does. None stands for a query of a
        host that died.
        """
        await self._started().settle()
        for group in self.plan.groups:
            if miner in group.miners:
                links = self._links[group.name]
                shares = [queries[place :: len(links)] for place in range(len(links))]
                costs = await asyncio.gather(
                    *(baseline_or_none(link, miner, share) for link, share in zip(links, shares, strict=True))
                )
                return [costs[place % len(links)][place // len(links)] for place in range(len(queries))]
        raise PoolError(f"no miner has uid {miner}; known: {', '.join(map(str, sorted(self.miners)))}")

    async def paid(self, pays: Mapping[int, Pay]) -> None:
        """Notify the miners on all hosts. `self.miners` are not notified: these copies serve no query."""
        links: list[HostLink] = []
        if self._scheduler is not None:
            await self._scheduler.settle(queries=False)  # a host that restarts now gets the notice when it starts
            groups = self._scheduler.host_groups().values()
            links = [slot.link for host_group in groups for slot in host_group.slots]
        self._pay_notices.add(pays)
        notices = [self._pay_notices.notify_last(link, self._uids(link)) for link in links]
        for error in await asyncio.gather(*notices, return_exceptions=True):
            if isinstance(error, PoolError):
                logger.warning("%s; the next query tries again", error)
            elif isinstance(error, BaseException):
                raise error

    async def usage(self) -> list[Usage]:
        """Measure the processes of the pool."""
        rows = [Usage("driver", "driver", process_cpu_s() - self._cpu_before_s)]
        links = self._all_links()
        for link, cpu_s in zip(links, await asyncio.gather(*(link.cpu_s() for link in links)), strict=True):
            if cpu_s is not None:
                rows.append(Usage(link.name, "host", cpu_s))
        return rows + [Usage(server.name, "server", server.cpu_s()) for server in self.servers]

    async def status(self) -> PoolStatus:
        """Return where each process runs and how busy it is; they are measured every few seconds."""
        await self._sampler.refresh(self._measure)
        host_groups = {} if self._scheduler is None else self._scheduler.host_groups()
        groups = [
            GroupStatus(
                group.name,
                tuple(group.miners),
                self._kinds(group),
                host_groups[group.name].queued if host_groups else 0,
            )
            for group in self.plan.groups
        ]
        return PoolStatus((*self._members(), *self._hosts(host_groups)), tuple(groups))

    @abstractmethod
    def _members(self) -> list[Member]:
        """Return all members that are not hosts."""

    def _member(self, name: str, role: Role, pid: int | None, validators: Collection[int] = ()) -> Member:
        return Member(name, role, "up", validators=tuple(validators), pid=pid, **self._sampler.fields(name))

    def _hosts(self, host_groups: Mapping[str, HostGroup]) -> list[Member]:
        members = []
        for group in self.plan.groups:
            slots = {slot.link.name: slot for slot in host_groups[group.name].slots} if host_groups else {}
            for link in self._links.get(group.name, ()):
                slot = slots.get(link.name)
                member = Member(
                    link.name,
                    "host",
                    self._state(link, slot),
                    group.name,
                    pid=link.pid,
                    in_flight=min(group.slots, group.slots - slot.free) if slot is not None else 0,
                    slots=group.slots,
                    restarts=slot.restarts if slot is not None else 0,
                    **self._sampler.fields(link.name),
                )
                members.append(member)
        return members

    def _state(self, link: HostLink, slot: HostSlot | None) -> State:
        if slot is not None:
            return slot.state
        if self._scheduler is not None:
            return "given up"
        return "up" if link.name in self._opened else "starting"

    def _kinds(self, group: Group) -> tuple[str, ...]:
        if group.name not in self._engine_kinds:
            engines = [engine for miner in group.miners.values() for engine in miner.engines()]
            self._engine_kinds[group.name] = tuple(sorted({type(engine).__name__.lower() for engine in engines}))
        return self._engine_kinds[group.name]

    async def _measure(self) -> dict[str, ProcessUsage]:
        """Measure the pool's processes on this machine; return their usage by member name."""
        processes = {link.name: link.pid for link in self._all_links()}
        processes |= {server.name: server.pid for server in self.servers}
        others = {name: pid for name, pid in processes.items() if pid is not None and pid != os.getpid()}
        usage = await asyncio.to_thread(measure_processes, others, machine_name())
        return {"driver": measure_driver()} | usage

    async def _start(self, link: HostLink) -> None:
        await self._pay_notices.start(link, self._uids(link))
        self._opened.add(link.name)

    def _uids(self, link: HostLink) -> Collection[int]:
        return next(group.miners for group in self.plan.groups if link in self._links[group.name])

    def _all_links(self) -> list[HostLink]:
        return [link for links in self._links.values() for link in links]

    def _started(self) -> Scheduler:
        if self._scheduler is None:
            raise PoolError("the pool is not started; use it as `async with pool:`")
        return self._scheduler

    def _check(self, validator: int) -> None:
        self._started()
        if validator not in self.validators:
            raise PoolError(f"no validator has uid {validator}; known: {', '.join(map(str, sorted(self.validators)))}")


async def baseline_or_none(link: HostLink, miner: int, queries: Sequence[Query]) -> list[Cost | None]:
    """Run a miner alone on one host; return None for each query if the host dies."""
    try:
        return [*await link.baseline(miner, queries)] if queries else []
    except HostDied as error:
        logger.warning("miner %d alone: %s", miner, error)
        return [None] * len(queries)


async def all_or_first_error(works: Sequence[Any]) -> None:
    """Await all; if one fails, cancel the others and raise its error."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
