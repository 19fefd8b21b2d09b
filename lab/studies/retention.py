"""What an honest majority needs so that a cabal does not grow: the retention study.

    data = retention(RetentionConfig())
    plot(data).savefig("retention.svg")

An honest share of stake S and cabals with the rest split their weight over honest and cabal miners; the
honest side keeps its stake if its share of emission is S or more. The study finds the least honest
utility (weight of the honest on honest miners) that does, for every cabal utility, over a grid and
along single lines: the published ones, and versions, epochs and numbers of cabals beside them.
"""

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from consensus import Batch, YumaParams, whitepaper_epoch
from consensus.batch import run_batch
from consensus.params import Version
from lab.statistics import Figure as Estimate
from lab.statistics import mean
from lab.studies.retention_published import PUBLISHED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
STAKE_RAO = 10**15
TAUS = 10**9


@dataclass(frozen=True, slots=True)
class Setting:
    """One world in which a line is drawn; proportions are plain fractions."""

    name: str
    version: Version = "yuma1"
    liquid_alpha: bool = False
    stake_share: float = 0.6
    """Honest share of stake, and of validators and miners by number."""
    kappa: float = 0.5
    bonds_penalty: float = 1.0
    validators_share: float = 0.5
    """Part of emission that goes to dividends; the rest is incentive."""
    noise: float = 0.4
    """Standard deviation of each weight around 1 before its row is normalised."""
    cabals: int = 1
    """Each weighs its own miners and the honest ones, never another cabal's."""
    epochs: int = 1


