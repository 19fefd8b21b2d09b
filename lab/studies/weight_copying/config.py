"""What a validator earns that copies the others' last visible consensus instead of working.

    data = weight_copying(CopyingConfig())
    plot(data).savefig("weight_copying.svg")

Honest validators grade miners whose quality drifts; a copier submits the consensus that was stored
1 + concealment epochs ago. G is the copier's dividends per stake over the honest median: above 1
copying pays better than working, below 0.82 worse than delegating to a validator that takes 18 %.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from consensus import Batch, Rows, YumaParams
from consensus.yuma.batch import run_batch
from lab.statistics import Estimate, mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
DELEGATE_TAKE = 0.18


@dataclass(frozen=True, slots=True)
class Variant:
    """One set of rules."""

    name: str
    params: YumaParams


def variants() -> tuple[Variant, ...]:
    """The versions and bond speeds that subnets run, and penalty 0 beside penalty 1."""
    slow, fast = 975_000, 900_000
    wide = YumaParams(version="yuma3", liquid_alpha=True, alpha_low=6553, alpha_high=58982)
    return (
        Variant("yuma1", YumaParams(version="yuma1", bonds_moving_average=fast)),
        Variant("yuma1, slow bonds", YumaParams(version="yuma1", bonds_moving_average=slow)),
        Variant("liquid alpha v1 .7/.9", YumaParams(version="liquid_alpha_v1", liquid_alpha=True)),
        Variant("yuma3", YumaParams(version="yuma3", bonds_moving_average=fast)),
        Variant("yuma3, slow bonds", YumaParams(version="yuma3", bonds_moving_average=slow)),
        Variant("yuma3, liquid .7/.9", YumaParams(version="yuma3", liquid_alpha=True)),
        Variant("yuma3, liquid .1/.9", wide),
        Variant("yuma3, liquid .1/.9, penalty 0", replace(wide, bonds_penalty=0)),
    )


@dataclass(frozen=True, slots=True)
class CopyingConfig:
    """The world and the table; every row of the table sees the same miners and the same honest grades."""

    concealments: tuple[int, ...] = (0, 1, 3, 5, 10, 20)
    """Epochs that weights stay hidden; 0 shows the consensus of the epoch before."""
    churns: tuple[float, ...] = (0.05, 0.15, 0.4)
    """Standard deviation of a miner's log quality from one epoch to the next."""
    variants: tuple[Variant, ...] = field(default_factory=variants)
    seeds: int = 16
    honest_validators: int = 15
    miners: int = 48
    copier_stake: float = 0.05
    grade_noise: float = 0.2
    """Standard deviation of an honest validator's log error on one miner in one epoch."""
    epochs: int = 80
    """Qualities drift apart without end, so a longer study is one of a more unequal subnet."""
    measured_epochs: int = 40
    """The last ones, over which dividends are summed."""


@dataclass(frozen=True, slots=True)
class CopyingRow:
    """One cell of the table."""

    variant: str
    churn: float
    concealment: int
    gain: Estimate
    """G: mean over seeds with its 95 % interval."""


@dataclass(frozen=True, slots=True, eq=False)
class CopyingData:
    """Everything the study found."""

    config: CopyingConfig
    gains: Floats
    """(churns, seeds, variants, concealments)"""
    rows: tuple[CopyingRow, ...]
    epochs: int


def weight_copying(config: CopyingConfig | None = None, *, progress: Progress | None = None) -> CopyingData:
    """Run the whole table; `progress` hears (epochs done, epochs of all) once for each epoch of all cases."""
    config = config or CopyingConfig()
    gains = np.zeros((len(config.churns), config.seeds, len(config.variants), len(config.concealments)))
    cases = len(config.variants) * len(config.concealments)
    total = len(config.churns) * config.seeds * config.epochs
    for i, churn in enumerate(config.churns):
        for seed in range(config.seeds):
            gains[i, seed] = copier_gains(config, churn, seed)
            if progress is not None:
                progress((i * config.seeds + seed + 1) * config.epochs, total)
    rows = tuple(
        CopyingRow(variant.name, churn, concealment, mean(gains[i, :, v, c].tolist()))
        for i, churn in enumerate(config.churns)
        for v, variant in enumerate(config.variants)
        for c, concealment in enumerate(config.concealments)
    )
    return CopyingData(config, gains, rows, total * cases)


