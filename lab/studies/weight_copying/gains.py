"""Gains of a validator that copies the others' last visible consensus instead of working.

    data = weight_copying(CopyingConfig())
    data.rows[0].gain.text()

Honest validators grade miners whose quality drifts; a copier submits the consensus that was stored 1 + concealment
epochs ago. The gain G is the copier's dividends per stake over the honest median: above 1, copying pays better than
working; below 0.82, it pays less than delegating to a validator that takes 18 %.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consensus import Rows
from lab.statistics import Estimate, mean
from lab.statistics.interval import skewed_t_test
from lab.statistics.paired import holm
from lab.studies.payout import SimulatedSubnets, stored_weights

from .config import CopyingConfig

Floats = NDArray[np.float64]
ALPHA = 0.05
"""Chance of any false claim that copying pays, in a whole study."""


@dataclass(frozen=True, slots=True)
class CopyingRow:
    """One cell of the table."""

    variant: str
    churn: float
    concealment: int
    gain: Estimate
    """G: mean over seeds with its 95 % interval."""
    pays: bool
    """True if the gain is significantly above 1 among all cells of the study."""


@dataclass(frozen=True, slots=True, eq=False)
class CopyingData:
    """Results of the study."""

    config: CopyingConfig
    gains: Floats
    """(churns, seeds, variants, concealments)"""
    rows: tuple[CopyingRow, ...]
    epochs: int


def weight_copying(
    config: CopyingConfig | None = None, progress: Callable[[int, int], None] = lambda done, total: None
) -> CopyingData:
    """Simulate the whole table; `progress` receives the epochs done and in total, with all cases of an epoch as one."""
    config = config or CopyingConfig()
    gains = np.zeros((len(config.churns), config.seeds, len(config.variants), len(config.concealments)))
    cases = len(config.variants) * len(config.concealments)
    total = len(config.churns) * config.seeds * config.epochs
    for i, churn in enumerate(config.churns):
        for seed in range(config.seeds):
            gains[i, seed] = copier_gains(config, churn, seed)
            progress((i * config.seeds + seed + 1) * config.epochs, total)
    cells = [
        (variant.name, churn, concealment, gains[i, :, v, c])
        for i, churn in enumerate(config.churns)
        for v, variant in enumerate(config.variants)
        for c, concealment in enumerate(config.concealments)
    ]
    p_values = holm([skewed_t_test(cell - 1) for *_, cell in cells])
    rows = tuple(
        CopyingRow(name, churn, concealment, mean(cell.tolist()), bool(cell.mean() > 1 and (p_value or 0.0) <= ALPHA))
        for (name, churn, concealment, cell), p_value in zip(cells, p_values, strict=True)
    )
    return CopyingData(config, gains, rows, total * cases)


def copier_gains(config: CopyingConfig, churn: float, seed: int) -> Floats:
    """Return G (variants, concealments) in one world."""
    rng = np.random.default_rng(np.random.SeedSequence([2024, seed]))
    honest, miners = config.honest_validators, config.miners
    validators = honest + 1
    neurons = validators + miners
    delays = np.tile(np.array(config.concealments), len(config.variants))
    params = [
        replace(variant.params, max_allowed_validators=validators)
        for variant in config.variants
        for _ in config.concealments
    ]
    cases = len(params)
    stake = np.zeros(neurons)
    stake[:honest] = np.maximum(0.05, rng.normal(1.0, 0.3, honest))
    stake[:honest] *= (1 - config.copier_stake) / stake[:honest].sum()
    stake[honest] = config.copier_stake
    quality = rng.exponential(size=miners)
    subnets = SimulatedSubnets(np.broadcast_to(np.rint(stake * 1e15).astype(np.int64), (cases, neurons)), params)
    consensus: list[NDArray[np.int64]] = []
    dividends = np.zeros((cases, neurons))
    weights = np.zeros((cases, validators, miners), np.uint16)
    for epoch in range(config.epochs):
        grades = quality * np.exp(config.grade_noise * rng.standard_normal((validators, miners)))
        weights[:] = stored_weights(grades)
        if consensus:
            # The copier grades the first epoch itself, and copies that epoch until its concealment has passed.
            visible = np.maximum(epoch - 1 - delays, 0)
            weights[:, honest] = stored_weights(np.stack([consensus[at][case] for case, at in enumerate(visible)]))
        paid = subnets.pay(_with_zeros(weights, neurons))
        consensus.append(subnets.consensus[:, validators:])
        if epoch >= config.epochs - config.measured_epochs:
            dividends += paid.dividends
        quality = quality * np.exp(churn * rng.standard_normal(miners))
    per_stake = dividends[:, :validators] / stake[:validators]
    gains: Floats = per_stake[:, honest] / np.median(per_stake[:, :honest], axis=1)
    return gains.reshape(len(config.variants), len(config.concealments))


def _with_zeros(weights: NDArray[np.uint16], neurons: int) -> Rows:
    """Store every cell of (cases, validators, miners), zeros included, as a validator's own row would."""
    cases, validators, miners = weights.shape
    counts = np.zeros((cases, neurons), np.int64)
    counts[:, :validators] = miners
    columns = np.broadcast_to(np.arange(validators, neurons, dtype=np.uint16), weights.shape)
    return Rows(np.concatenate(([0], np.cumsum(counts))), columns.reshape(-1).copy(), weights.reshape(-1).copy())
