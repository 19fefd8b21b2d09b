"""The resources that a session's processes use, from one epoch to the next."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Self

from cluster import Pool
from lab.record.entries import MachineUse
from subnets import Cost
from subnets.cost import process_cpu_s


class UseMeter:
    """Meters all processes of a session; each reading starts where the last one ended."""

    def __init__(self, pool: Pool, session: int, cpu_s: dict[str, float]) -> None:
        self._pool = pool
        self._session = session
        self._cpu_s = cpu_s
        self._wall = time.perf_counter()
        # Everything before this was setting up: the imports of this process and the start of all others.
        self._setup_cpu_s = process_cpu_s() + _outside(cpu_s)

    @classmethod
    async def begin(cls, pool: Pool, session: int) -> Self:
        """Start metering a pool that has just started."""
        return cls(pool, session, await cpu_s_by_role(pool))

    async def follow(self, pool: Pool) -> None:
        """Go on metering with another pool that has just started; its start counts as setting up."""
        cpu_s = await cpu_s_by_role(pool)
        self._setup_cpu_s += _outside(cpu_s)
        driver_s = self._cpu_s.get("driver", 0.0)
        self._pool, self._cpu_s = pool, cpu_s | {"driver": min(driver_s, cpu_s.get("driver", 0.0))}

    async def read(self, consensus: Cost, bookkeeping: Cost) -> MachineUse:
        """Return the use since the last reading, including costs that the caller metered."""
        cpu_s, wall = await cpu_s_by_role(self._pool), time.perf_counter()
        use = MachineUse(
            session=self._session,
            wall_s=wall - self._wall,
            cores=self._pool.cores,
            setup_cpu_s=self._setup_cpu_s,
            cpu_s={role: used - self._cpu_s.get(role, 0.0) for role, used in cpu_s.items()},
            consensus=consensus,
            bookkeeping=bookkeeping,
        )
        self._cpu_s, self._wall, self._setup_cpu_s = cpu_s, wall, 0.0
        return use


async def cpu_s_by_role(pool: Pool) -> dict[str, float]:
    """Return the CPU seconds that a pool's processes have used so far, by role."""
    total: defaultdict[str, float] = defaultdict(float)
    for process in await pool.usage():
        total[process.role] += process.cpu_s
    return dict(total)


def _outside(cpu_s: Mapping[str, float]) -> float:
    """Return the CPU seconds of all processes but this one."""
    return sum(used for role, used in cpu_s.items() if role != "driver")