def copier_gains(config: CopyingConfig, churn: float, seed: int) -> Floats:
    """(variants, concealments) G in one world."""
    rng = np.random.default_rng(np.random.SeedSequence([2024, seed]))
    honest, miners = config.honest_validators, config.miners
    validators = honest + 1
    n = validators + miners
    delays = np.tile(np.array(config.concealments), len(config.variants))
    table = [variant.params for variant in config.variants for _ in config.concealments]
    table = [replace(params, max_allowed_validators=validators) for params in table]
    cases = len(table)
    stake = np.zeros(n)
    stake[:honest] = np.maximum(0.05, rng.normal(1.0, 0.3, honest))
    stake[:honest] *= (1 - config.copier_stake) / stake[:honest].sum()
    stake[honest] = config.copier_stake
    quality = rng.exponential(size=miners)
    batch = Batch.from_dense(
        stake=np.broadcast_to(np.rint(stake * 1e15).astype(np.int64), (cases, n)),
        weights=np.zeros((cases, validators, n), np.uint16),
    )
    seen: list[NDArray[np.int64]] = []
    paid = np.zeros((cases, n))
    weights = np.zeros((cases, validators, miners), np.uint16)
    for epoch in range(config.epochs):
        graded = quality * np.exp(config.grade_noise * rng.standard_normal((validators, miners)))
        weights[:] = _stored(graded)
        if seen:
            # the copier grades the first epoch itself, and copies that one until its concealment has passed
            visible = np.maximum(epoch - 1 - delays, 0)
            weights[:, honest] = _stored(np.stack([seen[at][case] for case, at in enumerate(visible)]))
        raw = run_batch(replace(batch, weights=_rows(weights, n)), table, 10**9)
        batch = batch.after(raw)
        seen.append(batch.previous_consensus.reshape(cases, n)[:, validators:])
        if epoch >= config.epochs - config.measured_epochs:
            paid += raw.bits[5].reshape(cases, n)
        quality = quality * np.exp(churn * rng.standard_normal(miners))
    per_stake = paid[:, :validators] / stake[:validators]
    gains: Floats = per_stake[:, honest] / np.median(per_stake[:, :honest], axis=1)
    return gains.reshape(len(config.variants), len(config.concealments))


def _stored(weights: Floats | NDArray[np.int64]) -> NDArray[np.uint16]:
    """Each row scaled so that its largest is 65535."""
    stored: NDArray[np.uint16] = np.rint(weights * (65535 / np.maximum(weights.max(axis=-1, keepdims=True), 1e-12)))
    return stored.astype(np.uint16)


def _rows(weights: NDArray[np.uint16], n: int) -> Rows:
    """(cases, validators, miners) with every cell stored, zeros too, as a validator's own row would be."""
    cases, validators, miners = weights.shape
    counts = np.zeros((cases, n), np.int64)
    counts[:, :validators] = miners
    columns = np.broadcast_to(np.arange(validators, n, dtype=np.uint16), weights.shape)
    return Rows(np.concatenate(([0], np.cumsum(counts))), columns.reshape(-1).copy(), weights.reshape(-1).copy())


def plot(data: CopyingData, *, ax: "Axes | None" = None, churn: float | None = None) -> "Figure":
    """G by concealment for each variant, at one churn (the middle one), with the lines where copying stops paying."""
    from matplotlib.figure import Figure

    ax = ax if ax is not None else Figure(figsize=(7, 5), layout="constrained").add_subplot()
    wanted = churn if churn is not None else data.config.churns[len(data.config.churns) // 2]
    for variant in data.config.variants:
        rows = [row for row in data.rows if row.variant == variant.name and row.churn == wanted]
        value, low, high = (
            np.array([np.nan if x is None else x for x in values])
            for values in zip(*((row.gain.value, row.gain.low, row.gain.high) for row in rows), strict=True)
        )
        x = [row.concealment for row in rows]
        (drawn,) = ax.plot(x, value, marker="o", markersize=3, label=variant.name)
        ax.fill_between(x, low, high, alpha=0.2, color=drawn.get_color())
    ax.axhline(1, color="0.3", linewidth=1)
    ax.axhline(1 - DELEGATE_TAKE, color="0.3", linewidth=1, linestyle="--")
    ax.set(xlabel="concealment, epochs", ylabel="copier's dividends per stake over the honest median")
    ax.set_title(f"What copying earns (churn {wanted:g}; dashed: what delegating earns)")
    ax.legend(fontsize="x-small")
    ax.grid(alpha=0.3)
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def write_csv(data: CopyingData, out: Path) -> Path:
    """`weight_copying.csv` in the folder `out`; returns its path."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "weight_copying.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["variant", "churn", "concealment_epochs", "gain", "low", "high", "seeds"])
        for row in data.rows:
            figures = [None if x is None else f"{x:.4f}" for x in (row.gain.value, row.gain.low, row.gain.high)]
            writer.writerow([row.variant, row.churn, row.concealment, *figures, row.gain.n])
    return path


def run(out: Path, *, config: CopyingConfig | None = None, progress: Progress | None = None) -> CopyingData:
    """The study into a folder: one table and a picture for each churn."""
    data = weight_copying(config, progress=progress)
    write_csv(data, out)
    for churn in data.config.churns:
        plot(data, churn=churn).savefig(out / f"weight_copying_churn_{churn:g}.svg")
    return data
