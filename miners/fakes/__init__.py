"""Miners with known behaviour, for tests and calibration."""

from .fakes import Crashing, Echo, Gone, Silent, Slow
from .noisy import Noisy

__all__ = ["Crashing", "Echo", "Gone", "Noisy", "Silent", "Slow"]
