"""Miners with known behaviour, for tests and calibration."""

from .fakes import Crashing, Echo, Silent, Slow
from .noisy import Noisy

__all__ = ["Crashing", "Echo", "Noisy", "Silent", "Slow"]
