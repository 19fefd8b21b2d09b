"""Windows of usage: the usage of an engine in other processes between two of its steps.

The engine's answers arrive token by token. Tokens that arrive in one turn of the event loop come from one step and
close a window: the clocks are read, and the difference is split among the requests of that step.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from inference.clock import processes_cpu_s
from subnets import Cost

from .attribution import Attribution, Work
from .power import EnergyCounter


class WindowBill:
    """Reads the engine's clocks and charges the usage between two readings."""

    def __init__(self, pids: tuple[int, ...], gpus: list[int], gpu_share: float) -> None:
        self.attribution = Attribution()
        self._pids, self._energy, self._gpu_share = pids, EnergyCounter(gpus), gpu_share
        self._works: list[Work] = []
        self._window: asyncio.Future[None] | None = None
        self._running = 0
        self._last = self._now()

    def begin(self) -> None:
        """Start a request; usage while there was none is idle."""
        if not self._running:
            self._charge([])
        self._running += 1

    def end(self) -> None:
        """End a request, however it ended."""
        self._running -= 1

    def add(self, work: Work) -> None:
        """Add work done for a request; the window closes when all work of the same step has been added."""
        self._works.append(work)
        if self._window is None:
            loop = asyncio.get_running_loop()
            self._window = loop.create_future()
            loop.call_soon(self._close)

    async def settled(self) -> None:
        """Wait until all work so far is charged."""
        if self._window is not None:
            await asyncio.shield(self._window)

    def forget(self) -> None:
        """Count all usage so far as idle, because it belongs to no request."""
        self.attribution.idle += self.attribution.charged
        self.attribution.charged = Cost()

    def _close(self) -> None:
        works, self._works = self._works, []
        window, self._window = self._window, None
        self._charge(works)
        if window is not None and not window.done():
            window.set_result(None)

    def _now(self) -> Cost:
        return Cost(cpu_s=processes_cpu_s(self._pids), wall_s=time.perf_counter(), energy_j=self._energy.energy_j())

    def _charge(self, works: list[Work]) -> None:
        now = self._now()
        used, self._last = now - self._last, now
        gpu_s = used.wall_s * self._gpu_share if works else 0.0
        self.attribution.charge(replace(used, cpu_s=max(0.0, used.cpu_s), wall_s=0.0, gpu_s=gpu_s), works)
