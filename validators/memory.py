"""Memory: running means of scores that notice when what they measure has changed.

    memory = Memory((miners,), cap=240.0, alarm=5.0)
    memory.observe(values, asked)
    memory.means, memory.counts

Each place keeps a sum s and a count n, capped so that old scores fade: n > C: s <- sC/n, n <- C. Its mean s/n is not
drawn towards 0 at the start. Two cumulative sums (CUSUM, Page 1954) of the log-likelihood ratios of the mean raised and
lowered by `SHIFT` against the mean itself look for a change. The ratios are those of a coin, x log(q/m) + (1 - x)
log((1 - q)/(1 - m)): a likelihood ratio is convex in x, so scores between 0 and 1 give no more false alarms than coins
do. At the alarm only the last `KEPT` scores are kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHIFT = 0.2
"""Change of a mean that the sums look for."""
KEPT = 6
"""Scores that are kept at an alarm: those that raised it are mostly of the new mean."""
CLOSEST = 0.02
"""How close to 0 and 1 a mean may come in a likelihood ratio, which is infinite there."""


class Memory:
    """Running means of any shape, each observed by itself."""

    def __init__(self, shape: tuple[int, ...], *, cap: float, alarm: float) -> None:
        """Start empty: a mean remembers at most `cap` scores, and a sum of `alarm` counts as a change."""
        self._cap, self._alarm = cap, alarm
        self._sums = np.zeros(shape)
        self.counts = np.zeros(shape)
        """Observations that each mean stands on; at most the cap."""
        self._rise = np.zeros(shape)
        self._fall = np.zeros(shape)
        self._latest = np.zeros((KEPT, *shape))
        """The latest scores; the newest come last."""
        self._held = np.zeros(shape)
        """How many of the latest scores there are."""

    @property
    def means(self) -> Floats:
        """Mean of each place; NaN before its first observation."""
        unknown = np.full(self._sums.shape, np.nan)
        return np.asarray(np.divide(self._sums, self.counts, out=unknown, where=self.counts > 0))

    def observe(self, values: Floats, observed: NDArray[np.bool_]) -> None:
        """Take in one value for each place where `observed`; the other values are ignored."""
        values = np.where(observed, values, 0.0)
        known = observed & (self.counts > 0)
        mean = np.divide(self._sums, self.counts, out=np.full(values.shape, 0.5), where=known)
        mean = np.clip(mean, CLOSEST, 1 - CLOSEST)
        self._rise = _advanced(self._rise, values, mean, np.minimum(mean + SHIFT, 1 - CLOSEST / 2), known)
        self._fall = _advanced(self._fall, values, mean, np.maximum(mean - SHIFT, CLOSEST / 2), known)
        self._sums += values
        self.counts += observed
        self._latest = np.where(observed, np.concatenate([self._latest[1:], values[None]]), self._latest)
        self._held = np.minimum(self._held + observed, KEPT)
        changed = observed & (np.maximum(self._rise, self._fall) >= self._alarm)
        if changed.any():
            self._sums = np.where(changed, self._latest.sum(axis=0), self._sums)
            self.counts = np.where(changed, self._held, self.counts)
            self._rise[changed] = self._fall[changed] = 0.0
        shrunk = self._cap / np.maximum(self.counts, self._cap)
        self._sums *= shrunk
        self.counts *= shrunk

    def forget(self, place: int) -> None:
        """Forget everything about one place of the last axis."""
        for array in (self._sums, self.counts, self._rise, self._fall, self._latest, self._held):
            array[..., place] = 0.0

    def grow(self, size: int) -> None:
        """Make room for at least `size` places on the last axis."""
        missing = size - self.counts.shape[-1]
        if missing > 0:
            for name in ("_sums", "counts", "_rise", "_fall", "_latest", "_held"):
                array = getattr(self, name)
                edges = [(0, 0)] * (array.ndim - 1) + [(0, missing)]
                setattr(self, name, np.pad(array, edges))


def _advanced(total: Floats, values: Floats, mean: Floats, shifted: Floats, observed: NDArray[np.bool_]) -> Floats:
    ratio = values * np.log(shifted / mean) + (1.0 - values) * np.log((1.0 - shifted) / (1.0 - mean))
    return np.where(observed, np.maximum(total + ratio, 0.0), total)
