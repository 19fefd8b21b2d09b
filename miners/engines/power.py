"""Energy of GPUs by their own counter (NVML), if they have one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
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
