"""Energy of GPUs by their own counter (NVML), if they have one."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


class EnergyCounter:
    """Counts the joules of some GPUs since it was created; always 0.0 without a counter."""

    def __init__(self, gpus: Sequence[int]) -> None:
        """Find the counters of the GPUs with these NVML indices."""
        self._handles: list[Any] = []
        if not gpus:
            return
        try:
            import pynvml

            pynvml.nvmlInit()
            handles = [pynvml.nvmlDeviceGetHandleByIndex(gpu) for gpu in gpus]
            for handle in handles:
                pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
            self._handles = handles
        except Exception as error:  # not installed, no driver, or a GPU without a counter: NVML's own tree of errors
            logger.info("no energy counter: %s", error)
        self._started = self._total_j()

    def energy_j(self) -> float:
        """Return the joules so far."""
        return self._total_j() - self._started if self._handles else 0.0

    def _total_j(self) -> float:
        if not self._handles:
            return 0.0
        import pynvml

        return sum(float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) for handle in self._handles) / 1000.0


def visible_gpus(count: int, visible: str | None) -> list[int]:
    """Return the NVML indices of this process's first GPUs by CUDA_VISIBLE_DEVICES; empty if it has names."""
    if visible is None:
        return list(range(count))
    names = [name.strip() for name in visible.split(",") if name.strip()][:count]
    return [int(name) for name in names] if all(name.isdigit() for name in names) else []


def gpu_here() -> bool:
    """Return True if this process may use a GPU of this machine, without loading a driver."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return any(Path("/dev").glob("nvidia[0-9]*"))