def settings() -> tuple[Setting, ...]:
    """The published lines, then those that are published nowhere."""
    return (
        Setting("yuma1"),
        Setting("noise 0", noise=0.0),
        Setting("noise 0.2", noise=0.2),
        Setting("penalty 0", bonds_penalty=0.0),
        Setting("penalty 0.5", bonds_penalty=0.5),
        Setting("validators' share 0", validators_share=0.0),
        Setting("validators' share 0.25", validators_share=0.25),
        Setting("stake 0.51", stake_share=0.51),
        Setting("stake 0.51, kappa 0.4", stake_share=0.51, kappa=0.4),
        Setting("whitepaper", version="whitepaper"),
        Setting("nakamoto", version="nakamoto"),
        Setting("liquid alpha v1", version="liquid_alpha_v1", liquid_alpha=True),
        Setting("yuma3", version="yuma3"),
        Setting("yuma3, liquid alpha", version="yuma3", liquid_alpha=True),
        Setting("yuma1, 10 epochs", epochs=10),
        Setting("yuma3, 10 epochs", version="yuma3", epochs=10),
        Setting("yuma3, liquid alpha, 10 epochs", version="yuma3", liquid_alpha=True, epochs=10),
        Setting("2 cabals", cabals=2),
        Setting("4 cabals", cabals=4),
        Setting("yuma3, 4 cabals", version="yuma3", cabals=4),
    )


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """The whole study; the defaults are the published grid and every line."""

    neurons: int = 512
    validators: int = 64
    utility_steps: int = 51
    """Utilities 0, 0.02 … 1 on both axes."""
    grid_stake_shares: tuple[float, ...] = (0.51, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
    grid: Setting = field(default_factory=lambda: Setting("yuma1"))
    lines: tuple[Setting, ...] = field(default_factory=settings)
    line_points: int = 11
    """Cabal utilities of a line: 0, 0.1 … 1."""
    seeds: int = 3
    """Draws of stake and weights behind each point of a line; the grid uses the first."""
    workers: int = 2
    """Threads; an epoch holds no lock."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One setting's line."""

    setting: Setting
    cabal_utility: Floats
    """(points,)"""
    needed: tuple[Estimate, ...]
    """Least honest utility at each point, mean over the seeds; value None where no utility suffices."""
    published: tuple[float, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class RetentionData:
    """Everything the study found."""

    config: RetentionConfig
    utilities: Floats
    """(steps,)"""
    honest_emission: Floats
    """(stake shares, cabal utility, honest utility): the honest side's share of emission over the grid"""
    grid_needed: Floats
    """(stake shares, cabal utility): least honest utility; NaN where none suffices"""
    lines: tuple[Line, ...]
    epochs: int
    grid_s: float
    total_s: float


def retention(config: RetentionConfig | None = None, *, progress: Progress | None = None) -> RetentionData:
    """Run the grid and the lines; `progress` hears (columns done, columns of all)."""
    config = config or RetentionConfig()
    utilities = np.linspace(0, 1, config.utility_steps)
    points = np.linspace(0, 1, config.line_points)
    grid_jobs = [
        (_with_stake(config.grid, share), float(cabal), 0) for share in config.grid_stake_shares for cabal in utilities
    ]
    line_jobs = [
        (setting, float(cabal), seed) for setting in config.lines for cabal in points for seed in range(config.seeds)
    ]
    total = len(grid_jobs) + len(line_jobs)
    done = 0
    started = time.perf_counter()
    columns: list[Floats] = []
    grid_s = 0.0
    worlds = _Worlds(config, utilities)
    with ThreadPoolExecutor(config.workers) as pool:
        for column in pool.map(lambda job: honest_shares(worlds, *job), grid_jobs + line_jobs):
            columns.append(column)
            done += 1
            if done == len(grid_jobs):
                grid_s = time.perf_counter() - started
            if progress is not None:
                progress(done, total)
    steps = len(utilities)
    shares = np.array(columns[: len(grid_jobs)]).reshape(len(config.grid_stake_shares), steps, steps)
    needed = np.array(
        [
            [least_utility(utilities, column, share) for column in rows]
            for rows, share in zip(shares, config.grid_stake_shares, strict=True)
        ]
    )
    line_columns = iter(columns[len(grid_jobs) :])
    lines = tuple(_line(setting, points, utilities, line_columns, config.seeds) for setting in config.lines)
    line_epochs = sum(setting.epochs for setting, _, _ in line_jobs) * len(utilities)
    return RetentionData(
        config=config,
        utilities=utilities,
        honest_emission=shares,
        grid_needed=needed,
        lines=lines,
        epochs=len(grid_jobs) * len(utilities) * config.grid.epochs + line_epochs,
        grid_s=grid_s,
        total_s=time.perf_counter() - started,
    )


def least_utility(utilities: Floats, shares: Floats, wanted: float) -> float:
    """Where the honest share first reaches `wanted`, interpolated; NaN if it never does."""
    reached = np.flatnonzero(shares >= wanted)
    if len(reached) == 0:
        return float("nan")
    at = int(reached[0])
    below = shares[at - 1] if at else np.nan
    if at == 0 or np.isnan(below):
        return float(utilities[at])
    part = (wanted - below) / (shares[at] - below)
    return float(utilities[at - 1] + part * (utilities[at] - utilities[at - 1]))


def honest_shares(worlds: "_Worlds", setting: Setting, cabal_utility: float, seed: int) -> Floats:
    """The honest side's share of emission at each honest utility; NaN where nobody earns."""
    world = worlds.of(setting, seed)
    weights = world.weights(cabal_utility)
    if setting.version == "whitepaper":
        dividends, incentive = _whitepaper(world, weights, setting)
    else:
        dividends, incentive = _chain(world, weights, setting)
    with np.errstate(invalid="ignore", divide="ignore"):
        held = dividends[:, : world.honest_rows.shape[1]].sum(axis=1) / dividends.sum(axis=1)
        earned = incentive[:, world.honest_miners].sum(axis=1) / incentive.sum(axis=1)
    shares: Floats = setting.validators_share * held + (1 - setting.validators_share) * earned
    return shares


@dataclass(frozen=True, slots=True, eq=False)
class _World:
    """Stake, and each validator's weights within each group of miners, before utilities share them out."""

    stake: Floats
    """(validators,) shares"""
    pattern: Floats
    """(validators, miners), each group of each row sums to 1"""
    validator_group: NDArray[np.int64]
    miner_group: NDArray[np.int64]
    """0 is the honest group; it comes first"""
    honest_rows: NDArray[np.uint16]
    """(utilities, honest validators, neurons): they do not depend on the cabals"""

    @property
    def honest_miners(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.miner_group == 0) + len(self.stake)

    def weights(self, cabal_utility: float) -> NDArray[np.uint16]:
        """(utilities, validators, neurons) u16, each row's largest 65535."""
        utilities, honest, neurons = self.honest_rows.shape
        validators = len(self.stake)
        result = np.empty((utilities, validators, neurons), np.uint16)
        result[:, :honest] = self.honest_rows
        own = self.miner_group[None, :] == self.validator_group[honest:, None]
        split = np.where(own, cabal_utility, np.where(self.miner_group == 0, 1 - cabal_utility, 0.0))
        result[:, honest:] = _stored(split * self.pattern[honest:], validators)
        return result


def _stored(rows: Floats, validators: int) -> NDArray[np.uint16]:
    """Weights on miners as the chain stores them: the largest of each row 65535, none on validators."""
    result = np.zeros((*rows.shape[:-1], rows.shape[-1] + validators), np.uint16)
    result[..., validators:] = np.rint(rows * (65535 / rows.max(axis=-1, keepdims=True)))
    return result


class _Worlds:
    """The draws of a study: one for each stake share, noise, number of cabals and seed, made once."""

    def __init__(self, config: RetentionConfig, utilities: Floats) -> None:
        self.config = config
        self.utilities = utilities
        self._made: dict[tuple[float, float, int, int], _World] = {}
        self._lock = Lock()

    def of(self, setting: Setting, seed: int) -> _World:
        key = (setting.stake_share, setting.noise, setting.cabals, seed)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._draw(setting, seed)
            return self._made[key]

    def _draw(self, setting: Setting, seed: int) -> _World:
        rng = np.random.default_rng(np.random.SeedSequence([2021, seed]))
        validators = self.config.validators
        miners = self.config.neurons - validators
        validator_group = _groups(validators, setting)
        miner_group = _groups(miners, setting)
        stake = np.maximum(0.0, rng.normal(1.0, 0.3, validators))
        noise = np.maximum(0.0, 1.0 + setting.noise * rng.standard_normal((validators, miners)))
        for group in range(setting.cabals + 1):
            share = setting.stake_share if group == 0 else (1 - setting.stake_share) / setting.cabals
            members = validator_group == group
            stake[members] *= share / stake[members].sum()
            columns = miner_group == group
            noise[:, columns] /= noise[:, columns].sum(axis=1, keepdims=True)
        honest = int((validator_group == 0).sum())
        split = np.where(miner_group == 0, self.utilities[:, None], (1 - self.utilities[:, None]) / setting.cabals)
        rows = np.stack([_stored(part * noise[:honest], validators) for part in split])
        return _World(stake, noise, validator_group, miner_group, rows)


def _groups(count: int, setting: Setting) -> NDArray[np.int64]:
    honest = min(max(int(setting.stake_share * count), 1), count - setting.cabals)
    return np.concatenate((np.zeros(honest, np.int64), 1 + np.arange(count - honest) % setting.cabals))


def _chain(world: _World, weights: NDArray[np.uint16], setting: Setting) -> tuple[Floats, Floats]:
    cases, validators, neurons = weights.shape
    stake = np.zeros((cases, neurons), np.int64)
    stake[:, :validators] = np.rint(world.stake * STAKE_RAO)
    batch = Batch.from_dense(stake=stake, weights=weights)
    params = YumaParams(
        version=setting.version,
        liquid_alpha=setting.liquid_alpha,
        kappa=int(setting.kappa * 65535),
        bonds_penalty=round(setting.bonds_penalty * 65535),
        max_allowed_validators=validators,
    )
    raw = run_batch(batch, [params] * cases, TAUS)
    for _ in range(setting.epochs - 1):
        raw = run_batch(batch := batch.after(raw), [params] * cases, TAUS)
    return raw.bits[5].reshape(cases, neurons).astype(np.float64), raw.bits[4].reshape(cases, neurons).astype(
        np.float64
    )


def _whitepaper(world: _World, weights: NDArray[np.uint16], setting: Setting) -> tuple[Floats, Floats]:
    cases, validators, neurons = weights.shape
    stake = np.concatenate((world.stake, np.zeros(neurons - validators)))
    dividends, incentive = np.zeros((cases, neurons)), np.zeros((cases, neurons))
    for case, cells in enumerate(weights):
        matrix = np.zeros((neurons, neurons))
        matrix[:validators] = cells / cells.sum(axis=1, keepdims=True)
        bonds = np.zeros((neurons, neurons))
        for _ in range(setting.epochs):
            result = whitepaper_epoch(stake, matrix, bonds, kappa=setting.kappa)
            bonds = result.bonds
        dividends[case], incentive[case] = result.dividends, result.incentive
    return dividends, incentive


def _with_stake(setting: Setting, share: float) -> Setting:
    return replace(setting, stake_share=share)


def _line(setting: Setting, points: Floats, utilities: Floats, columns: Iterator[Floats], seeds: int) -> Line:
    needed = []
    for _ in points:
        found = [least_utility(utilities, next(columns), setting.stake_share) for _ in range(seeds)]
        finite = [value for value in found if not np.isnan(value)]
        needed.append(mean(finite) if len(finite) == seeds else Estimate(None, None, None, seeds))
    published = PUBLISHED.get(setting.name)
    matches = published is not None and len(published) == len(points)
    return Line(setting, points, tuple(needed), published if matches else None)


def plot(data: RetentionData, *, ax: "Axes | None" = None) -> "Figure":
    """The grid's retention lines, one for each stake share."""
    from matplotlib.figure import Figure

    ax = ax if ax is not None else Figure(figsize=(7, 6), layout="constrained").add_subplot()
    for share, needed in zip(data.config.grid_stake_shares, data.grid_needed, strict=True):
        ax.plot(needed, data.utilities, label=f"{share:.2f}", linewidth=2.5 if share == 0.6 else 1.2)
    ax.set(xlabel="least honest utility", ylabel="cabal's weight on itself", xlim=(0, 1), ylim=(0, 1))
    ax.set_title(f"What an honest majority needs to keep its share ({data.config.grid.name})")
    ax.legend(title="honest stake", fontsize="small")
    ax.grid(alpha=0.3)
    return _figure_of(ax)


def plot_lines(data: RetentionData, names: Sequence[str] | None = None, *, ax: "Axes | None" = None) -> "Figure":
    """Single settings with their intervals; published values as crosses."""
    from matplotlib.figure import Figure

    ax = ax if ax is not None else Figure(figsize=(7, 6), layout="constrained").add_subplot()
    for line in data.lines:
        if names is not None and line.setting.name not in names:
            continue
        value = _floats(estimate.value for estimate in line.needed)
        low = _floats(estimate.low for estimate in line.needed)
        high = _floats(estimate.high for estimate in line.needed)
        (drawn,) = ax.plot(value, line.cabal_utility, label=line.setting.name)
        ax.fill_betweenx(line.cabal_utility, low, high, alpha=0.2, color=drawn.get_color())
        if line.published is not None:
            ax.plot(line.published, line.cabal_utility, "x", color=drawn.get_color())
    ax.set(xlabel="least honest utility", ylabel="cabal's weight on itself", xlim=(0, 1), ylim=(0, 1))
    ax.set_title("The same by setting; crosses are published")
    ax.legend(fontsize="x-small")
    ax.grid(alpha=0.3)
    return _figure_of(ax)


def write_csv(data: RetentionData, out: Path) -> tuple[Path, Path]:
    """`retention_grid.csv` and `retention_lines.csv` in the folder `out`; returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    grid, lines = out / "retention_grid.csv", out / "retention_lines.csv"
    with grid.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["stake_share", "cabal_utility", "honest_utility", "honest_emission"])
        for i, share in enumerate(data.config.grid_stake_shares):
            for j, cabal in enumerate(data.utilities):
                for k, honest in enumerate(data.utilities):
                    writer.writerow([share, f"{cabal:.4g}", f"{honest:.4g}", f"{data.honest_emission[i, j, k]:.6f}"])
    with lines.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["setting", "cabal_utility", "needed", "low", "high", "seeds", "published"])
        for line in data.lines:
            published = line.published or (None,) * len(line.needed)
            for cabal, needed, known in zip(line.cabal_utility, line.needed, published, strict=True):
                figures = [None if x is None else f"{x:.4f}" for x in (needed.value, needed.low, needed.high)]
                writer.writerow([line.setting.name, f"{cabal:.4g}", *figures, needed.n, known])
    return grid, lines


def run(out: Path, *, config: RetentionConfig | None = None, progress: Progress | None = None) -> RetentionData:
    """The study into a folder: two tables and two pictures."""
    data = retention(config, progress=progress)
    write_csv(data, out)
    plot(data).savefig(out / "retention.svg")
    plot_lines(data).savefig(out / "retention_lines.svg")
    return data


def _floats(values: Any) -> Floats:
    return np.array([np.nan if value is None else value for value in values])


def _figure_of(ax: "Axes") -> "Figure":
    from matplotlib.figure import Figure

    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
