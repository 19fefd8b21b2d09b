"""Normalisation of raw model outputs, without a running mean, so that a recorded answer gets the same score again."""

from __future__ import annotations

import math


def logistic(raw: float, centre: float, scale: float) -> float:
    """Map a raw output to (0, 1): 0.5 at `centre`, 0.73 one `scale` above it."""
    return 0.5 * (1.0 + math.tanh((raw - centre) / (2.0 * scale)))
