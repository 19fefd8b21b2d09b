"""The local pool: no cluster, no network, the same scores.

Hosts that need a core have a child process each, so that their use can be metered. Miners that need none run in this
process, unless foreign ones are isolated, and so do the validators, whose work runs in threads.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import ceil
from typing import Any, TypeVar

from cluster.answered_round import AnsweredRound
from cluster.errors import PoolError
from cluster.host_pool import HostPool
from cluster.hosts.host_link import START_TIMEOUT_S, HostLink, InProcess, PackedQuery
from cluster.hosts.validator_worker import ValidatorWorker
from cluster.plan import Group
from cluster.pool import Usage
from cluster.servers.server import Server
from cluster.status import Member, ProcessUsage, measure_gpus
from inference.device import visible_gpus
from miners import Miner
from subnets import Caller, Query, Response, Task
from subnets.subnet import Subnet
from validators import Validator

from .process import ChildProcess

T = TypeVar("T")


class LocalPool(HostPool):
    """A pool on the cores of one machine."""

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
        isolate: bool = False,
        processes: bool = True,
    ) -> None:
        """Plan as any `HostPool`; without `processes` every host runs in this process, for quick tests.

        `isolate` gives light miners of classes that are not this project's own a process for each such class.
        `start_timeout_s` bounds the start of each host, with its process and its engines, and how long queries wait
        for an engine that died to open again.
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
            isolate=isolate,
        )
        hosts = [name for group in self.plan.groups if group.gpus for name in group.host_names()]
        if len(hosts) > 1:
            raise PoolError(
                f"{' and '.join(hosts)} would share GPU 0: a local pool gives each host the whole machine; leave out "
                'pool.kind = "local", and each host is given GPUs of its own'
            )
        self._processes = processes
        self._worker = None if self.subnet is None else ValidatorWorker(self.subnet, self.validators)
        self._threads: ThreadPoolExecutor | None = None

    async def usage(self) -> list[Usage]:
        """Measure this process, with the validators and light miners in it, each child and each server."""
        driver, *others = await super().usage()
        # Once children have ended, their use counts as this process's too.
        ended_s = sum(link.ended_cpu_s for link in self._all_links() if isinstance(link, ChildProcess))
        return [replace(driver, cpu_s=driver.cpu_s - ended_s), *others]

    def _members(self) -> list[Member]:
        servers = [self._member(server.name, "server", server.pid) for server in self.servers]
        return [self._member("driver", "driver", os.getpid(), self.validators), *servers]

    async def _measure(self) -> dict[str, ProcessUsage]:
        usage = await super()._measure()
        for group in self.plan.groups:
            if group.gpus:
                visible = visible_gpus(ceil(group.gpus), os.environ.get("CUDA_VISIBLE_DEVICES"))
                gpus = await asyncio.to_thread(measure_gpus, visible)
                names = {link.name for link in self._links.get(group.name, ())}
                usage |= {name: replace(usage[name], gpus=gpus) for name in names & usage.keys()}
        return usage

    async def _open(self) -> None:
        self._threads = ThreadPoolExecutor(self.cores, thread_name_prefix="validators")
        if self._worker is not None:
            await self._in_thread(self._worker.warm)

    async def _shut(self) -> None:
        """End the threads, once their validators have finished."""
        if self._threads is not None:
            threads, self._threads = self._threads, None
            await asyncio.to_thread(threads.shutdown)

    def _link(self, group: Group, number: int) -> HostLink:
        if not self._processes or (group.light and not group.isolated):
            return InProcess(group, number)
        return ChildProcess(group, number, start_timeout_s=self._start_timeout_s)

    async def _pack(self, query: Query) -> Any:
        return PackedQuery(query)

    async def _prepare(self, validator: int, number: int, stakes: Mapping[int, float], caller: Caller) -> Any:
        assert self._worker is not None
        worker = self._worker
        return await self._in_thread(lambda: worker.prepare(validator, number, stakes, caller))

    async def _grade(self, validator: int, task: Task, responses: Sequence[Response]) -> Any:
        assert self._worker is not None
        worker = self._worker
        return await self._in_thread(lambda: worker.grade(validator, task, responses))

    async def _grade_window(self, validator: int, rounds: Sequence[AnsweredRound], last: int) -> Any:
        assert self._worker is not None
        worker = self._worker
        return await self._in_thread(lambda: worker.grade_window(validator, rounds, last))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
